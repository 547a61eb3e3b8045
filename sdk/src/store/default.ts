import { canLock } from "../lock.ts";
import { indexedDbStore } from "./indexed-db.ts";
import { memoryStore } from "./memory.ts";
import type { Key, Operation, Range, Store, Table } from "./port.ts";

/**
 * The browser's database where there is one, it opens, and tabs can agree which of them writes; memory elsewhere, as in Node and in
 * private windows of some browsers.
 * Which of them, and with it `name`, is known once it is open: what is in memory is shared with no other tab.
 */
export function defaultStore(name: string): Store {
  return new DefaultStore(name);
}

class DefaultStore implements Store {
  #store: Store;
  #opening: Promise<void> | null = null;

  constructor(name: string) {
    this.#store =
      typeof indexedDB === "undefined" || (typeof window === "object" && !canLock()) ? memoryStore() : indexedDbStore(name);
  }

  get name(): string {
    return this.#store.name;
  }

  async open(): Promise<void> {
    this.#opening ??= this.#store.open().catch(() => {
      this.#store = memoryStore();
    });
    await this.#opening;
  }

  get(table: Table, key: Key): Promise<unknown> {
    return this.#store.get(table, key);
  }

  list(table: Table, range?: Range): Promise<unknown[]> {
    return this.#store.list(table, range);
  }

  write(operations: readonly Operation[]): Promise<void> {
    return this.#store.write(operations);
  }

  async close(): Promise<void> {
    this.#opening = null;
    await this.#store.close();
  }
}
