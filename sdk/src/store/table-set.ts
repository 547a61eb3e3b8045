import { TABLES } from "./port.ts";
import type { Key, Operation, Range, Table } from "./port.ts";
import { SortedEntries } from "./sorted-entries.ts";
import type { Entry } from "./sorted-entries.ts";

/** All tables, in memory. Keeps values as they are given: see `ownOperations`. */
export class TableSet {
  readonly #tables = new Map<Table, SortedEntries>(TABLES.map((table) => [table, new SortedEntries()]));

  /** How many entries there are. */
  get size(): number {
    return [...this.#tables.values()].reduce((sum, entries) => sum + entries.size, 0);
  }

  get(table: Table, key: Key): unknown {
    return this.#entries(table).get(key)?.value;
  }

  list(table: Table, range: Range): unknown[] {
    return Array.from(this.#entries(table).inRange(range), ({ value }) => value);
  }

  /** All entries of all tables. They are not to be changed meanwhile. */
  *all(): Generator<Entry & { readonly table: Table }> {
    for (const [table, entries] of this.#tables) {
      for (const { key, value } of entries.inRange({})) yield { table, key, value };
    }
  }

  apply(operations: readonly Operation[]): void {
    for (const operation of operations) {
      const entries = this.#entries(operation.table);
      if ("put" in operation) entries.put({ key: operation.key, value: operation.put });
      else if ("delete" in operation) entries.delete(operation.delete);
      else entries.clear(operation.clear);
    }
  }

  #entries(table: Table): SortedEntries {
    return this.#tables.get(table) as SortedEntries;
  }
}
