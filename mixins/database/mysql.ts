import type { Sequelize } from "sequelize";
import { deadlineIn, msLeft, type Deadline } from "./deadline.ts";
import { describeAddress, mysqlAddress, type MysqlAddress } from "./mysql-address.ts";
import type { MysqlConnection } from "./mysql-connection.ts";
import { isReadOnly, isRepeatable, isTransientMysql, MysqlUnavailable, OutcomeUnknown } from "./mysql-errors.ts";
import { uniqueColumnsMysql } from "./mysql-errors.ts";
import { insertStatements } from "./mysql-insert.ts";
import { MysqlKeys } from "./mysql-keys.ts";
import { statementOf } from "./mysql-literals.ts";
import { MysqlPool } from "./mysql-pool.ts";
import { runExclusively } from "./mysql-exclusive.ts";
import { openModels } from "./mysql-sequelize.ts";
import { MysqlReplica } from "./mysql-replica.ts";
import { inspectServer, servingSession, type MysqlServer } from "./mysql-server.ts";
import { MysqlTransaction, runTransaction, transactionOf } from "./mysql-transaction.ts";
import type { BulkOptions, Database, OnConflict, ReadOptions, Row, SchemaSession, SqlParams } from "./port.ts";
import type { TransactionOptions, Tx } from "./port.ts";
import { withRetry } from "./retry.ts";
import { flatten } from "./rows.ts";

export interface MysqlOptions {
  /** `mysql://user:password@host:port/database` */
  readonly url: string;
  /** Of a server that follows this one, for reads that may go there. */
  readonly replicaUrl?: string | null;
  /** TLS to both. Default false. */
  readonly ssl?: boolean;
  /** Connections of this process at most, beside those of models and migrations. As many lead to the replica. */
  readonly poolSize: number;
  readonly logger: MysqlLogger;
}

export interface MysqlLogger {
  warn(...parts: unknown[]): void;
  error(...parts: unknown[]): void;
}

/** Of one call, its tries included. */
const CALL_MS = 4_000;
const OPEN_MS = 3_000;
const PING_MS = 1_800;
const DEFAULT_ATTEMPTS = 5;
/** A statement may be so long, unless the server takes less. */
const MAX_STATEMENT_LENGTH = 2_000_000;
/** Of a character of a statement, in UTF-8. */
const MAX_CHARACTER_BYTES = 3;
const CHANGES_SCHEMA = /^\s*(?:create|alter|drop)\b/i;

/**
 * Opens a database on MySQL 8 or MariaDB 10.11.
 * @throws an error of one line that names the server, without the password
 */
export async function openMysql(options: MysqlOptions): Promise<Database> {
  const address = mysqlAddress(options.url, options.ssl);
  try {
    const server = await inspectServer(address, deadlineIn(OPEN_MS));
    return new MysqlDatabase(address, server, options);
  } catch (error) {
    const reason = error instanceof MysqlUnavailable ? error.message : `${describeAddress(address)}: ${String(error)}`;
    throw new Error(`Cannot open the database: ${reason}`, { cause: error });
  }
}

class MysqlDatabase implements Database {
  readonly dialect = "mysql";
  readonly sequelize: Sequelize;
  readonly #address: MysqlAddress;
  readonly #pool: MysqlPool;
  /** Of its own, so that a node with much to do still counts as ready. */
  readonly #pings: MysqlPool;
  readonly #replica: MysqlReplica | null;
  readonly #keys = new MysqlKeys();
  readonly #collation: string;
  readonly #maxStatement: number;
  readonly #logger: MysqlLogger;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | null = null;

