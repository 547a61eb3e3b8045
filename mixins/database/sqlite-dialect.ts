import { resolve } from "node:path";
import { SqliteConnection, type Bindable } from "./sqlite-connection.ts";
import { nameForSequelize } from "./sqlite-errors.ts";
import { writeLockOf, type WriteLock } from "./write-lock.ts";

/** Another process may hold the lock; Sequelize itself does not try again. */
const BUSY_MS = 200;

/** Statements that SQLite runs beside a writer. */
const IS_READ = /^\s*(?:select|pragma|explain)\b/i;

type Callback = (this: Statement, error: Error | null, rows?: unknown) => void;
type Parameters = readonly unknown[] | Record<string, unknown>;

/** What Sequelize finds in a callback's `this`; it looks for this very class name. */
class Statement {
  lastID = 0;
  changes = 0;
}

/**
 * The part of the `sqlite3` package's interface that Sequelize 6 uses, on Node's own SQLite: pass this module as
 * `dialectModule`, with `transactionType: "IMMEDIATE"`.
 *
 * Sequelize opens a connection for each transaction. All of a file share one lock (with the port's own writer): a
 * connection holds it from BEGIN to COMMIT or ROLLBACK, a write outside a transaction for itself, reads never.
 */
export class Database {
  readonly filename: string;
  readonly #lock: WriteLock;
  #connection: SqliteConnection | null = null;
  #holdsLock = false;

  constructor(filename: string, _mode: number, opened: (error: Error | null) => void) {
    this.filename = filename;
    this.#lock = writeLockOf(resolve(filename));
    let failure: Error | null = null;
    try {
      this.#connection = new SqliteConnection(filename, BUSY_MS);
    } catch (error) {
      failure = nameForSequelize(error);
    }
    queueMicrotask(() => opened(failure));
  }

  /** Sequelize calls it around each query; every statement here is done when its turn ends, so there is nothing to order. */
  serialize(work: () => void): void {
    work();
  }

  run(sql: string, parameters: Parameters | Callback = [], done?: Callback): void {
    void this.#perform(sql, parameters, done, (connection, values, statement) => {
      const { changes, lastInsertRowid } = connection.run(sql, values);
      Object.assign(statement, { changes, lastID: lastInsertRowid });
    });
  }

  all(sql: string, parameters: Parameters | Callback = [], done?: Callback): void {
    void this.#perform(sql, parameters, done, (connection, values) => connection.all(sql, values));
  }

  get(sql: string, parameters: Parameters | Callback = [], done?: Callback): void {
    void this.#perform(sql, parameters, done, (connection, values) => connection.all(sql, values)[0]);
  }

  exec(sql: string, done?: Callback): void {
    void this.#perform(sql, [], done, (connection) => connection.exec(sql));
  }

  /** Rolls back what is open. */
  close(done?: (error: Error | null) => void): void {
    this.#connection?.close();
    this.#connection = null;
    this.#release();
    done?.(null);
  }

  async #perform(
    sql: string,
    parameters: Parameters | Callback,
    done: Callback | undefined,
    work: (connection: SqliteConnection, values: readonly Bindable[] | Record<string, Bindable>, statement: Statement) => unknown,
  ): Promise<void> {
    const callback = typeof parameters === "function" ? parameters : done;
    const statement = new Statement();
    let failure: Error | null = null;
    let rows: unknown;
    try {
      if (!this.#holdsLock && !IS_READ.test(sql)) {
        await this.#lock.acquire();
        this.#holdsLock = true; // in the turn that runs the statement, so that no other statement of this connection takes it for its own
      }
      rows = work(this.#open(), typeof parameters === "function" ? [] : toValues(parameters), statement);
    } catch (error) {
      failure = nameForSequelize(error);
    } finally {
      if (!this.#connection?.isTransaction) this.#release();
    }
    callback?.call(statement, failure, rows);
  }

  #release(): void {
    if (!this.#holdsLock) return;
    this.#holdsLock = false;
    this.#lock.release();
  }

  #open(): SqliteConnection {
    if (!this.#connection) throw new Error("The connection is closed");
    return this.#connection;
  }
}

export const OPEN_READWRITE = 2;
export const OPEN_CREATE = 4;

function toValues(parameters: Parameters): readonly Bindable[] | Record<string, Bindable> {
  if (Array.isArray(parameters)) return parameters.map(toValue);
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, toValue(value)]));
}

/** As the `sqlite3` package binds: booleans as 0 and 1, undefined as null. */
function toValue(value: unknown): Bindable {
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  return (value ?? null) as Bindable;
}
