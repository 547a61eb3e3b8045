import { StoreError, TABLES } from "./port.ts";
import type { Key, KeyPart, Operation, Range } from "./port.ts";

/** Negative when `a` stands before `b`: part by part, a number before a text, a list before a longer one that begins with it. */
export function compareKeys(a: Key, b: Key): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i += 1) {
    const order = compareParts(a[i] as KeyPart, b[i] as KeyPart);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Texts by their UTF-16 code units, as IndexedDB compares them. */
function compareParts(a: KeyPart, b: KeyPart): number {
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export function beginsWith(key: Key, prefix: Key): boolean {
  return key.length >= prefix.length && prefix.every((part, i) => part === key[i]);
}

/** @throws StoreError when a table or key is none that every store can keep */
export function checkOperations(operations: readonly Operation[]): void {
  for (const operation of operations) {
    if (!TABLES.includes(operation.table)) throw new StoreError(`there is no table ${String(operation.table)}`);
    checkKey(keyOf(operation));
  }
}

/** @throws StoreError when no key can compare with these */
export function checkRange({ prefix = [], after = [], before = [] }: Range): void {
  for (const part of [...prefix, ...after, ...before]) {
    if (Number.isNaN(part)) throw new StoreError("a bound of a range is not a number");
  }
}

function checkKey(key: Key): void {
  const isSound = (part: unknown): boolean => typeof part === "string" || Number.isFinite(part);
  if (!Array.isArray(key) || !key.every(isSound)) {
    throw new StoreError(`a key is a list of texts and finite numbers, not ${JSON.stringify(key)}`);
  }
}

function keyOf(operation: Operation): Key {
  if ("put" in operation) return operation.key;
  return "delete" in operation ? operation.delete : operation.clear;
}
