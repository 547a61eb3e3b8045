import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { toWireError } from "../../lib/errors.ts";
import type { Database } from "../../mixins/database/port.ts";

/** One implementation, freshly opened, and what the suite needs beside the port. */
export interface DatabaseHarness {
  readonly db: Database;
  /** Opens the same data once more, as a node that starts again would. */
  readonly reopen: () => Promise<Database>;
  /** A session outside this process's port takes the locks that a writer of `table` needs; the result gives them back. */
  readonly blockWrites: (table: string) => Promise<() => Promise<void>>;
  /** Arguments with which `database-writer.ts` opens the same data. */
  readonly writerArguments: readonly string[];
  readonly cleanup: () => Promise<void>;
}

/** A table of its own for each test, gone with it. */
async function usingTable(
  open: () => Promise<DatabaseHarness>,
  work: (harness: DatabaseHarness, table: string) => Promise<void>,
): Promise<void> {
  const harness = await open();
  const table = `t_${randomUUID().replaceAll("-", "")}`;
  try {
    await harness.db.execute(`CREATE TABLE ${table} (id VARCHAR(64) NOT NULL PRIMARY KEY, grp VARCHAR(32), n BIGINT, note TEXT)`);
    await harness.db.execute(`CREATE UNIQUE INDEX ${table}_grp ON ${table} (grp, n)`);
    await work(harness, table);
    await dropTable(harness, table);
  } finally {
    await harness.cleanup();
  }
}

/** The test may have closed its own instance. */
async function dropTable(harness: DatabaseHarness, table: string): Promise<void> {
  const again = await harness.reopen();
  await again.execute(`DROP TABLE ${table}`);
  await again.close();
}

const row = (id: string, n: number | string | null = null, note: string | null = null) => ({ id, grp: "g", n, note });

async function count(db: Database, table: string): Promise<number> {
  const [found] = await db.select<{ c: number }>(`SELECT COUNT(*) AS c FROM ${table}`);
  return found?.c ?? -1;
}

