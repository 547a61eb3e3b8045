import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageRecord } from "../../contracts/records.ts";
import type { Database } from "../../mixins/database/port.ts";
import { LiveMessages } from "../../services/message/live-messages.ts";
import { LiveSeveral } from "../../services/message/live-several.ts";
import type { MessageRow } from "../../services/message/rows.ts";
import { PersistRepository } from "../../services/persister/repository.ts";
import { createDatabase } from "../support/database.ts";
import { buildRecord, newId } from "../support/records.ts";

const USER = "8";

interface World extends AsyncDisposable {
  readonly sql: Database;
  readonly live: LiveMessages;
  readonly several: LiveSeveral;
  readonly ids: readonly string[];
  /** Statements that were run since the last call. */
  statements(): number;
}

/** Conversations of 10 messages each; in the i-th the last i % 4 are on their way to SQL, and the one before may have arrived. */
async function createWorld(count: number, more: (i: number, seq: number) => Partial<MessageRecord> = () => ({})): Promise<World> {
  const database = await createDatabase();
  const waiting = new Map<string, MessageRecord[]>();
  const persister = new PersistRepository(database.sql);
  for (let i = 0; i < count; i++) {
    const conversationId = `g_${newId()}`;
    const records = Array.from({ length: 10 }, (_, at) =>
      buildRecord({
        conversationId,
        seq: at + 1,
        createdAt: 1_000 + at,
        content: { text: `${i} ${at + 1}` },
        ...more(i, at + 1),
      }),
    );
    const stored = 10 - (i % 4);
    await persister.insertNew(records.slice(0, stored), 5_000);
    waiting.set(conversationId, i % 4 === 0 ? [] : records.slice(stored - 1));
  }
  let statements = 0;
  const select: Database["select"] = (...statement) => {
    statements++;
    return database.sql.select(...statement);
  };
  const sql = new Proxy(database.sql, {
    get: (target, name) => (name === "select" ? select : (Reflect.get(target, name, target) as unknown)),
  });
  const live = new LiveMessages(sql, {
    conversations: { unpersisted: (id) => Promise.resolve(waiting.get(id) ?? []), find: () => Promise.resolve(null) },
    erasedAmong: () => Promise.resolve(new Set<string>()),
  });
  return {
    sql: database.sql,
    live,
    several: new LiveSeveral(sql, live),
    ids: [...waiting.keys()],
    statements() {
      const count = statements;
      statements = 0;
      return count;
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

const shown = (rows: readonly MessageRow[]) =>
  rows.map(({ seq, message_id, content, persisted_at }) => [Number(seq), String(message_id), content, persisted_at]);
const bounds = (conversationId: string, minSeq: number, maxSeq: number) => ({ conversationId, minSeq, maxSeq });

test("several conversations read as one by one, wherever their messages are", async () => {
  await using world = await createWorld(70, (i, seq) => ({
    ...(seq === i % 12 && { senderId: USER }),
    ...(seq === 9 && i % 3 === 0 && { mentions: [USER] }),
    ...(seq === 2 && { type: "system" as const }),
  }));
  const { several, live, ids } = world;
  for (const [minSeq, maxSeq] of [
    [1, 10],
    [4, 9],
    [10, 10],
  ] as const) {
    const tails = await several.tails(ids);
    for (const direction of ["up", "down"] as const) {
      const pages = await several.pages(
        USER,
        ids.map((id) => ({ ...bounds(id, minSeq, maxSeq), direction, limit: 4 })),
        tails,
      );
      for (const [at, id] of ids.entries())
        assert.deepEqual(
          shown(pages[at]!),
          shown(await live.page(id, USER, { minSeq, maxSeq }, direction, 4)),
          `${at} ${direction}`,
        );
    }
    const unread = await several.unread(
      USER,
      ids.map((id) => bounds(id, minSeq, maxSeq)),
      tails,
    );
    for (const [at, id] of ids.entries()) {
      const own = at % 12 >= minSeq && at % 12 <= maxSeq && at % 12 <= 10 ? at % 12 : 0;
      const expected =
        own === maxSeq
          ? { count: 0, mentioned: false }
          : await live.unread(id, USER, { minSeq: Math.max(minSeq, own + 1), maxSeq });
      assert.deepEqual(unread[at], { own, ...expected }, `${at}`);
    }
  }
  const heads = await several.heads(ids.map((conversationId, i) => ({ conversationId, maxSeq: [null, 10, 7, 0][i % 4]! })));
  assert.deepEqual(heads[0], { seq: 10, at: 1_009 });
  for (const [at, id] of ids.entries()) assert.deepEqual(heads[at], await live.head(id, [null, 10, 7, 0][at % 4]!), `${at}`);
  const places = ids.flatMap((conversationId) => [1, 8, 10, 11].map((seq) => ({ conversationId, seq })));
  const found = await several.at(places);
  assert.deepEqual(found.length, ids.length * 3);
});

test("the cost is a statement for many conversations, not one for each", async () => {
  await using world = await createWorld(4 * 30);
  const ids = world.ids.filter((_, i) => i % 4 === 0);
  const tails = await world.several.tails(ids);
  world.statements();
  const count = async (work: Promise<unknown>): Promise<number> => {
    await work;
    return world.statements();
  };
  assert.equal(await count(world.several.heads(ids.map((conversationId) => ({ conversationId, maxSeq: 10 })))), 1);
  assert.equal(await count(world.several.heads(ids.map((conversationId) => ({ conversationId, maxSeq: null })))), 1);
  const pages = ids.map((id) => ({ ...bounds(id, 1, 10), direction: "down" as const, limit: 5 }));
  assert.equal(await count(world.several.pages(USER, pages, tails)), 1);
  assert.equal(
    await count(
      world.several.unread(
        USER,
        ids.map((id) => bounds(id, 1, 10)),
        tails,
      ),
    ),
    1,
  );
  assert.equal(await count(world.several.reactions(ids.map((id) => bounds(id, 1, 10)))), 1);
});

test("what is deleted for the user, recalled or of a void counts as one by one", async () => {
  await using world = await createWorld(8);
  const { sql, several, live, ids } = world;
  for (const [i, id] of ids.entries()) {
    await sql.insertRows("message_hidden", [{ user_id: USER, conversation_id: id, seq: 3 }], "keep");
    await sql.execute("update message set recalled_at = 1 where conversation_id = :id and seq = :seq", { id, seq: 4 + (i % 2) });
    await sql.execute("update message set type = 'void' where conversation_id = :id and seq = 6", { id });
  }
  const tails = await several.tails(ids);
  const unread = await several.unread(
    USER,
    ids.map((id) => bounds(id, 1, 10)),
    tails,
  );
  for (const [at, id] of ids.entries())
    assert.deepEqual(unread[at], { own: 0, ...(await live.unread(id, USER, { minSeq: 1, maxSeq: 10 })) });
  assert.equal(unread[0]!.count, 7);
  const visible = await several.visibleAt(
    USER,
    ids.flatMap((conversationId) => [3, 5, 6].map((seq) => ({ conversationId, seq }))),
  );
  assert.deepEqual([...new Set(visible.map(({ seq }) => Number(seq)))], [5]);
});
