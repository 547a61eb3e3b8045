import { describe, expect, it } from "vitest";
import { StoreError, TABLES } from "../../src/store/port.ts";
import type { Key, Operation, Range, Store } from "../../src/store/port.ts";
import { KINDS, opened } from "./kinds.ts";

const put = (key: Key, value: unknown = key): Operation => ({ table: "messages", put: value, key });
const keysIn = (store: Store, range?: Range): Promise<unknown[]> => store.list("messages", range);

describe.each(KINDS)("a store of the kind $kind", ({ place }) => {
  const empty = async (): Promise<Store> => opened(await place());

  it("has nothing at first, in any table", async () => {
    const store = await empty();
    for (const table of TABLES) expect(await store.list(table)).toEqual([]);
    expect(await store.get("meta", ["absent"])).toBeUndefined();
  });

  it("answers what was put last, in its table only, until it is deleted", async () => {
    const store = await empty();
    await store.write([{ table: "meta", put: { n: 1 }, key: ["a", 1] }]);
    await store.write([{ table: "meta", put: { n: 2 }, key: ["a", 1] }]);
    expect(await store.get("meta", ["a", 1])).toEqual({ n: 2 });
    expect(await store.get("meta", ["a", "1"])).toBeUndefined();
    expect(await store.get("friends", ["a", 1])).toBeUndefined();
    await store.write([
      { table: "meta", delete: ["a", 1] },
      { table: "meta", delete: ["never there"] },
    ]);
    expect(await store.get("meta", ["a", 1])).toBeUndefined();
    expect(await store.list("meta")).toEqual([]);
  });

  it("keeps every kind of plain data", async () => {
    const store = await empty();
    const value = {
      nothing: null,
      gone: undefined,
      list: [1, -0, Infinity, [], ["\ud800", "会 \u2028 \n 😀"]],
      when: new Date(5),
      bytes: new Uint8Array([1, 2]),
      map: new Map([["a", new Set([1n])]]),
    };
    await store.write([put(["all"], value), put(["text"], "t"), put(["false"], false), put(["null"], null)]);
    expect(await store.get("messages", ["all"])).toStrictEqual(value);
    expect(await keysIn(store, { reverse: true, limit: 2 })).toEqual(["t", null]);
  });

  it("orders by parts: numbers before texts, the shorter list before one that begins with it", async () => {
    const store = await empty();
    const ascending: Key[] = [
      [],
      [-1],
      [0, "b"],
      [2],
      [10],
      [""],
      ["B"],
      ["a"],
      ["a", 9],
      ["a", 9, 1],
      ["a", 10],
      ["a", ""],
      ["a", "x"],
      ["a\0"],
      ["ab"],
      ["\u{1F600}"],
      ["\uFFFF"],
    ];
    await store.write([...ascending].sort(() => Math.random() - 0.5).map((key) => put(key)));
    expect(await keysIn(store)).toEqual(ascending);
    expect(await keysIn(store, { reverse: true })).toEqual([...ascending].reverse());
  });

  it("reads a range in both directions, without its bounds, at most its limit", async () => {
    const store = await empty();
    const inside = Array.from({ length: 9 }, (_, i): Key => ["c", i]);
    await store.write([...inside, ["b", 5], ["c"], ["cc", 1], ["d"]].map((key) => put(key)));
    const numbers = async (range: Range): Promise<unknown[]> =>
      (await keysIn(store, { prefix: ["c"], ...range })).map((key) => (key as Key)[1]);

    expect(await numbers({})).toEqual([undefined, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await numbers({ after: ["c", 2], before: ["c", 6] })).toEqual([3, 4, 5]);
    expect(await numbers({ after: ["c", 2], before: ["c", 6], reverse: true })).toEqual([5, 4, 3]);
    expect(await numbers({ after: ["c", 2], limit: 2 })).toEqual([3, 4]);
    expect(await numbers({ before: ["c", 6], limit: 2, reverse: true })).toEqual([5, 4]);
    expect(await numbers({ after: ["c", 2.5], before: ["c", 3.5] })).toEqual([3]);
    expect(await numbers({ after: ["c", 3], before: ["c", 4] })).toEqual([]);
    expect(await numbers({ after: ["c", 3], before: ["c", 3] })).toEqual([]);
    expect(await numbers({ after: ["c", 6], before: ["c", 2] })).toEqual([]);
    expect(await numbers({ after: ["c", 6], before: ["c", Infinity] })).toEqual([7, 8]);
    expect(await numbers({ limit: 0 })).toEqual([]);
    expect(await numbers({ limit: 0, reverse: true })).toEqual([]);
    expect(await keysIn(store, { prefix: ["nowhere"] })).toEqual([]);
  });

  it("keeps to the prefix when a bound stands outside it", async () => {
    const store = await empty();
    await store.write([["a"], ["b", 1], ["b", 2], ["c"]].map((key) => put(key)));
    const within = (range: Range): Promise<unknown[]> => keysIn(store, { prefix: ["b"], ...range });
    const all = [
      ["b", 1],
      ["b", 2],
    ];
    expect(await within({ after: ["a"], before: ["c"] })).toEqual(all);
    expect(await within({ after: ["a"], before: ["c"], reverse: true })).toEqual([...all].reverse());
    expect(await within({ after: ["c"] })).toEqual([]);
    expect(await within({ before: ["a"] })).toEqual([]);
    expect(await keysIn(store, { after: ["b", 1] })).toEqual([["b", 2], ["c"]]);
    expect(await keysIn(store, { before: ["b", 2], reverse: true, limit: 9 })).toEqual([["b", 1], ["a"]]);
  });

  it("clears what begins with a prefix, and all with an empty one", async () => {
    const store = await empty();
    await store.write([["a", 1], ["b"], ["b", 1], ["b", "x", 2], ["bb"], ["c"]].map((key) => put(key)));
    await store.write([{ table: "meta", put: 1, key: ["b"] }]);
    await store.write([{ table: "messages", clear: ["b"] }]);
    expect(await keysIn(store)).toEqual([["a", 1], ["bb"], ["c"]]);
    await store.write([{ table: "messages", clear: [] }]);
    expect(await keysIn(store)).toEqual([]);
    expect(await store.get("meta", ["b"])).toBe(1);
  });

  it("does the operations of a write in their order", async () => {
    const store = await empty();
    await store.write([put(["a"]), { table: "messages", clear: [] }, put(["b"], 1), put(["b"], 2), put(["c"])]);
    await store.write([{ table: "messages", delete: ["c"] }, put(["c"], 3), { table: "messages", delete: ["b"] }]);
    expect(await keysIn(store)).toEqual([3]);
    await store.write([]);
    expect(await keysIn(store)).toEqual([3]);
  });

  it("changes nothing when one of a write's operations cannot be done", async () => {
    const store = await empty();
    await store.write([put(["kept"], "before")]);
    const impossible: Operation[] = [
      put(["x"], { text: () => "no data" }),
      put([NaN]),
      put([Infinity]),
      put([null as unknown as string]),
      put("text" as unknown as Key),
      { table: "messages", delete: [NaN] },
      { table: "nowhere" as "messages", put: 1, key: ["x"] },
    ];
    for (const operation of impossible) {
      const write = store.write([{ table: "meta", put: 1, key: ["m"] }, { table: "messages", clear: [] }, put(["y"]), operation]);
      await expect(write).rejects.toBeInstanceOf(StoreError);
    }
    expect(await keysIn(store)).toEqual(["before"]);
    expect(await store.list("meta")).toEqual([]);
    await expect(keysIn(store, { after: [NaN] })).rejects.toBeInstanceOf(StoreError);
    await store.write([put(["kept"], "after")]);
    expect(await keysIn(store)).toEqual(["after"]);
  });

  it("keeps values as they were when they were written, whatever is done with what was given or read", async () => {
    const store = await empty();
    const value = { list: [1], inner: { n: 1 } };
    const key = ["k", 1];
    const written = store.write([put(key, value)]);
    value.list.push(2);
    value.inner.n = 2;
    key[1] = 2;
    await written;
    expect(Object.isFrozen(value)).toBe(false);
    const read = (await store.get("messages", ["k", 1])) as typeof value;
    const [listed] = (await keysIn(store)) as (typeof value)[];
    for (const one of [read, listed]) {
      expect(one).toEqual({ list: [1], inner: { n: 1 } });
      // Refused or not: it may not reach the store.
      Reflect.set(one?.inner ?? {}, "n", 3);
      Reflect.set(one?.list ?? [], "0", 3);
    }
    const list = await keysIn(store);
    list.push("more");
    expect(await keysIn(store)).toEqual([{ list: [1], inner: { n: 1 } }]);
  });

  it("keeps the order of writes that wait at the same time, and a read sees the ones before it", async () => {
    const store = await empty();
    const writes = Array.from({ length: 50 }, (_, i) => store.write([put(["last"], i), put(["all", i], i)]));
    const read = store.get("messages", ["last"]);
    const later = store.write([put(["last"], "later")]);
    expect([49, "later"]).toContain(await read);
    await Promise.all([...writes, later]);
    expect(await store.get("messages", ["last"])).toBe("later");
    expect(await keysIn(store, { prefix: ["all"] })).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  it("shows all that use it what the others wrote, and goes on when one of them closes", async () => {
    const make = await place();
    const one = await opened(make);
    const two = await opened(make);
    expect(one.name).toBe(two.name);
    await one.write([put(["a"], 1)]);
    expect(await two.get("messages", ["a"])).toBe(1);
    await two.write([put(["a"], 2)]);
    expect(await one.get("messages", ["a"])).toBe(2);
    await two.close();
    await one.write([put(["a"], 3)]);
    expect(await one.get("messages", ["a"])).toBe(3);
  });

  it("is the same when it was closed and opened again, and opened twice", async () => {
    const make = await place();
    const first = await opened(make);
    await first.open();
    await first.write([put(["a", 1], { text: "kept" }), put(["b"]), { table: "outbox", put: 1, key: ["o"] }]);
    await first.write([{ table: "messages", delete: ["b"] }]);
    await first.close();
    await first.close();

    const second = await opened(make);
    expect(await keysIn(second)).toEqual([{ text: "kept" }]);
    expect(await second.list("outbox")).toEqual([1]);
    await second.close();
    await first.open();
    expect(await keysIn(first)).toEqual([{ text: "kept" }]);
  });
});
