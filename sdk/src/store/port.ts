/**
 * What a client keeps on its device. Tables of values, each under a key of its own; keys are lists of texts and numbers, compared
 * part by part (a number before a text, a shorter list before a longer one that begins with it). Values are plain data, as
 * `structuredClone` takes them; what is read may not be changed.
 */
export type KeyPart = string | number;
export type Key = readonly KeyPart[];

export const TABLES = ["meta", "conversations", "messages", "outbox", "friends", "groups"] as const;
export type Table = (typeof TABLES)[number];

/** A change of a table. `clear` deletes all whose keys begin with `prefix`; an empty one, all. */
export type Operation =
  | { readonly table: Table; readonly put: unknown; readonly key: Key }
  | { readonly table: Table; readonly delete: Key }
  | { readonly table: Table; readonly clear: Key };

/** Entries of a table whose keys begin with `prefix`, ascending by key unless `reverse`. */
export interface Range {
  readonly prefix?: Key;
  /** Both bounds exclude themselves, and are keys below `prefix` in full. */
  readonly after?: Key;
  readonly before?: Key;
  readonly limit?: number;
  readonly reverse?: boolean;
}

/** Several clients may use one store at a time, as tabs of a browser do; each sees what the others wrote. */
export interface Store {
  /** Names what tabs share: the same for all that use the same data. */
  readonly name: string;
  /** Opens it; a second call changes nothing. @throws StoreError */
  open(): Promise<void>;
  get(table: Table, key: Key): Promise<unknown>;
  list(table: Table, range?: Range): Promise<unknown[]>;
  /** All or none of them, in this order, kept when it resolves. @throws StoreError, and then nothing has changed */
  write(operations: readonly Operation[]): Promise<void>;
  close(): Promise<void>;
}

/** The store cannot be opened, read or written: no room, no permission, broken. */
export class StoreError extends Error {
  override readonly name = "StoreError";
}
