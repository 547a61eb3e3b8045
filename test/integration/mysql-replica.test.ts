import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { migrateUp } from "../../mixins/database/migrate.ts";
import { openMysql } from "../../mixins/database/mysql.ts";
import type { Database } from "../../mixins/database/port.ts";
import { migrations } from "../../migrations/index.ts";
import { silent } from "../support/database.ts";
import { onServer, ownDatabase, type OwnDatabase } from "../support/mysql.ts";
import { freePort } from "../support/server-process.ts";
import { serversFor } from "../support/servers.ts";

const server = await serversFor("mysql");

/** A second database stands for the replica, and the test for what carries changes to it: its answers are told by `origin`. */
describe("a read replica of MySQL", { skip: server.skip }, () => {
  let primary: OwnDatabase;
  let replica: OwnDatabase;
  let db: Database;
  let warnings: string[];

  before(async () => {
    [primary, replica] = [await ownDatabase(server.url), await ownDatabase(server.url)];
    for (const { url } of [primary, replica]) {
      const own = await openMysql({ url, poolSize: 2, logger: silent });
      await migrateUp(own, migrations);
      await own.execute("create table item (origin varchar(10) not null, n bigint not null)");
      await own.close();
    }
    await onServer(primary.url, "insert into item values ('primary', 1)");
    await onServer(replica.url, "insert into item values ('replica', 1)");
  });
  after(async () => {
    await primary[Symbol.asyncDispose]();
    await replica[Symbol.asyncDispose]();
  });
  beforeEach(() => void (warnings = []));

  async function using(replicaUrl: string, work: () => Promise<void>): Promise<void> {
    const logger = { warn: (...parts: unknown[]) => void warnings.push(parts.join(" ")), error: () => undefined };
    db = await openMysql({ url: primary.url, replicaUrl, poolSize: 4, logger });
    try {
      await work();
    } finally {
      await db.close();
    }
  }
  const origin = async (): Promise<unknown> =>
    (await db.select("select origin from item", {}, undefined, { replica: true }))[0]?.["origin"];
  const markOf = async ({ url }: OwnDatabase): Promise<number> =>
    Number((await onServer(url, "select mark from replica_mark"))[0]?.["mark"] ?? 0);
  /** Carries the mark over, as replication carries everything before it. */
  const replicate = async (ahead = 0): Promise<void> => {
    await onServer(replica.url, `replace into replica_mark values (1, ${(await markOf(primary)) + ahead})`);
  };

  it("answers what may be read there once it has caught up, and nothing else", () =>
    using(replica.url, async () => {
      await replicate(100);
      assert.equal(await origin(), "replica");
      assert.deepEqual(await Promise.all([origin(), origin(), origin()]), ["replica", "replica", "replica"]);
      assert.deepEqual(await db.select("select origin from item"), [{ origin: "primary" }]);
      const inside = await db.transaction((tx) => db.select("select origin from item", {}, tx, { replica: true }));
      assert.deepEqual(inside, [{ origin: "primary" }]);
    }));

  it("is waited for while it catches up", () =>
    using(replica.url, async () => {
      const asked = "create function asked() returns int no sql return (@asked := coalesce(@asked, 0) + 1)";
      const mark = `if(asked() > 3, (select mark from ${primary.name}.replica_mark), 0)`; // there when it is asked the fourth time
      const view = `create view replica_mark as select 1 as id, ${mark} as mark`;
      await onServer(replica.url, "rename table replica_mark to carried", asked, view);
      const read = await origin().finally(() =>
        onServer(replica.url, "drop view replica_mark", "drop function asked", "rename table carried to replica_mark"),
      );
      assert.equal(read, "replica");
      assert.deepEqual(warnings, []);
    }));

  it("that stays behind leaves reads to the primary", () =>
    using(replica.url, async () => {
      await replicate();
      assert.equal(await origin(), "primary");
      await replicate(100);
      assert.equal(await origin(), "primary", "it is left in peace for a while");
      assert.deepEqual(warnings, ["The read replica is behind: the primary answers meanwhile"]);
    }));

  it("that cannot be reached, or has no tables yet, leaves reads to the primary", async () => {
    const nowhere = `mysql://im:hunter2@127.0.0.1:${await freePort()}/im`;
    await using empty = await ownDatabase(server.url);
    for (const url of [nowhere, empty.url]) {
      await using(url, async () => assert.equal(await origin(), "primary"));
    }
    assert.equal(warnings.length, 2);
    assert.doesNotMatch(warnings.join(), /hunter2/);
  });

  it("says what is wrong with a statement as the primary would", () =>
    using(replica.url, async () => {
      await replicate(100);
      await assert.rejects(db.select("select nonsense from item", {}, undefined, { replica: true }), /nonsense/);
    }));
});
