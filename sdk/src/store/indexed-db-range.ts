import type { Range } from "./port.ts";
import { beginsWith, compareKeys } from "./keys.ts";

/** Stands behind every text and number as a part of a key. */
const LAST: readonly never[] = [];

/** Which keys a range has, of all those that are in its table. */
export function boundsOf({ prefix = [], after, before }: Range): IDBKeyRange | "everything" | "nothing" {
  const isBefore = after !== undefined && compareKeys(after, prefix) < 0;
  const isBehind = before !== undefined && compareKeys(before, prefix) > 0 && !beginsWith(before, prefix);
  if (after && !isBefore && !beginsWith(after, prefix)) return "nothing";
  if (before && !isBehind && compareKeys(before, prefix) <= 0) return "nothing";
  const lower = after && !isBefore ? { key: [...after], open: true } : { key: [...prefix], open: false };
  const upper = before && !isBehind ? [...before] : [...prefix, LAST];
  if (before && !isBehind && compareKeys(lower.key, before) >= 0) return "nothing";
  if (prefix.length > 0 || before) return IDBKeyRange.bound(lower.key, upper, lower.open, true);
  return after ? IDBKeyRange.lowerBound(lower.key, lower.open) : "everything";
}

/** Values in a range's direction, at most its limit. */
export function readRange(store: IDBObjectStore, bounds: IDBKeyRange | "everything", range: Range): Promise<unknown[]> {
  const query = bounds === "everything" ? null : bounds;
  const limit = range.limit ?? Infinity;
  if (range.reverse === true && limit !== Infinity) return readBackwards(store, query, limit);
  return new Promise((resolve, reject) => {
    const all = store.getAll(query, limit === Infinity ? undefined : limit);
    all.onsuccess = () => resolve(range.reverse === true ? all.result.reverse() : all.result);
    all.onerror = () => reject(all.error as DOMException);
  });
}

function readBackwards(store: IDBObjectStore, query: IDBKeyRange | null, limit: number): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const values: unknown[] = [];
    const cursors = store.openCursor(query, "prev");
    cursors.onsuccess = () => {
      const cursor = cursors.result;
      if (cursor) values.push(cursor.value);
      if (!cursor || values.length >= limit) resolve(values);
      else cursor.continue();
    };
    cursors.onerror = () => reject(cursors.error as DOMException);
  });
}
