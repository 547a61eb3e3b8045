import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { count, row, type InTable } from "./harness.ts";

export function writing(name: string, inTable: InTable): void {
  describe(`database on ${name}: writing`, () => {
    it(
      "says how many rows were changed",
      inTable(async ({ db }, table) => {
        await db.insertRows(table, [row("a", 1), row("b", 2)], "fail");
        assert.equal(await db.execute(`UPDATE ${table} SET note = 'x'`), 2);
        assert.equal(await db.execute(`UPDATE ${table} SET note = 'y' WHERE id = 'nowhere'`), 0);
        assert.equal(await db.execute(`DELETE FROM ${table} WHERE id = 'a'`), 1);
        assert.equal(await db.execute(`CREATE INDEX ${table}_note ON ${table} (n)`), 0);
      }),
    );

    it(
      "keeps rows that are there and counts those it inserted",
      inTable(async ({ db }, table) => {
        assert.equal(await db.insertRows(table, [row("a", 1, "first"), row("b", 2)], "keep"), 2);
        assert.equal(await db.insertRows(table, [row("a", 9, "second"), row("c", 3), row("d", 2)], "keep"), 1);
        const rows = await db.select(`SELECT id, n, note FROM ${table} ORDER BY id`);
        assert.deepEqual(rows, [
          { id: "a", n: 1, note: "first" },
          { id: "b", n: 2, note: null },
          { id: "c", n: 3, note: null },
        ]);
        assert.equal(await db.insertRows(table, [], "keep"), 0);
      }),
    );

    it(
      "does not keep silent about other errors",
      inTable(async ({ db }, table) => {
        const attempt = db.insertRows(table, [{ id: "a" }, { id: null }], "keep");
        await assert.rejects(attempt, (error) => !db.isTransient(error) && db.uniqueViolation(error) === null);
        await assert.rejects(db.insertRows(table, [{ id: "a", n: 1 }, { id: "b" }], "keep"), /lacks "n"/);
        await assert.rejects(db.insertRows(table, [{ "id) VALUES (1) --": "a" }], "keep"), /identifier/);
        assert.equal(await count(db, table), 0);
      }),
    );

    it(
      "names the columns of the unique key that was hit",
      inTable(async ({ db }, table) => {
        await db.insertRows(table, [row("a", 1)], "fail");
        const hit = async (work: Promise<unknown>) =>
          db.uniqueViolation(
            await work.then(
              () => null,
              (error: unknown) => error,
            ),
          );
        assert.deepEqual(await hit(db.insertRows(table, [row("a", 2)], "fail")), ["id"]);
        assert.deepEqual(await hit(db.insertRows(table, [row("b", 1)], "fail")), ["grp", "n"]);
        assert.deepEqual(await hit(db.transaction((tx) => db.execute(`UPDATE ${table} SET id = 'a'`, {}, tx))), null);
        assert.deepEqual(await hit(db.execute(`SELECT broken FROM ${table}`)), null);
        assert.equal(db.uniqueViolation(new Error("UNIQUE constraint failed: t.x")), null);
        assert.equal(await count(db, table), 1);
      }),
    );

    it(
      "inserts thousands of rows at once",
      inTable(async ({ db }, table) => {
        const rows = Array.from({ length: 5_000 }, (_, at) => row(`r${at}`, at, "x".repeat(100)));
        assert.equal(await db.insertRows(table, rows, "fail"), 5_000);
        assert.equal(await count(db, table), 5_000);
      }),
    );
  });
}
