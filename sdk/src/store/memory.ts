import { ownOperations } from "./own-operations.ts";
import { checkRange } from "./keys.ts";
import type { Key, Operation, Range, Store, Table } from "./port.ts";
import { TableSet } from "./table-set.ts";

/**
 * Keeps everything in memory, as long as the store itself is there: opening and closing change nothing, so that a client can be
 * stopped and started again, and several clients can be given the same one. What is read is frozen.
 * @param name differs from that of every other store unless given
 */
export function memoryStore(name = `memory-${uniqueText()}`): Store {
  return new MemoryStore(name);
}

class MemoryStore implements Store {
  readonly name: string;
  readonly #tables = new TableSet();

  constructor(name: string) {
    this.name = name;
  }

  async open(): Promise<void> {
    // There is nothing to open.
  }

  async get(table: Table, key: Key): Promise<unknown> {
    return this.#tables.get(table, key);
  }

  async list(table: Table, range: Range = {}): Promise<unknown[]> {
    checkRange(range);
    return this.#tables.list(table, range);
  }

  async write(operations: readonly Operation[]): Promise<void> {
    this.#tables.apply(ownOperations(operations));
  }

  async close(): Promise<void> {
    // What is in it stays.
  }
}

/** Not by `crypto.randomUUID`, which pages without TLS do not have. */
function uniqueText(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");
}
