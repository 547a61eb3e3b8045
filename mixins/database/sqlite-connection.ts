import { DatabaseSync, type Connection, type StatementSync } from "./node-sqlite.ts";
import type { Row, SqlValue } from "./port.ts";

/** What may be bound; node:sqlite knows no boolean, and numbers only as floating point. */
export type Bindable = null | string | number | bigint | Uint8Array;

interface Prepared {
  readonly statement: StatementSync;
  /** Names of the columns; null until rows were read. */
  columns: readonly string[] | null;
  bigInts: boolean;
}

const MAX_PREPARED = 500;
/** While a file is opened, another process may hold its lock for a moment. */
const OPEN_BUSY_MS = 2_000;

const IS_SELECT = /^\s*select\b/i;

/**
 * One connection to a SQLite file: write-ahead log, every commit synced to disk, foreign keys checked. Its prepared
 * statements are kept, the least recently used one goes first.
 */
export class SqliteConnection {
  readonly #connection: Connection;
  readonly #prepared = new Map<string, Prepared>();

  /** @param busyMs how long a statement blocks the process when another process holds the lock */
  constructor(file: string, busyMs: number) {
    this.#connection = new DatabaseSync(file, { timeout: OPEN_BUSY_MS });
    try {
      this.#connection.exec(
        `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = ${busyMs}`,
      );
    } catch (error) {
      this.#connection.close();
      throw error;
    }
  }

  get isTransaction(): boolean {
    return this.#connection.isTransaction;
  }

  /** Runs statements that take no values and give no rows. */
  exec(sql: string): void {
    this.#connection.exec(sql);
  }

  /** Runs one statement and returns its rows as plain objects; integers that no number holds exactly are strings. */
  all(sql: string, values: readonly Bindable[] | Record<string, Bindable>): Row[] {
    const prepared = this.#prepare(sql);
    const rows = this.#read(prepared, sql, values);
    const first = rows[0];
    if (!first) return [];
    if (prepared.columns?.length !== first.length) prepared.columns = prepared.statement.columns().map(({ name }) => name);
    const columns = prepared.columns;
    return rows.map((row) => toObject(row, columns));
  }

  /** Runs one statement that returns no rows. */
  run(sql: string, values: readonly Bindable[] | Record<string, Bindable>): { changes: number; lastInsertRowid: number } {
    const { statement } = this.#prepare(sql);
    const result = isList(values) ? statement.run(...values) : statement.run(values);
    return { changes: Number(result.changes), lastInsertRowid: Number(result.lastInsertRowid) };
  }

  /** The statement itself, for callers that run it many times. Not to be kept beyond the turn. */
  statement(sql: string): StatementSync {
    return this.#prepare(sql).statement;
  }

  /** Drops the prepared statements, whose columns a change of the schema may have moved. */
  forget(): void {
    this.#prepared.clear();
  }

  close(): void {
    this.#prepared.clear();
    this.#connection.close();
  }

  #prepare(sql: string): Prepared {
    let prepared = this.#prepared.get(sql);
    if (prepared) {
      this.#prepared.delete(sql);
    } else {
      prepared = { statement: this.#connection.prepare(sql), columns: null, bigInts: false };
      prepared.statement.setReturnArrays(true);
      prepared.statement.setAllowUnknownNamedParameters(true);
      if (this.#prepared.size >= MAX_PREPARED) this.#prepared.delete(this.#prepared.keys().next().value as string);
    }
    this.#prepared.set(sql, prepared);
    return prepared;
  }

  /**
   * Integers are read as numbers, which is twice as fast, until one does not fit: then the statement is read again as
   * BigInt. Statements that write are never run twice and use BigInt from the start.
   */
  #read(prepared: Prepared, sql: string, values: readonly Bindable[] | Record<string, Bindable>): unknown[][] {
    const { statement } = prepared;
    const repeatable = IS_SELECT.test(sql);
    if (!prepared.bigInts && !repeatable) statement.setReadBigInts((prepared.bigInts = true));
    try {
      return allArrays(statement, values);
    } catch (error) {
      if (prepared.bigInts || !isOutOfRange(error)) throw error;
      statement.setReadBigInts((prepared.bigInts = true));
      return allArrays(statement, values);
    }
  }
}

/** Whole numbers go in as integers: as floating point, 5 would become "5.0" in a text column. */
export function toBindable(value: SqlValue): Bindable {
  return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value;
}

function isList(values: readonly Bindable[] | Record<string, Bindable>): values is readonly Bindable[] {
  return Array.isArray(values);
}

function allArrays(statement: StatementSync, values: readonly Bindable[] | Record<string, Bindable>): unknown[][] {
  return (isList(values) ? statement.all(...values) : statement.all(values)) as unknown as unknown[][];
}

function toObject(row: readonly unknown[], columns: readonly string[]): Row {
  const object: Row = {};
  for (let at = 0; at < columns.length; at++) {
    const value = row[at];
    object[columns[at] as string] = typeof value === "bigint" ? fromBigInt(value) : (value as SqlValue);
  }
  return object;
}

function fromBigInt(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

function isOutOfRange(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_OUT_OF_RANGE";
}
