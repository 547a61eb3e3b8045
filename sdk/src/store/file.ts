import path from "node:path";
import { FileLog } from "./file-log.ts";
import { checkRange } from "./keys.ts";
import { ownOperations } from "./own-operations.ts";
import { StoreError } from "./port.ts";
import type { Key, Operation, Range, Store, Table } from "./port.ts";

/**
 * Keeps everything in one file, and all of it in memory while it is open; a write is on disk when it resolves. The stores that one
 * process opens for the same path are one; another process is refused. Each client needs a store of its own. What is read is frozen.
 * Node only.
 * @param file made when it is not there, with its folder; readable by its owner only
 */
export function fileStore(file: string): Store {
  return new FileStore(path.resolve(file));
}

/** The logs of this process. One that is being closed stays until its lock is given back. */
const shared = new Map<string, { readonly log: Promise<FileLog>; users: number; closing: Promise<void> | null }>();

class FileStore implements Store {
  readonly name: string;
  readonly #path: string;
  #log: Promise<FileLog> | null = null;

  constructor(file: string) {
    this.name = `file-${file}`;
    this.#path = file;
  }

  async open(): Promise<void> {
    this.#log ??= acquire(this.#path);
    const opening = this.#log;
    try {
      await opening;
    } catch (error) {
      if (this.#log === opening) this.#log = null;
      throw error instanceof StoreError ? error : new StoreError(`${this.#path} cannot be opened`, { cause: error });
    }
  }

  async get(table: Table, key: Key): Promise<unknown> {
    const log = await this.#opened();
    await log.settled();
    return log.tables.get(table, key);
  }

  async list(table: Table, range: Range = {}): Promise<unknown[]> {
    checkRange(range);
    const log = await this.#opened();
    await log.settled();
    return log.tables.list(table, range);
  }

  async write(operations: readonly Operation[]): Promise<void> {
    const own = ownOperations(operations);
    const log = await this.#opened();
    await log.write(own);
  }

  async close(): Promise<void> {
    const log = this.#log;
    this.#log = null;
    if (log) await release(this.#path);
  }

  #opened(): Promise<FileLog> {
    if (!this.#log) throw new StoreError("the store is not open");
    return this.#log;
  }
}

async function acquire(file: string): Promise<FileLog> {
  for (let open = shared.get(file); open?.closing; open = shared.get(file)) await open.closing;
  const found = shared.get(file);
  const entry = found ?? { log: FileLog.open(file), users: 0, closing: null };
  entry.users += 1;
  shared.set(file, entry);
  try {
    return await entry.log;
  } catch (error) {
    if (shared.get(file) === entry) shared.delete(file);
    throw error;
  }
}

async function release(file: string): Promise<void> {
  const entry = shared.get(file);
  if (!entry) return;
  entry.users -= 1;
  if (entry.users > 0) return;
  entry.closing = entry.log
    .then(
      (log) => log.close(),
      () => undefined,
    ) // one that did not open has nothing to close
    .finally(() => shared.delete(file));
  await entry.closing;
}
