import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toWireError } from "../../../lib/errors.ts";
import { count, row, type InTable } from "./harness.ts";

export function transactions(name: string, inTable: InTable): void {
  describe(`database on ${name}: transactions`, () => {
    it(
      "shows all of a transaction once it has resolved",
      inTable(async ({ db }, table) => {
        const result = await db.transaction(async (tx) => {
          await db.insertRows(table, [row("a", 1), row("b", 2)], "fail", tx);
          await db.execute(`UPDATE ${table} SET note = :note WHERE id = :id`, { note: "x", id: "a" }, tx);
          return "result";
        });
        assert.equal(result, "result");
        assert.deepEqual(await db.select(`SELECT id, n, note FROM ${table} ORDER BY id`), [
          { id: "a", n: 1, note: "x" },
          { id: "b", n: 2, note: null },
        ]);
      }),
    );

    it(
      "leaves nothing behind and rethrows when the function throws",
      inTable(async ({ db }, table) => {
        const failure = new Error("the caller's own");
        const attempt = db.transaction(async (tx) => {
          await db.insertRows(table, [row("a")], "fail", tx);
          throw failure;
        });
        await assert.rejects(attempt, (error) => error === failure);
        assert.equal(await count(db, table), 0);
        await db.transaction((tx) => db.insertRows(table, [row("a")], "fail", tx));
        assert.equal(await count(db, table), 1);
      }),
    );

    it(
      "goes on after a statement that failed and was caught",
      inTable(async ({ db }, table) => {
        await db.transaction(async (tx) => {
          await db.insertRows(table, [row("a", 1)], "fail", tx);
          await assert.rejects(db.insertRows(table, [row("a", 2)], "fail", tx));
          await assert.rejects(db.execute(`INSERT INTO ${table} (id) VALUES ('a')`, {}, tx));
          await db.insertRows(table, [row("b", 3)], "fail", tx);
        });
        assert.deepEqual(await db.select(`SELECT id FROM ${table} ORDER BY id`), [{ id: "a" }, { id: "b" }]);
      }),
    );

    it(
      "commits nothing once several rows have failed, even when that was caught",
      inTable(async ({ db }, table) => {
        const attempt = db.transaction(async (tx) => {
          await db.insertRows(table, [row("a", 1)], "fail", tx);
          await assert.rejects(db.insertRows(table, [row("b", 2), row("a", 3)], "fail", tx));
          await assert.rejects(db.execute(`DELETE FROM ${table}`, {}, tx));
        });
        await assert.rejects(attempt, (error) => db.uniqueViolation(error)?.[0] === "id");
        await assert.rejects(db.insertRows(table, [row("b", 2), row("b", 3)], "fail"));
        assert.equal(await count(db, table), 0);
      }),
    );

    it(
      "inserts many rows at once, all or none",
      inTable(async ({ db }, table) => {
        await db.bulkInsert(table, []);
        await db.bulkInsert(
          table,
          Array.from({ length: 300 }, (_, at) => row(`id ${at}`, at, at % 2 ? "odd" : null)),
        );
        const clash = [row("new", 1_000), row("id 7", 1_001)];
        await assert.rejects(db.bulkInsert(table, clash), (error) => db.uniqueViolation(error)?.[0] === "id");
        assert.equal(await count(db, table), 300);
        const where = { id: "id 7" };
        assert.deepEqual(await db.select(`SELECT id, grp, n, note FROM ${table} WHERE id = :id`, where), [row("id 7", 7, "odd")]);
      }),
    );

    it(
      "inserts many rows unless something is there, also when that was only just committed",
      inTable(async ({ db }, table) => {
        const unless = { sql: `SELECT id FROM ${table} WHERE id IN (:ids)`, params: { ids: ["stop", "halt"] } };
        await db.bulkInsert(table, [row("a", 1)], { unless });
        const { late } = await db.transaction(async (tx) => {
          await db.insertRows(table, [row("halt", 2)], "fail", tx);
          const waiting = db.bulkInsert(table, [row("b", 3)], { unless });
          return {
            late: waiting.then(
              () => null,
              (error: unknown) => error,
            ),
          };
        });
        const refusal = await late;
        assert.ok(refusal instanceof Error);
        assert.deepEqual([db.isTransient(refusal), db.uniqueViolation(refusal)], [false, null]);
        assert.equal(await count(db, table), 2);
        await db.execute(`DELETE FROM ${table} WHERE id = 'halt'`);
        await db.bulkInsert(table, [row("b", 3)], { unless });
        assert.equal(await count(db, table), 2);
      }),
    );

    it(
      "inserts many rows beside a running transaction and after a transient error",
      inTable(async ({ db, blockWrites }, table) => {
        const many = await db.transaction(async (tx) => {
          await db.insertRows(table, [row("first")], "fail", tx);
          return { inserted: db.bulkInsert(table, [row("second"), row("third")]) };
        });
        await many.inserted;
        const unblock = await blockWrites(table);
        const late = db.bulkInsert(table, [row("fourth")]);
        await new Promise(setImmediate);
        await unblock();
        await late;
        assert.equal(await count(db, table), 4);
      }),
    );

    it(
      "reads its own writes inside, while reads outside go on and see what is committed",
      inTable(async ({ db }, table) => {
        await db.transaction(async (tx) => {
          await db.insertRows(table, [row("a")], "fail", tx);
          assert.equal((await db.select(`SELECT id FROM ${table}`, {}, tx)).length, 1);
          assert.equal(await count(db, table), 0);
        });
        assert.equal(await count(db, table), 1);
      }),
    );

    it(
      "loses no update of concurrent transactions",
      inTable(async ({ db }, table) => {
        await db.insertRows(table, [row("counter", 0)], "fail");
        const lock = db.dialect === "mysql" ? " FOR UPDATE" : "";
        const increment = () =>
          db.transaction(async (tx) => {
            const [found] = await db.select<{ n: number }>(`SELECT n FROM ${table} WHERE id = 'counter'${lock}`, {}, tx);
            await new Promise(setImmediate);
            await db.execute(`UPDATE ${table} SET n = :n WHERE id = 'counter'`, { n: (found?.n ?? NaN) + 1 }, tx);
          });
        const plain = () => db.execute(`UPDATE ${table} SET n = n + 1 WHERE id = 'counter'`);
        await Promise.all(Array.from({ length: 100 }, (_, at) => (at % 2 ? increment() : plain())));
        assert.deepEqual(await db.select(`SELECT n FROM ${table}`), [{ n: 100 }]);
      }),
    );

    it(
      "leaves what a serializable transaction read as it was until it ends, also what was not there",
      inTable(async ({ db }, table) => {
        await db.insertRows(table, [row("there", 1)], "fail");
        const ended: string[] = [];
        const note = (name: string) => () => void ended.push(name);
        const { others } = await db.transaction(
          async (tx) => {
            const find = () => db.select(`SELECT id, n FROM ${table} WHERE id IN ('there', 'absent') ORDER BY id`, {}, tx);
            assert.equal((await find()).length, 1);
            const inserted = db.insertRows(table, [row("absent", 2)], "fail").then(note("insert"));
            const updated = db.execute(`UPDATE ${table} SET n = 3 WHERE id = 'there'`).then(note("update"));
            for (let reads = 0; reads < 50; reads++) assert.equal(await count(db, table), 1);
            assert.deepEqual(await find(), [{ id: "there", n: 1 }]);
            await db.insertRows(table, [row("own", 4)], "fail", tx);
            ended.push("own");
            return { others: Promise.all([inserted, updated]) };
          },
          { serializable: true },
        );
        await others;
        assert.equal(ended[0], "own");
        assert.equal(await count(db, table), 3);
      }),
    );

    it(
      "calls hooks after the commit only, and survives one that throws",
      inTable(async ({ db }, table) => {
        const calls: string[] = [];
        await db.transaction(async (tx) => {
          db.afterCommit(tx, () => {
            calls.push("first");
            throw new Error("in a hook");
          });
          db.afterCommit(tx, () => calls.push("second"));
          await db.insertRows(table, [row("a")], "fail", tx);
          assert.deepEqual(calls, []);
        });
        assert.deepEqual(calls, ["first", "second"]);
        const failing = db.transaction(async (tx) => {
          db.afterCommit(tx, () => calls.push("never"));
          throw new Error("rolled back");
        });
        await assert.rejects(failing, /rolled back/);
        assert.deepEqual(calls, ["first", "second"]);
      }),
    );

    it(
      "refuses a transaction that has ended",
      inTable(async ({ db }, table) => {
        const tx = await db.transaction((running) => Promise.resolve(running));
        await assert.rejects(db.execute(`DELETE FROM ${table}`, {}, tx), /transaction has ended/);
        await assert.rejects(db.select(`SELECT 1 FROM ${table}`, {}, tx), /transaction has ended/);
      }),
    );

    it(
      "runs the whole of the work again after a transient error",
      inTable(async ({ db, blockWrites }, table) => {
        const unblock = await blockWrites(table);
        const transaction = db.transaction((tx) => db.insertRows(table, [row("a")], "fail", tx), { attempts: 50 });
        const statement = db.insertRows(table, [row("b", 1)], "fail");
        await new Promise(setImmediate);
        await unblock();
        assert.deepEqual(await Promise.all([transaction, statement]), [1, 1]);
        assert.equal(await count(db, table), 2);
      }),
    );

    it(
      "gives up a transient error after the attempts it was given, and says that it was one",
      inTable(async ({ db, blockWrites }, table) => {
        const unblock = await blockWrites(table);
        const attempt = db.transaction((tx) => db.insertRows(table, [row("a")], "fail", tx), { attempts: 2 });
        await assert.rejects(
          attempt,
          (error) => db.isTransient(error) && db.uniqueViolation(error) === null && toWireError(error).status === 503,
        );
        await unblock();
        assert.equal(await count(db, table), 0);
      }),
    );
  });
}
