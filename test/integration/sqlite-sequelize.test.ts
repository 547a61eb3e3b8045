import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ConnectionError, DataTypes, ForeignKeyConstraintError, Op, Sequelize, UniqueConstraintError } from "sequelize";
import type { Model, ModelStatic } from "sequelize";
import type { Database } from "../../mixins/database/port.ts";
import { openSqlite } from "../../mixins/database/sqlite.ts";

const silent = { warn: () => undefined, error: () => undefined };

interface Context {
  readonly db: Database;
  readonly item: ModelStatic<Model>;
  readonly part: ModelStatic<Model>;
}

/** Two tables, the second refers to the first; all gone afterwards. */
async function usingModels(work: (context: Context) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "im-sequelize-"));
  const db = await openSqlite({ file: join(folder, "test.sqlite"), logger: silent });
  const item = db.sequelize.define("item", {
    name: { type: DataTypes.STRING, unique: true },
    size: DataTypes.BIGINT,
    active: { type: DataTypes.BOOLEAN, defaultValue: true },
    tags: DataTypes.JSON,
  });
  const part = db.sequelize.define("part", { itemId: { type: DataTypes.INTEGER, references: { model: item, key: "id" } } });
  try {
    await db.sequelize.sync();
    await work({ db, item, part });
  } finally {
    await db.close();
    await rm(folder, { recursive: true });
  }
}

const inModels = (work: (context: Context) => Promise<void>) => () => usingModels(work);

describe("Sequelize on Node's own SQLite", () => {
  it(
    "creates, finds, changes and removes",
    inModels(async ({ item }) => {
      const made = await item.create({ name: "a", size: 5, tags: ["x"] });
      assert.equal(made.get("id"), 1);
      const found = await item.findByPk(1);
      assert.deepEqual(found?.get("tags"), ["x"]);
      assert.equal(found?.get("active"), true);
      assert.ok(found?.get("createdAt") instanceof Date);
      await found?.update({ name: "b", active: false });
      assert.deepEqual(await item.findAll({ attributes: ["name", "active"], raw: true }), [{ name: "b", active: 0 }]);
      assert.deepEqual(await item.update({ size: 6 }, { where: { name: { [Op.like]: "b%" } } }), [1]);
      assert.equal(await item.destroy({ where: { id: 1 } }), 1);
      assert.equal(await item.count(), 0);
    }),
  );

  it(
    "inserts in bulk, upserts and increments",
    inModels(async ({ item }) => {
      await item.bulkCreate([{ name: "a" }, { name: "b" }, { name: "c" }]);
      await item.upsert({ id: 2, name: "b", size: 7 });
      await item.increment("size", { by: 2, where: { id: 2 } });
      const rows = await item.findAll({ order: ["id"], raw: true, attributes: ["name", "size"] });
      assert.deepEqual(rows, [
        { name: "a", size: null },
        { name: "b", size: 9 },
        { name: "c", size: null },
      ]);
    }),
  );

  it(
    "gives integers beyond a number's reach as strings",
    inModels(async ({ item }) => {
      await item.create({ name: "a", size: "9223372036854775807" });
      const [row] = await item.findAll({ raw: true });
      assert.equal((row as unknown as { size: unknown }).size, "9223372036854775807");
    }),
  );

  it(
    "tells a taken unique key and a missing reference apart, also for the port",
    inModels(async ({ db, item, part }) => {
      await item.create({ name: "a" });
      const taken: unknown = await item.create({ name: "a" }).catch((error: unknown) => error);
      assert.ok(taken instanceof UniqueConstraintError);
      assert.deepEqual(
        taken.errors.map(({ path }) => path),
        ["name"],
      );
      assert.deepEqual(db.uniqueViolation(taken), ["name"]);
      const taken2: unknown = await item.create({ id: 1, name: "b" }).catch((error: unknown) => error);
      assert.deepEqual(db.uniqueViolation(taken2), ["id"]);
      await assert.rejects(part.create({ itemId: 99 }), ForeignKeyConstraintError);
    }),
  );

  it(
    "commits, rolls back and keeps savepoints apart",
    inModels(async ({ db, item }) => {
      await db.sequelize.transaction(async (outer) => {
        await item.create({ name: "kept" }, { transaction: outer });
        const inner = db.sequelize.transaction({ transaction: outer }, async (transaction) => {
          await item.create({ name: "undone" }, { transaction });
          throw new Error("inner");
        });
        await assert.rejects(inner, /inner/);
      });
      const failing = db.sequelize.transaction(async (transaction) => {
        await item.create({ name: "gone" }, { transaction });
        throw new Error("outer");
      });
      await assert.rejects(failing, /outer/);
      assert.deepEqual(await item.findAll({ attributes: ["name"], raw: true }), [{ name: "kept" }]);
    }),
  );

  it(
    "takes turns with the port's own writes and loses none",
    inModels(async ({ db, item }) => {
      await item.create({ name: "counter", size: 0 });
      const byModel = () =>
        db.sequelize.transaction(async (transaction) => {
          const found = await item.findByPk(1, { transaction, rejectOnEmpty: true });
          await found.update({ size: Number(found.get("size")) + 1 }, { transaction });
        });
      const byPort = () => db.execute("UPDATE items SET size = size + 1 WHERE id = 1");
      const byStatement = () => item.increment("size", { where: { id: 1 } });
      const turns = Array.from({ length: 20 }, () => [byModel(), byPort(), byStatement()]);
      await Promise.all(turns.flat());
      assert.deepEqual(await db.select("SELECT size FROM items"), [{ size: 60 }]);
    }),
  );

  it(
    "reads beside a transaction that writes",
    inModels(async ({ db, item }) => {
      await db.transaction(async (tx) => {
        await db.execute("INSERT INTO items (name, createdAt, updatedAt) VALUES ('a', 0, 0)", {}, tx);
        assert.equal(await item.count(), 0);
      });
      assert.equal(await item.count(), 1);
    }),
  );

  it("answers through the other calls of the sqlite3 interface", async () => {
    const { Database: Connection } = await import("../../mixins/database/sqlite-dialect.ts");
    const folder = await mkdtemp(join(tmpdir(), "im-dialect-"));
    const opened = Promise.withResolvers<Error | null>();
    const connection = new Connection(join(folder, "test.sqlite"), 6, opened.resolve);
    assert.equal(await opened.promise, null);
    await new Promise<void>((done) => connection.exec("CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)", () => done()));
    const row = await new Promise((done) =>
      connection.get("SELECT a FROM t WHERE a > $least", { $least: 1 }, (_error, found) => done(found)),
    );
    assert.deepEqual(row, { a: 2 });
    const failure = await new Promise<Error | null>((done) => connection.run("INSERT INTO nowhere VALUES (1)", done));
    assert.match(String(failure?.message), /no such table/);
    await new Promise((done) => connection.close(done));
    await rm(folder, { recursive: true });
  });

  it("rejects queries when the file cannot be opened", async () => {
    const dialectModule = await import("../../mixins/database/sqlite-dialect.ts");
    const sequelize = new Sequelize({ dialect: "sqlite", dialectModule, storage: tmpdir(), logging: false });
    await assert.rejects(sequelize.query("SELECT 1"), ConnectionError);
    await sequelize.close();
  });
});
