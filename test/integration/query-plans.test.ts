import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { ChangeLog } from "../../mixins/change-log/change-log.ts";
import { migrateUp } from "../../mixins/database/migrate.ts";
import { openSqlite } from "../../mixins/database/sqlite.ts";
import { migrations } from "../../migrations/index.ts";
import { revokeInvitationsBy, invitationsOf } from "../../services/group/repository/invitations.ts";
import { FavoriteRepository } from "../../services/message/favorite-repository.ts";
import { PinRepository } from "../../services/message/pin-repository.ts";
import { MessageRepository } from "../../services/message/repository.ts";
import { ThreadRepository } from "../../services/message/thread-repository.ts";
import { pruneSessions } from "../../services/auth/prune.ts";
import type { Database } from "../../mixins/database/port.ts";

/** The database with its statements written down. */
function watched(sql: Database): { sql: Database; statements: Set<string> } {
  const statements = new Set<string>();
  const note =
    <A extends unknown[], R>(method: (text: string, ...rest: A) => R) =>
    (text: string, ...rest: A): R => {
      statements.add(text);
      return method(text, ...rest);
    };
  const own = { select: note(sql.select.bind(sql)), execute: note(sql.execute.bind(sql)) };
  const proxy = new Proxy(sql, {
    get: (target, name) => (name in own ? own[name as keyof typeof own] : Reflect.get(target, name)) as unknown,
  });
  return { sql: proxy, statements };
}

/** A database in a file of its own, for as long as the test takes. */
async function opened(t: TestContext): Promise<Database> {
  const folder = await mkdtemp(join(tmpdir(), "im-plans-"));
  const db = await openSqlite({ file: join(folder, "im.sqlite"), logger: { warn: () => undefined, error: () => undefined } });
  t.after(async () => {
    await db.close();
    await rm(folder, { recursive: true, force: true });
  });
  await migrateUp(db, migrations);
  return db;
}

test("a few new changes are looked through in their order, many for each conversation", async (t) => {
  const { sql, statements } = watched(await opened(t));
  const asked = { conversationIds: ["g_1", "g_2"], userId: "1", limit: 1, after: 0 };
  const plans: string[] = [];
  for (const upTo of [1, 1_000_000]) {
    await new ChangeLog(sql).since({ ...asked, upTo });
    const values = { portion: asked.conversationIds, after: 0, upTo, userId: "1", limit: 1 };
    const [first] = await sql.select<{ detail: string }>(`explain query plan ${[...statements].at(-1)!}`, values);
    plans.push(first!.detail);
  }
  assert.match(plans[0]!, /USING PRIMARY KEY/);
  assert.match(plans[1]!, /USING INDEX change_log_conversation/);
});

test("what runs beside others' writes reads no table from one end to the other", async (t) => {
  const db = await opened(t);
  const { sql, statements } = watched(db);
  await pruneSessions(sql, 1);
  await db.transaction((tx) => revokeInvitationsBy(sql, "1", "2", 3, tx));
  await invitationsOf(sql, "1");
  await new MessageRepository(sql).knownOf([{ conversationId: "d_1_2", senderId: "1", clientMsgId: "k" }]);
  const changes = { conversationIds: ["g_1"], userId: "1", limit: 1 };
  for (const upTo of [1, 1_000_000]) await new ChangeLog(sql).since({ ...changes, after: 0, upTo });
  const threads = new ThreadRepository(sql, () => Promise.resolve(new Map()));
  await threads.summaries("1", [{ conversationId: "g_1", threadIds: ["1"], maxSeq: 1 }]);
  const bounds = { minSeq: 1, maxSeq: 1 };
  await threads.page({ conversationId: "g_1", threadId: "1", viewer: "1", bounds, direction: "down", limit: 1 });
  await new PinRepository(sql).visible("g_1", "1", bounds);
  const favorites = new FavoriteRepository(sql);
  await favorites.of("1", null, 1);
  await favorites.forget("1", 1);
  await favorites.scrubForwards("1", "0", 1);
  assert.equal(statements.size, 16);
  for (const statement of statements) {
    const values = Object.fromEntries(
      [...statement.matchAll(/:(\w+)/g)].map(([, name]) => [name!, name === "tuples" ? [[1, 1, 1]] : 1]),
    );
    const plan = await db.select<{ detail: string }>(`explain query plan ${statement}`, values);
    assert.ok(
      plan.every(({ detail }) => !/^SCAN (?!\d+-ROW VALUES|CONSTANT ROW)/.test(detail)),
      `${statement}\n${plan.map(({ detail }) => detail).join("\n")}`,
    );
  }
});
