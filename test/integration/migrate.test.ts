import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { migrations as released } from "../../migrations/index.ts";
import { migrateDown, migrateUp, migrationStatus, type Migration } from "../../mixins/database/migrate.ts";
import type { Database } from "../../mixins/database/port.ts";
import { openSqlite } from "../../mixins/database/sqlite.ts";

const silent = { warn: () => undefined, error: () => undefined };

const one: Migration = {
  name: "0001-one",
  up: (db) => db.execute("CREATE TABLE one (id BIGINT NOT NULL PRIMARY KEY)"),
  down: (db) => db.execute("DROP TABLE one"),
};

const two: Migration = {
  name: "0002-two",
  up: async (db) => {
    await db.execute("ALTER TABLE one ADD COLUMN name VARCHAR(20)");
    await db.execute("CREATE UNIQUE INDEX one_name ON one (name)");
  },
  down: async (db) => {
    await db.execute("DROP INDEX one_name");
    await db.execute("ALTER TABLE one DROP COLUMN name");
  },
};

const broken: Migration = {
  name: "0003-broken",
  up: async (db) => {
    await db.execute("CREATE TABLE half (id BIGINT)");
    await db.execute("CREATE TABLE half (id BIGINT)");
  },
  down: () => Promise.resolve(),
};

type Open = () => Promise<Database>;

/** Hands out connections to one fresh file and closes them all. */
async function usingFile(work: (db: Database, open: Open) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "im-migrate-"));
  const opened: Database[] = [];
  const open = async () => {
    const db = await openSqlite({ file: join(folder, "test.sqlite"), logger: silent });
    opened.push(db);
    return db;
  };
  try {
    await work(await open(), open);
  } finally {
    await Promise.all(opened.map((db) => db.close()));
    await rm(folder, { recursive: true });
  }
}

const schemaOf = (db: Database) =>
  db.select("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'sqlite_sequence' ORDER BY type, name");
const appliedNames = async (db: Database, list: readonly Migration[]) =>
  (await migrationStatus(db, list)).filter(({ appliedAt }) => appliedAt !== null).map(({ name }) => name);

describe("migrations", () => {
  for (const [label, list] of [
    ["of the test", [one, two]],
    ["of the product", released],
  ] as const) {
    it(`${label} go forward, back and forward again to the same schema`, () =>
      usingFile(async (db) => {
        const names = list.map(({ name }) => name);
        await migrationStatus(db, list);
        const empty = await schemaOf(db);
        assert.deepEqual(await migrateUp(db, list), names);
        const full = await schemaOf(db);
        assert.deepEqual(await migrateDown(db, list, { to: 0 }), names.toReversed());
        assert.deepEqual(await schemaOf(db), empty);
        assert.deepEqual(await migrateUp(db, list), names);
        assert.deepEqual(await schemaOf(db), full);
      }));
  }

  it("of the product are named in the order in which they run", () => {
    const names = released.map(({ name }) => name);
    assert.deepEqual(names, names.toSorted());
    assert.deepEqual(
      names.filter((name) => !/^\d{4}-[a-z-]+$/.test(name)),
      [],
    );
    assert.equal(new Set(names).size, names.length);
  });

  it("run once, in order, up to where they are told", () =>
    usingFile(async (db) => {
      assert.deepEqual(await migrateUp(db, [one, two], { to: "0001-one" }), ["0001-one"]);
      assert.deepEqual(await migrateUp(db, [one, two]), ["0002-two"]);
      assert.deepEqual(await migrateUp(db, [one, two]), []);
      assert.deepEqual(await migrateDown(db, [one, two]), ["0002-two"]);
      assert.deepEqual(await appliedNames(db, [one, two]), ["0001-one"]);
    }));

  it("leave nothing of one that fails, and keep those before it", () =>
    usingFile(async (db) => {
      await assert.rejects(migrateUp(db, [one, two, broken]), /0003-broken/);
      assert.deepEqual(await appliedNames(db, [one, two, broken]), ["0001-one", "0002-two"]);
      assert.deepEqual(await db.select("SELECT name FROM sqlite_master WHERE name = 'half'"), []);
    }));

  it("are applied once when several nodes start at the same time", () =>
    usingFile(async (db, open) => {
      const nodes = [db, await open(), await open()];
      const applied = await Promise.all(nodes.map((node) => migrateUp(node, [one, two])));
      assert.deepEqual(applied.flat().sort(), ["0001-one", "0002-two"]);
    }));

  it("of a newer version are not touched", () =>
    usingFile(async (db) => {
      await migrateUp(db, [one, two]);
      await assert.rejects(migrateUp(db, [one]), /newer version.*0002-two/);
      await assert.rejects(migrateDown(db, [one]), /newer version/);
    }));
});
