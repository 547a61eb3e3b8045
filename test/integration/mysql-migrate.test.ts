import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ServiceSchema } from "moleculer";
import { withDatabase, type DatabaseVars } from "../../mixins/database/index.ts";
import { migrations as released } from "../../migrations/index.ts";
import { migrateDown, migrateUp, migrationStatus, type Migration } from "../../mixins/database/migrate.ts";
import { openMysql } from "../../mixins/database/mysql.ts";
import type { Database } from "../../mixins/database/port.ts";
import { silent } from "../support/database.ts";
import { createNode } from "../support/node.ts";
import { ownDatabase } from "../support/mysql.ts";
import { serversFor } from "../support/servers.ts";

const server = await serversFor("mysql");

type Open = () => Promise<Database>;

/** Hands out connections to one fresh database and closes them all. */
async function usingDatabase(work: (db: Database, open: Open) => Promise<void>): Promise<void> {
  await using own = await ownDatabase(server.url);
  const opened: Database[] = [];
  const open = async () => {
    const db = await openMysql({ url: own.url, poolSize: 2, logger: silent });
    opened.push(db);
    return db;
  };
  try {
    await work(await open(), open);
  } finally {
    await Promise.all(opened.map((db) => db.close()));
  }
}

const tablesOf = async (db: Database): Promise<string[]> =>
  (
    await db.select<{ name: string }>(
      "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name",
    )
  ).map(({ name }) => name);

/** Columns and indexes, as the server describes them. */
async function schemaOf(db: Database): Promise<string[]> {
  const schema: string[] = [];
  for (const table of await tablesOf(db)) {
    const [row] = await db.select<Record<string, string>>(`SHOW CREATE TABLE \`${table}\``);
    schema.push(String(row?.["Create Table"]).replace(/ AUTO_INCREMENT=\d+/, ""));
  }
  return schema;
}

/** Makes two tables; `breaks` is asked before each statement. */
const twoTables = (breaks: (statement: number) => void): Migration => {
  const run = async (execute: (sql: string) => Promise<void>, statements: readonly string[]): Promise<void> => {
    for (const [at, sql] of statements.entries()) {
      breaks(at);
      await execute(sql);
    }
  };
  return {
    name: "0001-two",
    up: ({ execute }) => run(execute, ["create table one (id bigint primary key)", "create table two (id bigint primary key)"]),
    down: ({ execute }) => run(execute, ["drop table two", "drop table one"]),
  };
};
const whole = twoTables(() => undefined);
const brokenAt = (statement: number): Migration =>
  twoTables((at) => {
    if (at === statement) throw new Error("the process died");
  });

describe("migrations on MySQL", { skip: server.skip }, () => {
  it("of the product go forward, back and forward again to the same schema", () =>
    usingDatabase(async (db) => {
      const names = released.map(({ name }) => name);
      await migrationStatus(db, released);
      const empty = await schemaOf(db);
      assert.deepEqual(await migrateUp(db, released), names);
      const full = await schemaOf(db);
      assert.ok(full.some((table) => /CREATE TABLE `message` .* PARTITION BY KEY .*PARTITIONS 16/s.test(table)));
      assert.deepEqual(await migrateDown(db, released, { to: 0 }), names.toReversed());
      assert.deepEqual(await schemaOf(db), empty);
      assert.deepEqual(await migrateUp(db, released), names);
      assert.deepEqual(await schemaOf(db), full);
    }));

  it("are applied once when several nodes start at the same time", () =>
    usingDatabase(async (db, open) => {
      const nodes = [db, await open(), await open()];
      const applied = await Promise.all(nodes.map((node) => migrateUp(node, [whole])));
      assert.deepEqual(applied.flat(), ["0001-two"]);
    }));

  it("of the product run once when two nodes start at the same time on an empty database, and both work", async () => {
    await using own = await ownDatabase(server.url);
    const start = async () => {
      const schema: ServiceSchema = { name: "user-of-it", mixins: [withDatabase()] };
      return createNode([schema], { config: { mysqlUrl: own.url } });
    };
    const nodes = await Promise.all([start(), start()]);
    for (const { broker } of nodes) {
      const { sql } = broker.getLocalService("user-of-it") as unknown as DatabaseVars;
      assert.equal((await sql.select("select name from migration")).length, released.length);
    }
    await Promise.all(nodes.map((node) => node.stop()));
  });

  it("that were broken off between two statements go on there", () =>
    usingDatabase(async (db) => {
      await assert.rejects(migrateUp(db, [brokenAt(1)]), /process died/);
      assert.deepEqual(await migrateUp(db, [whole]), ["0001-two"]);
      await assert.rejects(migrateDown(db, [brokenAt(1)]), /process died/);
      await assert.rejects(migrateUp(db, [whole]), /half reverted/);
      assert.deepEqual(await migrateDown(db, [whole]), ["0001-two"]);
      assert.deepEqual(await tablesOf(db), ["migration", "migration_step"]);
      assert.deepEqual(await migrateUp(db, [whole]), ["0001-two"]);
    }));

  it("that were broken off while a statement ran take it as done when it was", () =>
    usingDatabase(async (db) => {
      await assert.rejects(migrateUp(db, [brokenAt(1)]), /process died/);
      // What a process leaves behind that dies before it has the answer.
      await db.execute("create table two (id bigint primary key)");
      await db.execute("update migration_step set begun = 2");
      assert.deepEqual(await migrateUp(db, [whole]), ["0001-two"]);
      assert.deepEqual((await tablesOf(db)).slice(-2), ["one", "two"]);
    }));

  it("that the server refuses are refused again, and applied once they are mended", () =>
    usingDatabase(async (db) => {
      await db.execute("create table two (id bigint primary key)");
      for (let tries = 0; tries < 2; tries++) await assert.rejects(migrateUp(db, [whole]), /0001-two/);
      await db.execute("drop table two");
      assert.deepEqual(await migrateUp(db, [whole]), ["0001-two"]);
    }));

  it("of a newer version are not touched", () =>
    usingDatabase(async (db) => {
      await migrateUp(db, [whole]);
      await assert.rejects(migrateUp(db, []), /newer version.*0001-two/);
      await assert.rejects(migrateDown(db, []), /newer version/);
    }));
});
