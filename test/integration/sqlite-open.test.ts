import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openSqlite } from "../../mixins/database/sqlite.ts";
import { waitFor } from "../support/wait.ts";

const silent = { warn: () => undefined, error: () => undefined };

async function usingFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "im-open-"));
  await work(folder).finally(() => rm(folder, { recursive: true }));
}

/** One line that names the file. */
const naming = (file: string) => (error: unknown) =>
  error instanceof Error && error.message.includes(file) && !error.message.includes("\n");

describe("openSqlite", () => {
  it("makes the folder and the file", () =>
    usingFolder(async (folder) => {
      const db = await openSqlite({ file: join(folder, "deep", "er", "im.sqlite"), logger: silent });
      assert.deepEqual(await db.select("PRAGMA journal_mode"), [{ journal_mode: "wal" }]);
      await db.close();
    }));

  it("refuses a file that is no database and leaves it alone", () =>
    usingFolder(async (folder) => {
      const file = join(folder, "im.sqlite");
      await writeFile(file, "this is a text, and it is long enough to be taken for a header".repeat(20));
      await assert.rejects(openSqlite({ file, logger: silent }), naming(file));
    }));

  it("refuses a folder that cannot be made", () =>
    usingFolder(async (folder) => {
      await writeFile(join(folder, "taken"), "");
      const file = join(folder, "taken", "im.sqlite");
      await assert.rejects(openSqlite({ file, logger: silent }), naming(file));
    }));

  it("checks foreign keys", () =>
    usingFolder(async (folder) => {
      const db = await openSqlite({ file: join(folder, "im.sqlite"), logger: silent });
      await db.transaction(async (tx) => {
        assert.deepEqual(await db.select("PRAGMA foreign_keys", {}, tx), [{ foreign_keys: 1 }]);
      });
      await db.close();
    }));

  it("answers no write, and shows none, before it is synced to disk", () =>
    usingFolder(async (folder) => {
      const file = join(folder, "im.sqlite");
      const syncs: (() => void)[] = [];
      const sync = () => new Promise<void>((resolve) => void syncs.push(resolve));
      const db = await openSqlite({ file, logger: silent, sync });
      const settled: string[] = [];
      const made = db.execute("CREATE TABLE t (a TEXT)").then(() => settled.push("written"));
      await waitFor(() => syncs.length === 1, "the sync runs");
      const seen = db.select("SELECT a FROM t").then(() => settled.push("shown"));
      assert.deepEqual(await db.select("SELECT a FROM t", {}, undefined, { unsynced: true }), []);
      assert.deepEqual(settled, []);
      syncs[0]!();
      await Promise.all([made, seen]);
      assert.deepEqual(settled.sort(), ["shown", "written"]);
      await db.close();
    }));

  it("refuses every write, and is not healthy, once a sync has failed", () =>
    usingFolder(async (folder) => {
      const sync = () => Promise.reject(new Error("EIO: i/o error"));
      const db = await openSqlite({ file: join(folder, "im.sqlite"), logger: silent, sync });
      const isFailure = (error: Error & { type?: string }) =>
        /could not be synced.*EIO/.test(error.message) && error.type === "UNAVAILABLE";
      await assert.rejects(db.execute("CREATE TABLE t (a TEXT)"), isFailure);
      await assert.rejects(db.execute("INSERT INTO t VALUES ('x')"), isFailure);
      await assert.rejects(db.bulkInsert("t", [{ a: "x" }]), isFailure);
      assert.deepEqual(await db.select("SELECT a FROM t", {}, undefined, { unsynced: true }), []);
      await assert.rejects(db.ping(), isFailure);
      await db.close();
    }));

  it("does not write through the connection that reads", () =>
    usingFolder(async (folder) => {
      const db = await openSqlite({ file: join(folder, "im.sqlite"), logger: silent });
      await db.execute("CREATE TABLE t (a TEXT)");
      await assert.rejects(db.select("INSERT INTO t VALUES ('x') RETURNING a"), /readonly/);
      const inside = await db.transaction((tx) => db.select("INSERT INTO t VALUES ('x') RETURNING a", {}, tx));
      assert.deepEqual(inside, [{ a: "x" }]);
      await db.close();
    }));

  it("reads a table as it is after its columns have changed", () =>
    usingFolder(async (folder) => {
      const db = await openSqlite({ file: join(folder, "im.sqlite"), logger: silent });
      await db.execute("CREATE TABLE t (a TEXT, b TEXT)");
      await db.insertRows("t", [{ a: "1", b: "2" }], "fail");
      assert.deepEqual(await db.select("SELECT * FROM t"), [{ a: "1", b: "2" }]);
      await db.transaction(async (tx) => {
        await db.execute("ALTER TABLE t DROP COLUMN a", {}, tx);
        await db.execute("ALTER TABLE t ADD COLUMN c TEXT DEFAULT '3'", {}, tx);
      });
      assert.deepEqual(await db.select("SELECT * FROM t"), [{ b: "2", c: "3" }]);
      await db.close();
    }));

  it("prints no notice about SQLite, and lets other warnings pass", async () => {
    const { spawnSync } = await import("node:child_process");
    const module = new URL("../../mixins/database/sqlite.ts", import.meta.url).href;
    const script = `await import(${JSON.stringify(module)}); process.emitWarning("another one")`;
    const { stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    assert.match(stderr, /another one/);
    assert.doesNotMatch(stderr, /SQLite/);
  });
});
