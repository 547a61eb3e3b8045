import { openDatabase } from "./indexed-db-open.ts";
import { boundsOf, readRange } from "./indexed-db-range.ts";
import { checkRange } from "./keys.ts";
import { ownOperations } from "./own-operations.ts";
import { StoreError } from "./port.ts";
import type { Key, Operation, Range, Store, Table } from "./port.ts";

/**
 * Keeps everything in a database of the browser. Tabs that open the same name share it.
 *
 * What the user has alone (unsent messages, the session) is on disk when a write resolves, which costs some milliseconds. What the
 * server sent the browser may write a little later: it survives the browser, and after a power cut the server has it still. Each
 * write stands behind the earlier ones, so nothing is kept that builds on what is lost.
 */
export function indexedDbStore(name: string): Store {
  return new IndexedDbStore(name);
}

/** What browsers say when they have closed a connection by themselves. */
const LOST = new Set(["InvalidStateError", "UnknownError", "AbortError"]);

type Work<T> = (transaction: IDBTransaction) => Promise<T>;

class IndexedDbStore implements Store {
  readonly name: string;
  #isOpen = false;
  #connection: Promise<IDBDatabase> | null = null;

  constructor(name: string) {
    this.name = name;
  }

  async open(): Promise<void> {
    this.#isOpen = true;
    try {
      await this.#connected();
    } catch (error) {
      this.#isOpen = false;
      throw asStoreError(error);
    }
  }

  async get(table: Table, key: Key): Promise<unknown> {
    return this.#transact([table], { mode: "readonly" }, (transaction) =>
      resultOf<unknown>(transaction.objectStore(table).get([...key])),
    );
  }

  async list(table: Table, range: Range = {}): Promise<unknown[]> {
    checkRange(range);
    const bounds = boundsOf(range);
    if (bounds === "nothing" || (range.limit ?? 1) <= 0) return [];
    return this.#transact([table], { mode: "readonly" }, (transaction) =>
      readRange(transaction.objectStore(table), bounds, range),
    );
  }

  async write(operations: readonly Operation[]): Promise<void> {
    // Copied now: the connection may have to be opened first, and the caller's values may have changed by then.
    const own = ownOperations(operations);
    const tables = [...new Set(own.map(({ table }) => table))];
    if (tables.length === 0) return;
    await this.#transact(tables, { mode: "readwrite", durability: durabilityOf(tables) }, async (transaction) => {
      for (const operation of own) request(transaction.objectStore(operation.table), operation);
    });
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    const connection = this.#connection;
    this.#connection = null;
    // Transactions that have begun end first.
    await connection?.then(
      (database) => database.close(),
      () => undefined,
    );
  }

  /** On a new connection when the browser has closed the last one, which has then changed nothing. */
  async #transact<T>(tables: Table[], how: Transaction, work: Work<T>): Promise<T> {
    try {
      const connection = this.#connected();
      try {
        return await transact(await connection, tables, how, work);
      } catch (error) {
        if (!(error instanceof DOMException && LOST.has(error.name))) throw error;
        await this.#drop(connection);
        return await transact(await this.#connected(), tables, how, work);
      }
    } catch (error) {
      throw asStoreError(error);
    }
  }

  #connected(): Promise<IDBDatabase> {
    if (!this.#isOpen) throw new StoreError("the store is not open");
    if (this.#connection) return this.#connection;
    const connection = openDatabase(this.name, () => void this.#forget(connection));
    connection.catch(() => this.#forget(connection));
    this.#connection = connection;
    return connection;
  }

  #forget(connection: Promise<IDBDatabase>): void {
    if (this.#connection === connection) this.#connection = null;
  }

  async #drop(connection: Promise<IDBDatabase>): Promise<void> {
    this.#forget(connection);
    (await connection).close();
  }
}

/** Notes of its own in `meta` belong to what they are written with: how far it came, beside what came. */
function durabilityOf(tables: readonly Table[]): IDBTransactionDurability {
  return tables.includes("outbox") || tables.every((table) => table === "meta") ? "strict" : "relaxed";
}

interface Transaction extends IDBTransactionOptions {
  readonly mode: IDBTransactionMode;
}

/** Resolves when the transaction is complete; it changes all or nothing. */
async function transact<T>(database: IDBDatabase, tables: Table[], { mode, ...options }: Transaction, work: Work<T>): Promise<T> {
  const transaction = database.transaction(tables, mode, options);
  const complete = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new DOMException("the transaction was ended", "AbortError"));
  });
  complete.catch(() => undefined); // told below, unless what failed is told first
  try {
    const result = await work(transaction);
    await complete;
    return result;
  } catch (error) {
    abort(transaction);
    throw error;
  }
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It has ended by itself.
  }
}

function request(store: IDBObjectStore, operation: Operation): void {
  if ("put" in operation) store.put(operation.put, [...operation.key]);
  else if ("delete" in operation) store.delete([...operation.delete]);
  else {
    const bounds = boundsOf({ prefix: operation.clear });
    if (bounds === "everything") store.clear();
    else if (bounds !== "nothing") store.delete(bounds);
  }
}

function resultOf<T>(given: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    given.onsuccess = () => resolve(given.result);
    given.onerror = () => reject(given.error ?? new DOMException("the request failed", "UnknownError"));
  });
}

function asStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
  return new StoreError(isFull ? "there is no room on this device" : "the browser's database does not work", { cause: error });
}
