import type { Config } from "../../config/config.ts";

/**
 * What the nodes of the tests store in. `IM_TEST_PROFILE=mysql node --test test/e2e/messages.test.ts` gives each node a
 * database of its own on the shared MySQL server, in the place of the SQLite file in its data folder.
 */
export const profile = process.env["IM_TEST_PROFILE"] ?? "embedded";
if (profile !== "embedded" && profile !== "mysql") throw new Error(`IM_TEST_PROFILE is embedded or mysql, not "${profile}"`);

/** Loaded only where it is used: it would cost every test file 200 ms. */
const mysql = profile === "mysql" ? await import("./mysql-storage.ts") : null;

/** What a node with this data folder is configured with; the same folder gets the same database. */
export async function storageOf(dataDir: string): Promise<Partial<Config>> {
  return mysql ? { mysqlUrl: await mysql.databaseOf(dataDir) } : {};
}

/** The folder is gone. */
export async function forgetStorage(dataDir: string): Promise<void> {
  await mysql?.forgetDatabaseOf(dataDir);
}
