import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { migrateUp } from "../../mixins/database/migrate.ts";
import { openMysql } from "../../mixins/database/mysql.ts";
import type { Database, SqlParams } from "../../mixins/database/port.ts";
import { migrations } from "../../migrations/index.ts";
import { ErasureRepository } from "../../services/message/erasure-repository.ts";
import { MessageRepository } from "../../services/message/repository.ts";
import { ThreadRepository } from "../../services/message/thread-repository.ts";
import { SeveralRepository } from "../../services/message/several-repository.ts";
import { persistBatch } from "../../services/persister/persist.ts";
import { PersistRepository } from "../../services/persister/repository.ts";
import { silent } from "../support/database.ts";
import { ownDatabase, type OwnDatabase } from "../support/mysql.ts";
import { buildRecord, buildRecords } from "../support/records.ts";
import { serversFor } from "../support/servers.ts";

const server = await serversFor("mysql");
const CONVERSATIONS = Array.from({ length: 40 }, (_, at) => `g_${100 + at}`);
const [FIRST] = CONVERSATIONS as [string];
const EACH = 100;

interface Step {
  readonly table: string;
  readonly key: string | null;
  readonly partitions: string;
  readonly Extra: string | null;
}

const noChanges = { record: () => Promise.resolve() };

describe("plans of MySQL for the table of messages", { skip: server.skip }, () => {
  let own: OwnDatabase;
  let db: Database;

  before(async () => {
    own = await ownDatabase(server.url);
    db = await openMysql({ url: own.url, poolSize: 4, logger: silent });
    await migrateUp(db, migrations);
    const deps = { repository: new PersistRepository(db), now: Date.now };
    for (const conversationId of CONVERSATIONS) await persistBatch(deps, buildRecords(EACH, { conversationId }));
    await db.select("analyze table message");
  });
  after(async () => {
    await db.close();
    await own[Symbol.asyncDispose]();
  });

  /** The steps on the table of messages of what `work` reads. */
  async function plansOf(work: (sql: Database) => Promise<unknown>): Promise<Step[]> {
    const statements: [string, SqlParams][] = [];
    const select = (sql: string, params: SqlParams = {}, ...rest: [undefined, object]) => {
      statements.push([sql, params]);
      return db.select(sql, params, ...rest);
    };
    const proxy = new Proxy(db, {
      get: (target, name) => (name === "select" ? select : (Reflect.get(target, name, target) as unknown)),
    });
    await work(proxy);
    const [version] = await db.select<{ name: string }>("select version() as name");
    const explain = version!.name.includes("MariaDB") ? "explain partitions" : "explain";
    const steps: Step[] = [];
    for (const [sql, params] of statements) steps.push(...(await db.select<Step>(`${explain} ${sql}`, params)));
    return steps.filter(({ table }) => table === "message" || table === "m");
  }
  const partitionsOf = ({ partitions }: Step): number => partitions.split(",").length;

  it("history reads the rows of its page, in their order, in one partition", async () => {
    const [step, ...more] = await plansOf((sql) =>
      new MessageRepository(sql).page(FIRST, "1", { minSeq: 1, maxSeq: 60 }, "down", 20),
    );
    assert.equal(more.length, 0);
    assert.deepEqual([step!.key, partitionsOf(step!)], ["PRIMARY", 1]);
    assert.doesNotMatch(String(step!.Extra), /filesort|temporary/);
  });

  it("pages, heads and counts of several conversations are ranges of the key, each in one partition, without a table of their own", async () => {
    const ids = CONVERSATIONS.slice(0, 12);
    const ranges = ids.map((conversationId) => ({ conversationId, minSeq: 10, maxSeq: 40 }));
    const steps = await plansOf(async (sql) => {
      const several = new SeveralRepository(sql);
      await several.pages(
        "1",
        ranges.flatMap((range) => [{ ...range, direction: "up" as const, limit: 5 }]),
      );
      await several.pages(
        "1",
        ranges.map((range) => ({ ...range, direction: "down" as const, limit: 5 })),
      );
      await several.heads(ids.map((conversationId) => ({ conversationId, maxSeq: 40 })));
      await several.counts("1", ranges);
    });
    assert.equal(steps.length, 4 * ids.length);
    for (const step of steps) {
      assert.deepEqual([step.key, partitionsOf(step)], ["PRIMARY", 1]);
      assert.doesNotMatch(String(step.Extra), /filesort|temporary/);
    }
  });

  it("what a sender has sent before is found by its key, however many are asked for", async () => {
    const keys = CONVERSATIONS.map((conversationId) => ({ conversationId, senderId: "7", clientMsgId: "c-1" }));
    const [step] = await plansOf((sql) => new MessageRepository(sql).knownOf(keys));
    assert.equal(step!.key, "message_client");
  });

  it("what neighbours among 64-bit ids have sent under one key is told apart", async () => {
    const conversationId = "g_88";
    const senders = ["7000000000000000001", "7000000000000000002", "7000000000000000003"];
    const records = senders.map((senderId, i) => buildRecord({ conversationId, senderId, clientMsgId: "same", seq: i + 1 }));
    await persistBatch({ repository: new PersistRepository(db), now: Date.now }, records);
    const keys = senders.map((senderId) => ({ conversationId, senderId, clientMsgId: "same" }));
    const known = await new MessageRepository(db).knownOf([...keys, { ...keys[0]!, clientMsgId: "other" }]);
    assert.deepEqual(
      known.map((one) => one?.seq ?? null),
      [1, 2, 3, null],
    );
  });

  it("a message id is looked up in each partition, by its index", async () => {
    const [step] = await plansOf((sql) => new MessageRepository(sql).byId("1"));
    assert.deepEqual([step!.key, partitionsOf(step!)], ["message_id", 16]);
  });

  it("a page of a thread reads its rows in their order, and what a thread holds is counted in its index, in one partition", async () => {
    const threads = (sql: Database) => new ThreadRepository(sql, () => Promise.resolve(new Map()));
    const page = { conversationId: FIRST, threadId: "5", viewer: "1", bounds: { minSeq: 1, maxSeq: 60 }, limit: 20 };
    const [step, ...more] = await plansOf((sql) => threads(sql).page({ ...page, direction: "down" }));
    assert.equal(more.length, 0);
    assert.deepEqual([step!.key, partitionsOf(step!)], ["message_thread", 1]);
    assert.doesNotMatch(String(step!.Extra), /filesort|temporary/);
    const steps = await plansOf((sql) =>
      threads(sql).summaries("1", [
        { conversationId: FIRST, threadIds: ["5", "6"], maxSeq: 60 },
        { conversationId: CONVERSATIONS[1]!, threadIds: ["7"], maxSeq: 60 },
      ]),
    );
    const counting = steps.filter(({ table }) => table === "m");
    assert.deepEqual(
      counting.map((one) => [one.key, partitionsOf(one), /Using index/.test(String(one.Extra))]),
      [
        ["message_thread", 1, true],
        ["message_thread", 1, true],
      ],
    );
  });

  it("the search for forwards goes through the table in the order of its key, a page at a time", async () => {
    const after = { conversationId: FIRST, seq: 3 };
    const [step] = await plansOf((sql) => new ErasureRepository(sql, noChanges).scrubForwards("1", after, 0, 50));
    assert.equal(step!.key, "PRIMARY");
    assert.doesNotMatch(String(step!.Extra), /filesort|temporary/);
  });
});
