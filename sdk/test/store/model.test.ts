import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { beginsWith, compareKeys } from "../../src/store/keys.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Key, Operation, Range, Store } from "../../src/store/port.ts";
import { KINDS, opened } from "./kinds.ts";

const part = fc.oneof(fc.integer({ min: -2, max: 3 }), fc.constantFrom("", "a", "b", "ab"));
const key = fc.array(part, { maxLength: 3 });
const range: fc.Arbitrary<Range> = fc.record(
  { prefix: key, after: key, before: key, limit: fc.nat({ max: 8 }), reverse: fc.boolean() },
  { requiredKeys: [] },
);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 8, arbitrary: key.map((given): Operation => ({ table: "messages", put: given, key: given })) },
  { weight: 2, arbitrary: key.map((given): Operation => ({ table: "messages", delete: given })) },
  { weight: 1, arbitrary: key.map((given): Operation => ({ table: "messages", clear: given })) },
);

/** Keys are their own values. */
function applied(keys: readonly Key[], operation: Operation): Key[] {
  const isSame = (a: Key, b: Key): boolean => compareKeys(a, b) === 0;
  if ("put" in operation) return [...keys.filter((one) => !isSame(one, operation.key)), operation.key];
  if ("delete" in operation) return keys.filter((one) => !isSame(one, operation.delete));
  return keys.filter((one) => !beginsWith(one, operation.clear));
}

function expected(keys: readonly Key[], { prefix = [], after, before, limit, reverse = false }: Range): Key[] {
  const found = keys
    .filter((one) => beginsWith(one, prefix))
    .filter((one) => (!after || compareKeys(one, after) > 0) && (!before || compareKeys(one, before) < 0))
    .sort(compareKeys);
  return (reverse ? found.reverse() : found).slice(0, limit);
}

describe.each(KINDS)("a store of the kind $kind", ({ place }) => {
  it("reads any range as one that looks at every entry", async () => {
    const store: Store = await opened(await place());
    let keys: Key[] = [];
    const step = fc.tuple(fc.array(operation, { maxLength: 12 }), fc.array(range, { minLength: 1, maxLength: 6 }));
    await fc.assert(
      fc.asyncProperty(step, async ([operations, ranges]) => {
        await store.write(operations);
        keys = operations.reduce(applied, keys);
        for (const one of ranges) expect(await store.list("messages", one)).toEqual(expected(keys, one));
      }),
      { numRuns: 150, endOnFailure: true },
    );
  });
});

describe("a store in memory", () => {
  it("keeps its order through many insertions and deletions in any order", async () => {
    const store = memoryStore();
    const count = 5000;
    // Every number below `count` once, far from sorted.
    const shuffled = Array.from({ length: count }, (_, i) => (i * 3571) % count);
    for (const n of shuffled) await store.write([{ table: "messages", put: n, key: ["c", n] }]);
    for (const n of shuffled.slice(0, 2000)) await store.write([{ table: "messages", delete: ["c", n] }]);
    const left = shuffled.slice(2000).sort((a, b) => a - b);
    expect(await store.list("messages")).toEqual(left);
    expect(await store.list("messages", { reverse: true })).toEqual([...left].reverse());
    for (const n of [0, 1, 999, 2500, 4999]) {
      expect(await store.list("messages", { after: ["c", n], limit: 3 })).toEqual(left.filter((one) => one > n).slice(0, 3));
    }
    await store.write([{ table: "messages", clear: ["c"] }]);
    expect(await store.list("messages")).toEqual([]);
  });

  it("freezes what it keeps, so that reading needs no copy", async () => {
    const store = memoryStore();
    await store.write([{ table: "meta", put: { a: [{ b: 1 }] }, key: ["k"] }]);
    const value = (await store.get("meta", ["k"])) as { a: { b: number }[] };
    expect(() => value.a.push({ b: 2 })).toThrow(TypeError);
    expect(() => ((value.a[0] as { b: number }).b = 2)).toThrow(TypeError);
    expect(await store.get("meta", ["k"])).toBe(value);
  });

  it("is shared with nobody by its name", () => {
    expect(memoryStore().name).not.toBe(memoryStore().name);
    expect(memoryStore("mine").name).toBe("mine");
  });
});
