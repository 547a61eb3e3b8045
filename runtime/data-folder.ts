import { join } from "node:path";
import type { Middleware } from "moleculer";
import type { Config } from "../config/config.ts";
import { DatabaseSync, type Connection } from "../mixins/database/node-sqlite.ts";

/**
 * Takes the folder for this process alone: two of them would give the same seq twice. The lock is the operating system's, on
 * a file of SQLite, so it ends with the process however that ends, and a second one in the same process is refused as well.
 * @returns gives it back
 * @throws an error of one line when another process has it
 */
export function lockDataFolder(dataDir: string): () => void {
  let lock: Connection | undefined;
  try {
    lock = new DatabaseSync(join(dataDir, "lock"), { timeout: 0 });
    lock.exec("PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE");
    return () => lock?.close();
  } catch (error) {
    lock?.close();
    const isBusy = (error as { errcode?: unknown }).errcode === SQLITE_BUSY;
    throw new Error(
      isBusy
        ? `The data folder ${dataDir} is in use by another process; stop that one or set IM_DATA_DIR to another folder`
        : `The data folder ${dataDir} cannot be locked: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

const SQLITE_BUSY = 5;

/** Holds the lock from before the first service starts until after the last one has stopped. */
export function holdDataFolder({ dataDir, mysqlUrl }: Config): Middleware {
  let release: (() => void) | null = null;
  return {
    name: "data-folder",
    async starting() {
      if (mysqlUrl === null) release = lockDataFolder(dataDir);
    },
    async stopped() {
      release?.();
      release = null;
    },
  };
}
