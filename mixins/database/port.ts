import type { Sequelize } from "sequelize";

/** A value that can stand in a row. Ids are strings, times are epoch milliseconds. */
export type SqlValue = string | number | null;
export type Row = Record<string, SqlValue>;
/**
 * Values for the `:name` placeholders of a statement. An array stands in `IN (:ids)`; an empty one matches nothing. An array
 * of tuples stands in `(a, b) IN (:pairs)` and must not be empty.
 */
export type SqlParams = Record<string, SqlValue | SqlList>;
export type SqlList = readonly SqlValue[] | readonly SqlTuple[];
export type SqlTuple = readonly SqlValue[];
export type Dialect = "sqlite" | "mysql";

/** How `insertRows` treats a row whose primary or unique key is already there. */
export type OnConflict = "fail" | "keep";

export interface ReadOptions {
  /**
   * Does not wait until what is read is on disk, so a power loss may take it back. For look-ups whose answer leads to nothing
   * before something else has been committed after it.
   */
  readonly unsynced?: boolean;
  /**
   * For long reads outside transactions, which may begin a moment later: a read replica may answer, if there is one and it has
   * all that was committed before this call.
   */
  readonly replica?: boolean;
}

export interface BulkOptions {
  /**
   * A SELECT that must find no row, in one step with the insert: what it looks for is either committed before and found, or
   * committed after the rows are there. (Where several write at once, it locks what it would find, as `serializable` does.)
   */
  readonly unless?: { readonly sql: string; readonly params: SqlParams };
}

export interface TransactionOptions {
  /** How often `work` runs at most. Default 5. */
  readonly attempts?: number;
  /**
   * What `work` reads stays as it is until the transaction ends: nobody changes a row that it found, nor inserts one that it
   * looked for by a key and did not find. On SQLite that is always so.
   */
  readonly serializable?: boolean;
}

/** One session that changes the schema. */
export interface SchemaSession {
  /** For the text of new tables, so that it is compared as the port promises; null where there is no choice. */
  readonly collation: string | null;
  select<R extends object = Row>(sql: string, params?: SqlParams): Promise<R[]>;
  execute(sql: string, params?: SqlParams): Promise<number>;
}

declare const transactionBrand: unique symbol;
/** A running transaction. Using it after the function that received it has settled is an error. */
export interface Tx {
  readonly [transactionBrand]: true;
}

/**
 * The database port. One instance serves all services of a node.
 *
 * Promises that every implementation keeps (`test/contract/database.ts`):
 * - a transaction is atomic and durable once `transaction()` has resolved: the data survives `kill -9` and power loss;
 * - a transaction whose function throws leaves nothing behind and rethrows that error;
 * - reads outside a transaction see what is committed, show nothing that a power loss can take back, and do not wait for
 *   running transactions;
 * - `:name` placeholders are bound, never spliced into the text;
 * - a whole number stays one in a text column ("5", not "5.0");
 * - BIGINT columns come back as strings when they do not fit a JavaScript number exactly;
 * - an error that another try can cure (lock wait, deadlock, connection lost, read-only failover, full disk) satisfies
 *   `isTransient()`, and has the type UNAVAILABLE for whoever asked;
 * - when a connection is lost while a write or a commit is under way, nobody can say whether it happened: that error is
 *   transient as well, but such a write is not tried again here. Whoever asked does so, idempotently;
 * - on a server elsewhere every call but `exclusive()` ends within 5 s, its tries included, whatever the server does;
 * - text is compared and sorted by its characters' numbers: case, accents and spaces at the end count;
 * - a unique key that is hit is named by `uniqueViolation()`.
 *
 * Strings are stored as UTF-8, which has no lone surrogates: text that may hold one is stored as JSON.
 */
export interface Database {
  readonly dialect: Dialect;
  /** For models and migrations only; services use the methods below. */
  readonly sequelize: Sequelize;
  /** Runs a SELECT and returns its rows. */
  select<R extends object = Row>(sql: string, params?: SqlParams, tx?: Tx, options?: ReadOptions): Promise<R[]>;
  /**
   * Runs one statement and returns the number of rows it changed; 0 for a change of the schema. Without `tx` it is
   * durable once this resolved, and a transient error was tried again as in `transaction()`.
   */
  execute(sql: string, params?: SqlParams, tx?: Tx): Promise<number>;
  /**
   * Inserts rows that all have the keys of the first one. MySQL: one multi-row statement. When several rows fail inside a
   * transaction it can only be rolled back: later statements, and the transaction itself, reject with that error.
   * @returns how many rows were really inserted (fewer than given only with `keep`)
   */
  insertRows(table: string, rows: readonly Row[], onConflict: OnConflict, tx?: Tx): Promise<number>;
  /**
   * Inserts rows that all have the keys of the first one, all or none, in a transaction of its own; the fastest way for many.
   * SQLite does it on a thread of its own, so that it does not hold up the process.
   * @throws what `uniqueViolation()` names when a key is there already; an error that is not transient when `unless` finds a row
   */
  bulkInsert(table: string, rows: readonly Row[], options?: BulkOptions): Promise<void>;
  /**
   * Runs `work` in one transaction; a transient error runs the whole of it again (with jittered back-off), so `work` must
   * have no effect outside the transaction. Inside `work` hand `tx` to every statement: a write without it, or a second
   * `transaction()`, waits for the first and fails after 10 s on SQLite.
   *
   * On SQLite transactions follow each other. On MySQL they run side by side (READ COMMITTED): what one reads another may
   * change before it ends, unless it wrote the row before, locked it (`forUpdate()`) or is `serializable`.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /**
   * Runs `work` while no other process runs one on this database, for changes of the schema. SQLite: in one transaction.
   * MySQL: statement by statement, each committed by itself, without a bound of time.
   * @throws a transient error when another process is at it for long
   */
  exclusive<T>(work: (session: SchemaSession) => Promise<T>): Promise<T>;
  /** Calls `hook` after the transaction has committed; never when it rolled back. */
  afterCommit(tx: Tx, hook: () => void): void;
  isTransient(error: unknown): boolean;
  /** The columns of the unique key that `error` hit, else null. */
  uniqueViolation(error: unknown): readonly string[] | null;
  /** Resolves when a trivial statement answered; rejects within 2 s otherwise. */
  ping(): Promise<void>;
  /** Waits for running transactions, then closes. Later calls reject. */
  close(): Promise<void>;
}
