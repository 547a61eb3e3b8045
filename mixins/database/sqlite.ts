import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Sequelize } from "sequelize";
import { CommitSync, SyncFailed } from "./commit-sync.ts";
import { bindNamed } from "./named-params.ts";
import type { BulkOptions, Database, OnConflict, ReadOptions, Row, SchemaSession, SqlParams } from "./port.ts";
import type { TransactionOptions, Tx } from "./port.ts";
import { withRetry } from "./retry.ts";
import { flatten } from "./rows.ts";
import { SqliteConnection, toBindable, type Bindable } from "./sqlite-connection.ts";
import * as dialectModule from "./sqlite-dialect.ts";
import { asUnavailable, isTransientSqlite, uniqueColumnsSqlite } from "./sqlite-errors.ts";
import { BulkWriter } from "./sqlite-bulk.ts";
import { insertAll } from "./sqlite-insert.ts";
import { writeLockOf, WriteLockTimeout, type WriteLock } from "./write-lock.ts";

export interface SqliteOptions {
  /** Made, with its folder, when it is not there. */
  readonly file: string;
  readonly logger: SqliteLogger;
  /** Syncs the open file to disk. @default fdatasync */
  readonly sync?: (fd: number) => Promise<void>;
}

export interface SqliteLogger {
  warn(...parts: unknown[]): void;
  error(...parts: unknown[]): void;
}

const DEFAULT_ATTEMPTS = 5;
/** Another process may be changing the schema of the same file meanwhile. */
const EXCLUSIVE_ATTEMPTS = 100;
/** Only recovery after another process died makes a reader wait. */
const READER_BUSY_MS = 200;
/**
 * 400 messages take 3.6 ms instead of 5.4 with 32 MB of cached pages, and their commit a quarter less when the log is
 * copied into the file every 16 MB instead of 4 MB (measured with the message table of 80,000 rows).
 */
const BULK_TUNING = "PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 4000";
const WRITER_TUNING = "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 8000";
const READER_TUNING = "PRAGMA cache_size = -16384; PRAGMA query_only = ON";
const LISTS = { empty: "", tuples: "VALUES " };
const TRIVIAL = "SELECT count(*) FROM sqlite_master";
const CHANGES_SCHEMA = /^\s*(?:create|alter|drop)\b/i;

/**
 * Opens the database file. Two connections serve the port: one writer, guarded by the file's lock, and one reader that
 * sees what is committed. Models and migrations go through Sequelize, whose connections share the same lock.
 *
 * @throws an error of one line that names the file when it cannot be made, read or written or is no database
 */
