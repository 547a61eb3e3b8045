import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { count, row, type DatabaseHarness, type InTable } from "./harness.ts";

export function durability(name: string, inTable: InTable): void {
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
}

/** Runs a process that writes until it kills itself; returns the ids whose transactions it saw resolve. */
async function writeUntilKilled(writerArguments: readonly string[], table: string): Promise<string[]> {
  const script = new URL("./writer.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [script, table, ...writerArguments], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  const [, signal] = (await once(child, "close")) as [number | null, string | null];
  assert.equal(signal, "SIGKILL");
  return output.split("\n").slice(0, -1);
}

export function openingAndClosing(name: string, inTable: InTable, open: () => Promise<DatabaseHarness>): void {
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

    it(
      "changes the schema for one at a time",
      inTable(async ({ db, reopen }, table) => {
        const again = await reopen();
        let running = 0;
        const changes = [db, again, db].map((one, at) =>
          one.exclusive(async (session) => {
            assert.equal(++running, 1);
            await session.execute(`ALTER TABLE ${table} ADD COLUMN extra${at} BIGINT`);
            await session.execute(`INSERT INTO ${table} (id, extra${at}) VALUES (:id, :at)`, { id: `row ${at}`, at });
            assert.equal((await session.select(`SELECT id FROM ${table} WHERE extra${at} = :at`, { at })).length, 1);
            running--;
          }),
        );
        await Promise.all(changes);
        const [first] = await db.select(`SELECT extra0, extra1, extra2 FROM ${table} ORDER BY id`);
        assert.deepEqual(first, { extra0: 0, extra1: null, extra2: null });
        await again.close();
      }),
    );
  });
}