/** Every promise of `mixins/database/port.ts`, for one implementation. */
export function databaseContract(name: string, open: () => Promise<DatabaseHarness>): void {
  const inTable = (work: (harness: DatabaseHarness, table: string) => Promise<void>) => () => usingTable(open, work);

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

  describe(`database on ${name}: durability`, () => {
    it(
      "has everything that was acknowledged when the process is killed",
      inTable(async ({ writerArguments, reopen }, table) => {
        const acknowledged = await writeUntilKilled(writerArguments, table);
        assert.ok(acknowledged.length >= 20, `only ${acknowledged.length} writes were acknowledged`);
        const again = await reopen();
        try {
          const stored = new Set((await again.select<{ id: string }>(`SELECT id FROM ${table}`)).map(({ id }) => id));
          assert.deepEqual(
            acknowledged.filter((id) => !stored.has(id)),
            [],
          );
          const halves = await again.select(`SELECT n FROM ${table} WHERE n IS NOT NULL GROUP BY n HAVING COUNT(*) <> 2`);
          assert.deepEqual(halves, []);
        } finally {
          await again.close();
        }
      }),
    );
  });

  describe(`database on ${name}: values`, () => {
    const awkward = [
      `it's "quoted" \\ ; -- DROP`,
      "NUL \0 inside",
      "emoji 😀 and 汉字",
      "%_:id ?",
      "",
      JSON.stringify("lone \ud800 surrogate"),
      "‮right to left",
    ];

    it(
      "binds text as it is",
      inTable(async ({ db }, table) => {
        for (const [at, text] of awkward.entries()) {
          await db.execute(`INSERT INTO ${table} (id, note) VALUES (:id, :note)`, { id: String(at), note: text });
          await db.insertRows(table, [row(`rows ${at}`, at, text)], "fail");
          const found = await db.select<{ id: string }>(`SELECT id FROM ${table} WHERE note = :text ORDER BY id`, { text });
          assert.deepEqual(
            found.map(({ id }) => id),
            [String(at), `rows ${at}`],
          );
        }
        const notes = await db.select<{ note: string }>(`SELECT note FROM ${table} WHERE n IS NOT NULL ORDER BY n`);
        assert.deepEqual(
          notes.map(({ note }) => note),
          awkward,
        );
        assert.equal(JSON.parse(awkward[5] as string), "lone \ud800 surrogate");
      }),
    );

    it(
      "leaves quoted text and comments alone and uses a name as often as it stands there",
      inTable(async ({ db }, table) => {
        await db.insertRows(table, [row("a", 1, ":id")], "fail");
        const found = await db.select(
          `SELECT ':id' AS quoted, note FROM ${table} /* :comment */ WHERE id = :id AND :id = id -- :comment\n AND n = :n`,
          { id: "a", n: 1 },
        );
        assert.deepEqual(found, [{ quoted: ":id", note: ":id" }]);
      }),
    );

    it(
      "refuses a placeholder without a value",
      inTable(async ({ db }, table) => {
        await assert.rejects(db.select(`SELECT id FROM ${table} WHERE id = :id`, {}), /:id/);
        await assert.rejects(db.select(`SELECT id FROM ${table} WHERE id = :toString`, {}), /:toString/);
      }),
    );

    it(
      "expands arrays, and an empty one matches nothing",
      inTable(async ({ db }, table) => {
        await db.insertRows(
          table,
          ["a", "b", "c", "d"].map((id, at) => row(id, at)),
          "fail",
        );
        const inList = async (ids: string[]) =>
          (
            await db.select<{ id: string }>(`SELECT id FROM ${table} WHERE grp = :g AND id IN (:ids) AND n < :n ORDER BY id`, {
              g: "g",
              ids,
              n: 9,
            })
          ).map(({ id }) => id);
        assert.deepEqual(await inList(["a", "c", "nowhere"]), ["a", "c"]);
        assert.deepEqual(await inList(["d"]), ["d"]);
        assert.deepEqual(await inList([]), []);
        assert.deepEqual(await inList(Array.from({ length: 1_000 }, (_, at) => `x${at}`).concat("b")), ["b"]);
        assert.equal(await db.execute(`DELETE FROM ${table} WHERE id NOT IN (:ids)`, { ids: [] }), 4);
      }),
    );

    it(
      "gives numbers that a JavaScript number holds, else strings",
      inTable(async ({ db }, table) => {
        const values = ["9007199254740993", "9223372036854775807", "-9223372036854775808", 9007199254740991, 0, -7, null];
        for (const [at, n] of values.entries()) await db.insertRows(table, [row(String(at), n)], "fail");
        const found = await db.select<{ n: unknown }>(`SELECT n FROM ${table} ORDER BY id`);
        assert.deepEqual(
          found.map(({ n }) => n),
          values,
        );
        const [small] = await db.select<{ n: unknown }>(`SELECT n FROM ${table} WHERE id = :id`, { id: "4" });
        assert.equal(small?.n, 0);
        const big = await db.select(`SELECT id FROM ${table} WHERE n = :n`, { n: "9007199254740993" });
        assert.deepEqual(big, [{ id: "0" }]);
      }),
    );

    it(
      "keeps a whole number whole in a text column",
      inTable(async ({ db }, table) => {
        await db.execute(`INSERT INTO ${table} (id, note) VALUES (:id, :note)`, { id: "a", note: 5 });
        await db.insertRows(table, [{ id: "b", note: 5 }], "fail");
        const notes = await db.select(`SELECT note FROM ${table}`);
        assert.deepEqual(notes, [{ note: "5" }, { note: "5" }]);
      }),
    );

    it(
      "gives plain objects that JSON and a comparison take as they are",
      inTable(async ({ db }, table) => {
        await db.insertRows(table, [row("a", 1)], "fail");
        const [found] = await db.select(`SELECT id, n FROM ${table}`);
        assert.deepEqual(found, { id: "a", n: 1 });
        assert.equal(Object.getPrototypeOf(found), Object.prototype);
      }),
    );
  });

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

  describe(`database on ${name}: opening and closing`, () => {
    it("answers a ping until it is closed", async () => {
      const { db, cleanup } = await open();
      await db.ping();
      await db.close();
      await assert.rejects(db.ping());
      await cleanup();
    });

    it(
      "lets running transactions end, and refuses what comes later",
      inTable(async ({ db, reopen }, table) => {
        const { promise: closing, resolve: close } = Promise.withResolvers<void>();
        const running = db.transaction(async (tx) => {
          await closing;
          await db.insertRows(table, [row("running")], "fail", tx);
        });
        const queued = db.transaction((tx) => db.insertRows(table, [row("queued", 1)], "fail", tx));
        const closed = db.close();
        const late = [
          db.select("SELECT 1"),
          db.execute(`DELETE FROM ${table}`),
          db.transaction(() => Promise.resolve()),
          db.insertRows(table, [row("late")], "fail"),
        ];
        const refused = Promise.all(late.map((call) => assert.rejects(call)));
        close();
        await Promise.all([running, queued, closed, refused, db.close()]);
        const again = await reopen();
        assert.equal(await count(again, table), 2);
        await again.close();
      }),
    );
  });
}

/** Runs a process that writes until it kills itself; returns the ids whose transactions it saw resolve. */
async function writeUntilKilled(writerArguments: readonly string[], table: string): Promise<string[]> {
  const script = new URL("./database-writer.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [script, table, ...writerArguments], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  const [, signal] = (await once(child, "close")) as [number | null, string | null];
  assert.equal(signal, "SIGKILL");
  return output.split("\n").slice(0, -1);
}
