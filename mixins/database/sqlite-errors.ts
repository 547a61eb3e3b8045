import type { ErrorType } from "../../contracts/errors.ts";
import { SyncFailed } from "./commit-sync.ts";
import { WriteLockTimeout } from "./write-lock.ts";

interface SqliteError extends Error {
  /** SQLite's extended result code; its low byte is the primary one. */
  readonly errcode: number;
}

/** Primary codes that say something of the moment or the machine and nothing of the data. */
const TRANSIENT = new Set([5, 6, 7, 8, 10, 13, 14, 15]); // BUSY LOCKED NOMEM READONLY IOERR FULL CANTOPEN PROTOCOL
const UNIQUE = new Set([2067, 1555, 2579]); // UNIQUE PRIMARYKEY ROWID

/** The names that Sequelize looks for in `code`. */
const NAMES = new Map([
  [5, "SQLITE_BUSY"],
  [2067, "SQLITE_CONSTRAINT_UNIQUE"],
  [2579, "SQLITE_CONSTRAINT_UNIQUE"],
  [1555, "SQLITE_CONSTRAINT_PRIMARYKEY"],
  [787, "SQLITE_CONSTRAINT_FOREIGNKEY"],
]);

/** The error of node:sqlite, also from inside Sequelize's wrapping; null when the error has another origin. */
export function sqliteError(error: unknown): SqliteError | null {
  if (!(error instanceof Error)) return null;
  if ("errcode" in error && typeof error.errcode === "number") return error as SqliteError;
  return "parent" in error ? sqliteError(error.parent) : null;
}

export function isTransientSqlite(error: unknown): boolean {
  const failure = sqliteError(error);
  return failure ? TRANSIENT.has(failure.errcode & 0xff) : error instanceof WriteLockTimeout || error instanceof SyncFailed;
}

/** Marks an error that another try can cure, so that clients are told to come back (503) and not of a fault of the server. */
export function asUnavailable(error: unknown): unknown {
  return isTransientSqlite(error) ? Object.assign(error as Error, { type: "UNAVAILABLE" satisfies ErrorType }) : error;
}

/** The columns of the unique key that was hit (the index's name when it is made of expressions), else null. */
export function uniqueColumnsSqlite(error: unknown): readonly string[] | null {
  const failure = sqliteError(error);
  if (!failure || !UNIQUE.has(failure.errcode)) return null;
  const [, list = ""] = /UNIQUE constraint failed: (.*)/.exec(failure.message) ?? [];
  const index = /^index '(.*)'$/.exec(list)?.[1];
  return index === undefined ? list.split(", ").map((column) => column.slice(column.lastIndexOf(".") + 1)) : [index];
}

/** Gives an error of node:sqlite the `code` by which Sequelize tells constraint errors apart. */
export function nameForSequelize(error: unknown): Error {
  const failure = sqliteError(error);
  if (!failure) return error instanceof Error ? error : new Error(String(error));
  return Object.assign(failure, { code: NAMES.get(failure.errcode) ?? NAMES.get(failure.errcode & 0xff) ?? "SQLITE_ERROR" });
}