  constructor(address: MysqlAddress, server: MysqlServer, { replicaUrl, ssl, poolSize, logger }: MysqlOptions) {
    const session = servingSession(address, server);
    this.#address = address;
    this.#collation = server.collation;
    this.#pool = new MysqlPool(session, poolSize);
    this.#pings = new MysqlPool(session, 1);
    this.#replica = replicaUrl
      ? new MysqlReplica({
          address: mysqlAddress(replicaUrl, ssl),
          poolSize,
          logger,
          onPrimary: (work, deadline) => this.#alone(work, { deadline }),
        })
      : null;
    this.#maxStatement = Math.min(MAX_STATEMENT_LENGTH, Math.floor(server.maxPacketBytes / MAX_CHARACTER_BYTES / 2));
    this.#logger = logger;
    this.sequelize = openModels({ session, keys: this.#keys, callMs: CALL_MS });
  }

  async select<R extends object = Row>(sql: string, params: SqlParams = {}, tx?: Tx, options: ReadOptions = {}): Promise<R[]> {
    const statement = statementOf(sql, params);
    const read = (connection: MysqlConnection, deadline: Deadline) => connection.rows(statement, deadline, sql);
    if (tx) return (await this.#inside(tx, read)) as R[];
    const deadline = deadlineIn(CALL_MS);
    const replica = options.replica ? this.#replica : null;
    const elsewhere = replica && (await this.#tracked(() => replica.rows(statement, sql, deadline)));
    return (elsewhere ?? (await this.#alone(read, { deadline }))) as R[];
  }

  async execute(sql: string, params: SqlParams = {}, tx?: Tx): Promise<number> {
    const statement = statementOf(sql, params);
    const write = async (connection: MysqlConnection, deadline: Deadline) =>
      (await this.#write(connection, statement, deadline, sql)).affected;
    const affected = await (tx ? this.#inside(tx, write) : this.#alone(asOne(write)));
    if (!CHANGES_SCHEMA.test(sql)) return affected;
    this.#keys.forget();
    return 0;
  }

  async insertRows(table: string, rows: readonly Row[], onConflict: OnConflict, tx?: Tx): Promise<number> {
    if (rows.length === 0) return 0;
    const statements = insertStatements(table, flatten(rows), onConflict, this.#maxStatement);
    const insert = (connection: MysqlConnection, deadline: Deadline) => this.#insert(connection, table, statements, deadline);
    if (!tx && statements.length > 1) return this.transaction((own) => this.insertRows(table, rows, onConflict, own));
    if (!tx) return this.#alone(asOne(insert));
    try {
      return await this.#inside(tx, insert);
    } catch (error) {
      if (rows.length > 1) transactionOf(tx).failure ??= error as Error;
      throw error;
    }
  }

  async bulkInsert(table: string, rows: readonly Row[], { unless }: BulkOptions = {}): Promise<void> {
    if (!unless || rows.length === 0) return void (await this.insertRows(table, rows, "fail"));
    await this.transaction(
      async (tx) => {
        const found = await this.select(unless.sql, unless.params, tx);
        if (found.length > 0) throw new Error("What must not be there is there");
        await this.insertRows(table, rows, "fail", tx);
      },
      { serializable: true },
    );
  }

  async transaction<T>(work: (tx: Tx) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const { attempts = DEFAULT_ATTEMPTS, serializable = false } = options;
    const { result, hooks } = await this.#alone(
      async (connection, deadline) => {
        const transaction = new MysqlTransaction(connection, deadline);
        return { result: await runTransaction(transaction, serializable, work), hooks: transaction.hooks };
      },
      { attempts },
    );
    this.#runHooks(hooks);
    return result;
  }

  exclusive<T>(work: (session: SchemaSession) => Promise<T>): Promise<T> {
    return this.#tracked(() => runExclusively(this.#address, this.#collation, work)).finally(() => this.#keys.forget());
  }

  afterCommit(tx: Tx, hook: () => void): void {
    transactionOf(tx).hooks.push(hook);
  }

  isTransient(error: unknown): boolean {
    return isTransientMysql(error);
  }

  uniqueViolation(error: unknown): readonly string[] | null {
    return uniqueColumnsMysql(error);
  }

  async ping(): Promise<void> {
    const deadline = deadlineIn(PING_MS);
    await this.#tracked(() => this.#once(deadline, (connection) => connection.rows("SELECT 1", deadline), this.#pings));
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#running);
    await Promise.all([this.#pool.close(), this.#pings.close(), this.#replica?.close()]);
    await this.sequelize.close();
  }

  async #inside<T>(tx: Tx, work: (connection: MysqlConnection, deadline: Deadline) => Promise<T>): Promise<T> {
    const transaction = transactionOf(tx);
    transaction.assertRunning();
    return work(transaction.connection, transaction.deadline);
  }

  /** Runs `work` on a connection, again after an error that another try can cure, all within the time of one call. */
  #alone<T>(
    work: (connection: MysqlConnection, deadline: Deadline) => Promise<T>,
    { attempts = DEFAULT_ATTEMPTS, deadline = deadlineIn(CALL_MS) } = {},
  ): Promise<T> {
    return this.#tracked(() =>
      withRetry(() => this.#once(deadline, work), {
        attempts,
        isRetryable: (error) => isRepeatable(error) && msLeft(deadline) > 0,
        onRetry: (error, attempt) => this.#logger.warn(`Database attempt ${attempt} failed, trying again:`, String(error)),
      }),
    );
  }

  async #once<T>(
    deadline: Deadline,
    work: (connection: MysqlConnection, deadline: Deadline) => Promise<T>,
    pool = this.#pool,
  ): Promise<T> {
    const connection = await pool.acquire(deadline);
    try {
      return await work(connection, deadline);
    } catch (error) {
      if (isReadOnly(error)) connection.destroy();
      if (connection.isGone) pool.distrust();
      throw error;
    } finally {
      pool.release(connection);
    }
  }

  async #insert(connection: MysqlConnection, table: string, statements: readonly string[], deadline: Deadline): Promise<number> {
    let inserted = 0;
    for (const statement of statements)
      inserted += (await this.#write(connection, statement, deadline, `INSERT INTO ${table}`)).affected;
    return inserted;
  }

  async #write(connection: MysqlConnection, statement: string, deadline: Deadline, shown: string): Promise<{ affected: number }> {
    try {
      return await connection.run(statement, deadline, shown);
    } catch (error) {
      await this.#keys.explain(error, shown, connection, deadline);
      throw error;
    }
  }

  /** What was called before `close()` still gets its end. */
  async #tracked<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closing) throw new Error("The database is closed");
    const running = run();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
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

/** One statement that commits itself: when the connection is lost over it, it may have been done. */
function asOne<T>(write: (connection: MysqlConnection, deadline: Deadline) => Promise<T>) {
  return async (connection: MysqlConnection, deadline: Deadline): Promise<T> => {
    try {
      return await write(connection, deadline);
    } catch (error) {
      if (!(error instanceof MysqlUnavailable) || !connection.isGone) throw error;
      throw new OutcomeUnknown(`Nobody can say whether it was written: ${error.message}`, { cause: error });
    }
  };
}
