import { setTimeout as delay } from "node:timers/promises";
import { DatabaseSync } from "../../mixins/database/node-sqlite.ts";

const POLL_MS = 50;

/**
 * Holds a lock on this machine while `work` runs, and waits for it before. It is the operating system's, so it ends with the
 * process however that ends.
 * @param onWait called once when another process has it
 */
export async function withBuildLock<T>(file: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  let release = tryLock(file);
  if (!release) onWait();
  while (!release) {
    await delay(POLL_MS);
    release = tryLock(file);
  }
  try {
    return await work();
  } finally {
    release();
  }
}

/** @returns gives it back; null when another one has it */
function tryLock(file: string): (() => void) | null {
  const lock = new DatabaseSync(file, { timeout: 0 });
  try {
    lock.exec("PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE");
    return () => lock.close();
  } catch (error) {
    lock.close();
    if ((error as { errcode?: unknown }).errcode === SQLITE_BUSY) return null;
    throw error;
  }
}

const SQLITE_BUSY = 5;
