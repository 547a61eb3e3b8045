import { beginsWith, compareKeys } from "./keys.ts";
import type { Key, Range } from "./port.ts";

export interface Entry {
  readonly key: Key;
  readonly value: unknown;
}

/** A chunk that grows beyond it is halved, so that an insertion moves few entries however many there are. */
const MAX_CHUNK = 512;

/** Entries in the order of their keys, in chunks: finding, adding and removing one of 100,000 costs microseconds. */
export class SortedEntries {
  /** None of them is empty. */
  #chunks: Entry[][] = [];
  size = 0;

  get(key: Key): Entry | undefined {
    const entry = this.#chunks[this.#chunkOf(key)]?.[this.#placeOf(key)];
    return entry && compareKeys(entry.key, key) === 0 ? entry : undefined;
  }

  put(entry: Entry): void {
    const index = this.#chunkOf(entry.key);
    const chunk = this.#chunks[index];
    if (!chunk) {
      this.#chunks.push([entry]);
      this.size = 1;
      return;
    }
    const place = this.#placeOf(entry.key);
    const found = chunk[place];
    const isThere = found !== undefined && compareKeys(found.key, entry.key) === 0;
    chunk.splice(place, isThere ? 1 : 0, entry);
    if (!isThere) this.size += 1;
    // What is appended leaves full chunks behind, what is inserted half full ones.
    const half = index === this.#chunks.length - 1 && place === chunk.length - 1 ? chunk.length - 1 : chunk.length >> 1;
    if (chunk.length > MAX_CHUNK) this.#chunks.splice(index, 1, chunk.slice(0, half), chunk.slice(half));
  }

  delete(key: Key): void {
    const index = this.#chunkOf(key);
    const chunk = this.#chunks[index];
    if (!chunk || !this.get(key)) return;
    chunk.splice(this.#placeOf(key), 1);
    if (chunk.length === 0) this.#chunks.splice(index, 1);
    this.size -= 1;
  }

  /** Removes all whose keys begin with `prefix`. */
  clear(prefix: Key): void {
    const first = this.#chunkOf(prefix);
    let next = first;
    const kept: Entry[][] = [];
    for (; next < this.#chunks.length; next += 1) {
      const chunk = this.#chunks[next] ?? [];
      const rest = chunk.filter((entry) => !beginsWith(entry.key, prefix));
      if (rest.length > 0) kept.push(rest);
      this.size -= chunk.length - rest.length;
      const last = chunk.at(-1);
      if (last && compareKeys(last.key, prefix) > 0 && !beginsWith(last.key, prefix)) {
        next += 1;
        break;
      }
    }
    this.#chunks = [...this.#chunks.slice(0, first), ...kept, ...this.#chunks.slice(next)];
  }

  /** Those in a range, in its direction. */
  *inRange({ prefix = [], after, before, limit = Infinity, reverse = false }: Range): Generator<Entry> {
    const isBelow = (key: Key): boolean =>
      (after !== undefined && compareKeys(key, after) <= 0) || (compareKeys(key, prefix) < 0 && !beginsWith(key, prefix));
    const isAbove = (key: Key): boolean =>
      (before !== undefined && compareKeys(key, before) >= 0) || (compareKeys(key, prefix) > 0 && !beginsWith(key, prefix));
    const [isEarly, isLate] = reverse ? [isAbove, isBelow] : [isBelow, isAbove];
    let left = limit;
    for (const entry of reverse ? this.#backwards(isEarly) : this.#forwards(isEarly)) {
      if (left <= 0 || isLate(entry.key)) return;
      left -= 1;
      yield entry;
    }
  }

  *#forwards(isEarly: (key: Key) => boolean): Generator<Entry> {
    const start = firstWhere(this.#chunks, (chunk) => !isEarly((chunk.at(-1) as Entry).key));
    for (let index = start; index < this.#chunks.length; index += 1) {
      const chunk = this.#chunks[index] as Entry[];
      const place = index === start ? firstWhere(chunk, (entry) => !isEarly(entry.key)) : 0;
      for (let i = place; i < chunk.length; i += 1) yield chunk[i] as Entry;
    }
  }

  *#backwards(isEarly: (key: Key) => boolean): Generator<Entry> {
    const end = firstWhere(this.#chunks, (chunk) => isEarly((chunk[0] as Entry).key)) - 1;
    for (let index = end; index >= 0; index -= 1) {
      const chunk = this.#chunks[index] as Entry[];
      const place = index === end ? firstWhere(chunk, (entry) => isEarly(entry.key)) : chunk.length;
      for (let i = place - 1; i >= 0; i -= 1) yield chunk[i] as Entry;
    }
  }

  /** The chunk that has the key, or would; 0 when there is none. */
  #chunkOf(key: Key): number {
    const next = firstWhere(this.#chunks, (chunk) => compareKeys((chunk[0] as Entry).key, key) > 0);
    return Math.max(0, next - 1);
  }

  /** Where in its chunk the key stands, or would. */
  #placeOf(key: Key): number {
    return firstWhere(this.#chunks[this.#chunkOf(key)] ?? [], (entry) => compareKeys(entry.key, key) >= 0);
  }
}

/** The first place at which `isFound` holds, given that it then holds to the end; the length when nowhere. */
function firstWhere<T>(items: readonly T[], isFound: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isFound(items[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}
