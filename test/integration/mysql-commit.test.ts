import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { toWireError } from "../../lib/errors.ts";
import { migrateUp } from "../../mixins/database/migrate.ts";
import { openMysql } from "../../mixins/database/mysql.ts";
import type { Database } from "../../mixins/database/port.ts";
import { migrations } from "../../migrations/index.ts";
import { persistBatch } from "../../services/persister/persist.ts";
import { PersistRepository } from "../../services/persister/repository.ts";
import { createCutLink, type CutLink } from "../support/cut-link.ts";
import { silent } from "../support/database.ts";
import { onServer, ownDatabase, type OwnDatabase } from "../support/mysql.ts";
import { buildRecord } from "../support/records.ts";
import { serversFor } from "../support/servers.ts";

const server = await serversFor("mysql");
/** With the code of a query before it: the word stands in what every session begins with, too. */
const COMMIT = "\u0003COMMIT";

describe("a connection to MySQL that breaks", { skip: server.skip }, () => {
  let own: OwnDatabase;
  let link: CutLink;
  let db: Database;

  before(async () => {
    own = await ownDatabase(server.url);
    link = await createCutLink(own.url);
    db = await openMysql({ url: link.url, poolSize: 4, logger: silent });
    await db.execute("create table item (id varchar(20) primary key, n bigint not null)");
    await migrateUp(db, migrations);
  });
  after(async () => {
    await db.close();
    await link[Symbol.asyncDispose]();
    await own[Symbol.asyncDispose]();
  });

  const insert = (id: string, runs: string[] = []): Promise<number> =>
    db.transaction((tx) => {
      runs.push(id);
      return db.insertRows("item", [{ id, n: 1 }], "fail", tx);
    });
  const isThere = async (id: string): Promise<boolean> =>
    (await db.select("select id from item where id = :id", { id })).length > 0;
  const isUnknown = (error: unknown): boolean =>
    error instanceof Error && error.name === "OutcomeUnknown" && db.isTransient(error) && toWireError(error).status === 503;

  it("before the commit: the whole transaction runs again, and once is what it did", async () => {
    const runs: string[] = [];
    link.cutAt("INSERT INTO `item`", "answered");
    assert.equal(await insert("again", runs), 1);
    assert.deepEqual(runs, ["again", "again"]);
    assert.ok(await isThere("again"));
  });

  it("while a read is under way: it is read again", async () => {
    link.cutAt("select n from item", "before");
    assert.deepEqual(await db.select("select n from item where id = 'nowhere'"), []);
  });

  it("at the commit: whoever asked hears that nobody knows, and the work does not run twice", async () => {
    for (const when of ["before", "answered"] as const) {
      const runs: string[] = [];
      link.cutAt(COMMIT, when);
      await assert.rejects(insert(when, runs), isUnknown);
      assert.deepEqual(runs, [when]);
      assert.equal(await isThere(when), when === "answered");
    }
  });

  it("over a statement that commits itself: the same", async () => {
    await insert("counter");
    for (const when of ["before", "answered"] as const) {
      link.cutAt("set n = n + 1", when);
      await assert.rejects(db.execute("update item set n = n + 1 where id = 'counter'"), isUnknown);
    }
    assert.deepEqual(await db.select("select n from item where id = 'counter'"), [{ n: 2 }]);
    link.cutAt("INSERT INTO `item`", "answered");
    await assert.rejects(db.bulkInsert("item", [{ id: "bulk", n: 1 }]), isUnknown);
    assert.ok(await isThere("bulk"));
  });

  it("at the commit of a batch: the persister that repeats it finds everything done, each message once", async () => {
    const records = Array.from({ length: 20 }, (_, at) => buildRecord({ conversationId: "g_1", seq: at + 1 }));
    const deps = { repository: new PersistRepository(db), now: Date.now };
    for (const when of ["before", "answered"] as const) {
      link.cutAt(COMMIT, when);
      await assert.rejects(persistBatch(deps, records), isUnknown);
    }
    assert.deepEqual(await persistBatch(deps, records), []);
    const [row] = await db.select("select count(*) as count, count(distinct message_id) as ids from message");
    assert.deepEqual(row, { count: 20, ids: 20 });
  });

  it("by the server's hand, in the middle of a transaction: the whole of it runs again", async () => {
    let runs = 0;
    await db.transaction(async (tx) => {
      await db.execute("update item set n = 7 where id = 'counter'", {}, tx);
      const [session] = await db.select<{ id: number }>("select connection_id() as id", {}, tx);
      if (++runs === 1) await onServer(own.url, `kill ${session?.id}`);
      await db.execute("update item set n = n + 1 where id = 'counter'", {}, tx);
    });
    assert.equal(runs, 2);
    assert.deepEqual(await db.select("select n from item where id = 'counter'"), [{ n: 8 }]);
  });

  it("leaves no word of what was written in the error", async () => {
    await insert("secret");
    await assert.rejects(
      db.insertRows("item", [{ id: "secret", n: 1 }], "fail"),
      (error) => error instanceof Error && !/secret/.test(`${error.message} ${JSON.stringify(error)} ${error.stack}`),
    );
    await assert.rejects(
      db.execute("update item set n = :n where id broken :id", { n: 1, id: "secret" }),
      (error) => error instanceof Error && !/secret/.test(error.message) && /broken/.test(error.message),
    );
  });
});
