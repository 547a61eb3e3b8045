import { checkOperations } from "./keys.ts";
import { StoreError } from "./port.ts";
import type { Operation } from "./port.ts";

/**
 * The same operations, with keys and values of the store's own: copied once, when they are written, and frozen, so that reading
 * copies nothing and yet no caller can change what is stored.
 * @throws StoreError when a key or a value cannot be stored
 */
export function ownOperations(operations: readonly Operation[]): Operation[] {
  checkOperations(operations);
  try {
    return deepFreeze(structuredClone([...operations]));
  } catch (error) {
    throw new StoreError("a value cannot be stored", { cause: error });
  }
}

/** Freezes plain data: lists and objects, and what is in them. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}