export async function openSqlite({ file, logger, sync }: SqliteOptions): Promise<Database> {
  const path = resolve(file);
  let writer: SqliteConnection | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writer = new SqliteConnection(path, 0);
    const reader = new SqliteConnection(path, READER_BUSY_MS);
    reader.all(TRIVIAL, []);
    return new SqliteDatabase(path, { writer, reader, sync: new CommitSync(path, sync) }, logger);
  } catch (error) {
    writer?.close();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot open the database ${path}: ${reason}`, { cause: error });
  }
}

interface Connections {
  readonly writer: SqliteConnection;
  readonly reader: SqliteConnection;
  readonly sync: CommitSync;
}

class SqliteTransaction {
  ended = false;
  /** Why it can only be rolled back. */
  failure: Error | null = null;
  readonly hooks: (() => void)[] = [];
}

class SqliteDatabase implements Database {
  readonly dialect = "sqlite";
  readonly sequelize: Sequelize;
  readonly #writer: SqliteConnection;
  readonly #reader: SqliteConnection;
  readonly #sync: CommitSync;
  readonly #bulk: BulkWriter;
  readonly #lock: WriteLock;
  readonly #logger: SqliteLogger;
  #closing: Promise<void> | null = null;

  constructor(file: string, { writer, reader, sync }: Connections, logger: SqliteLogger) {
    writer.exec(WRITER_TUNING);
    reader.exec(READER_TUNING);
    this.#writer = writer;
    this.#reader = reader;
    this.#sync = sync;
    this.#bulk = new BulkWriter(file, BULK_TUNING);
    this.#lock = writeLockOf(file);
    this.#logger = logger;
    this.sequelize = new Sequelize({
      dialect: "sqlite",
      dialectModule,
      storage: file,
      logging: false,
      transactionType: "IMMEDIATE" as never,
    });
  }

  async select<R extends object = Row>(sql: string, params: SqlParams = {}, tx?: Tx, options: ReadOptions = {}): Promise<R[]> {
    const connection = tx ? this.#inside(tx) : this.#reading();
    const { text, values } = bindNamed(sql, params, LISTS);
    try {
      const rows = connection.all(text, values.map(toBindable)) as R[];
      if (!tx && !options.unsynced) await this.#sync.settled();
      return rows;
    } catch (error) {
      throw asUnavailable(error);
    }
  }

  async execute(sql: string, params: SqlParams = {}, tx?: Tx): Promise<number> {
    const { text, values } = bindNamed(sql, params, LISTS);
    if (tx) return this.#run(this.#inside(tx), text, values.map(toBindable));
    return this.#retrying(DEFAULT_ATTEMPTS, () => this.#writing((writer) => this.#run(writer, text, values.map(toBindable))));
  }

  async insertRows(table: string, rows: readonly Row[], onConflict: OnConflict, tx?: Tx): Promise<number> {
    if (rows.length === 0) return 0;
    if (!tx) return this.transaction((own) => this.insertRows(table, rows, onConflict, own));
    const writer = this.#inside(tx);
    try {
      return insertAll(writer, table, flatten(rows), onConflict);
    } catch (error) {
      if (rows.length > 1) transactionOf(tx).failure = error as Error;
      throw error;
    }
  }

  async bulkInsert(table: string, rows: readonly Row[], { unless }: BulkOptions = {}): Promise<void> {
    if (rows.length === 0) return;
    const request = { table, ...flatten(rows), unless: unless ? bindNamed(unless.sql, unless.params, LISTS) : null };
    await this.#retrying(DEFAULT_ATTEMPTS, () => this.#locked(() => this.#bulk.insert(request)));
  }

  async transaction<T>(work: (tx: Tx) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    return this.#retrying(options.attempts ?? DEFAULT_ATTEMPTS, async () => {
      const transaction = new SqliteTransaction();
      const result = await this.#writing((writer) => runTransaction(writer, transaction, work));
      this.#runHooks(transaction.hooks);
      return result;
    });
  }

  exclusive<T>(work: (session: SchemaSession) => Promise<T>): Promise<T> {
    const inside = (tx: Tx): SchemaSession => ({
      collation: null,
      select: (sql, params) => this.select(sql, params, tx),
      execute: (sql, params) => this.execute(sql, params, tx),
    });
    return this.transaction((tx) => work(inside(tx)), { attempts: EXCLUSIVE_ATTEMPTS });
  }

  afterCommit(tx: Tx, hook: () => void): void {
    transactionOf(tx).hooks.push(hook);
  }

  isTransient(error: unknown): boolean {
    return isTransientSqlite(error);
  }

  uniqueViolation(error: unknown): readonly string[] | null {
    return uniqueColumnsSqlite(error);
  }

  async ping(): Promise<void> {
    this.#reading().all(TRIVIAL, []);
    await this.#sync.settled();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const idle = await this.#lock.acquire().then(
      () => true,
      () => false,
    );
    if (!idle) this.#logger.warn("The database closes while a transaction runs; it is rolled back");
    await this.#sync.settled().catch((error: unknown) => this.#logger.error(String(error)));
    await this.#bulk.close();
    this.#reader.close();
    this.#writer.close();
    this.#sync.close();
    if (idle) this.#lock.release();
    await this.sequelize.close();
  }

  /** The connection of a running transaction. */
  #inside(tx: Tx): SqliteConnection {
    const { ended, failure } = transactionOf(tx);
    if (ended) throw new Error("The transaction has ended; every statement in it must be awaited");
    if (failure !== null) throw failure;
    return this.#writer;
  }

  #reading(): SqliteConnection {
    this.#assertOpen();
    return this.#reader;
  }

  #assertOpen(): void {
    if (this.#closing) throw new Error("The database is closed");
  }

  #run(writer: SqliteConnection, text: string, values: readonly Bindable[]): number {
    const { changes } = writer.run(text, values);
    if (!CHANGES_SCHEMA.test(text)) return changes;
    this.#writer.forget();
    this.#reader.forget();
    return 0;
  }

  /** What `work` committed is on disk when this resolves; the next writer need not wait for that. */
  async #writing<T>(work: (writer: SqliteConnection) => T | Promise<T>): Promise<T> {
    const result = await this.#locked(work);
    await this.#sync.committed();
    return result;
  }

  /** Runs `work` as the file's only writer. What was called before `close()` still gets its turn. */
  async #locked<T>(work: (writer: SqliteConnection) => T | Promise<T>): Promise<T> {
    this.#assertOpen();
    if (!this.#lock.tryAcquire()) await this.#lock.acquire();
    try {
      this.#sync.assertHealthy();
      return await work(this.#writer);
    } finally {
      this.#lock.release();
    }
  }

  async #retrying<T>(attempts: number, run: () => Promise<T>): Promise<T> {
    try {
      return await withRetry(run, {
        attempts,
        isRetryable: (error) => isTransientSqlite(error) && !isHopeless(error),
        onRetry: (error, attempt) => this.#logger.warn(`Database attempt ${attempt} failed, trying again:`, String(error)),
      });
    } catch (error) {
      if (isTransientSqlite(error)) this.#logger.warn("The database cannot write now:", String(error));
      throw asUnavailable(error);
    }
  }

  #runHooks(hooks: readonly (() => void)[]): void {
    for (const hook of hooks) {
      try {
        hook();
      } catch (error) {
        this.#logger.error("A hook failed after its transaction was committed:", error);
      }
    }
  }
}

/** Another try within seconds would end the same. */
function isHopeless(error: unknown): boolean {
  return error instanceof WriteLockTimeout || error instanceof SyncFailed;
}

function transactionOf(tx: Tx): SqliteTransaction {
  if (tx instanceof SqliteTransaction) return tx;
  throw new TypeError("Not a transaction of this database");
}

async function runTransaction<T>(
  writer: SqliteConnection,
  transaction: SqliteTransaction,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  writer.exec("BEGIN IMMEDIATE");
  try {
    const result = await work(transaction as unknown as Tx);
    transaction.ended = true;
    if (transaction.failure !== null) throw transaction.failure;
    writer.exec("COMMIT");
    return result;
  } catch (error) {
    transaction.ended = true;
    if (writer.isTransaction) writer.exec("ROLLBACK");
    throw error;
  }
}
