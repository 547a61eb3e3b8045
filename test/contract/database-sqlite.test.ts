import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openSqlite } from "../../mixins/database/sqlite.ts";
import { databaseContract } from "./database.ts";

const silent = { warn: () => undefined, error: () => undefined };

databaseContract("SQLite", async () => {
  const folder = await mkdtemp(join(tmpdir(), "im-database-"));
  const file = join(folder, "data", "test.sqlite");
  const open = () => openSqlite({ file, logger: silent });
  const db = await open();
  return {
    db,
    reopen: open,
    blockWrites: () => {
      const other = new DatabaseSync(file);
      other.exec("BEGIN IMMEDIATE");
      return Promise.resolve(() => Promise.resolve(other.close()));
    },
    writerArguments: ["sqlite", file],
    cleanup: async () => {
      await db.close();
      await rm(folder, { recursive: true });
    },
  };
});
