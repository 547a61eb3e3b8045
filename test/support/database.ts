import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildConfig } from "../../config/env.ts";
import { migrateUp } from "../../mixins/database/migrate.ts";
import type { Database } from "../../mixins/database/port.ts";
import { openDatabase } from "../../mixins/database/index.ts";
import { migrations } from "../../migrations/index.ts";
import { forgetStorage, storageOf } from "./profile.ts";

export const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A migrated database in a folder of its own; `await using` closes it and removes the folder. */
export interface TestDatabase extends AsyncDisposable {
  readonly sql: Database;
  /** Opens the same data once more; the caller closes it. */
  reopen(): Promise<Database>;
}

export async function createDatabase(): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "im-sql-"));
  const config = buildConfig({ dataDir: folder, ...(await storageOf(folder)) });
  const open = (): Promise<Database> => openDatabase(config, silent);
  const sql = await open();
  await migrateUp(sql, migrations);
  return {
    sql,
    reopen: open,
    async [Symbol.asyncDispose]() {
      await sql.close();
      await rm(folder, { recursive: true, force: true });
      await forgetStorage(folder);
    },
  };
}
