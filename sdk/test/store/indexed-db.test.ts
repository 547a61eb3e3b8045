import "fake-indexeddb/auto";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { defaultStore } from "../../src/store/default.ts";
import { indexedDbStore } from "../../src/store/indexed-db.ts";
import { StoreError } from "../../src/store/port.ts";
import type { Operation, Store } from "../../src/store/port.ts";
import { databaseName, opened } from "./kinds.ts";

const put = (n: number, table: Operation["table"] = "messages"): Operation => ({ table, put: n, key: ["c", n] });
const messages = (store: Store): Promise<unknown[]> => store.list("messages");

/** The connections that are made from now on. */
function connections(): IDBDatabase[] {
  const made: IDBDatabase[] = [];
  const open = indexedDB.open.bind(indexedDB);
  vi.spyOn(indexedDB, "open").mockImplementation((...given) => {
    const request = open(...given);
    request.addEventListener("success", () => made.push(request.result));
    return request;
  });
  onTestFinished(() => void vi.restoreAllMocks());
  return made;
}

const done = (request: IDBRequest): Promise<void> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error as DOMException);
  });

describe("a connection", () => {
  it("that the browser closed is made again, for reads and writes", async () => {
    const made = connections();
    const store = await opened(() => indexedDbStore(databaseName()));
    await store.write([put(1)]);
    made.at(-1)?.close();
    expect(await messages(store)).toEqual([1]);
    made.at(-1)?.close();
    await store.write([put(2)]);
    made.at(-1)?.close();
    await Promise.all([store.write([put(3)]), store.write([put(4)])]);
    expect(await messages(store)).toEqual([1, 2, 3, 4]);
    expect(made.length).toBeGreaterThanOrEqual(4);
  });

  it("is made again when the browser says that it has closed it", async () => {
    const made = connections();
    const store = await opened(() => indexedDbStore(databaseName()));
    const lost = made[0] as IDBDatabase;
    const transaction = vi.spyOn(lost, "transaction");
    lost.close();
    lost.onclose?.(new Event("close"));
    await store.write([put(1)]);
    expect(made).toHaveLength(2);
    expect(transaction).not.toHaveBeenCalled();
  });

  it("is tried once more, not for ever", async () => {
    const store = await opened(() => indexedDbStore(databaseName()));
    const transaction = vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementation(() => {
      throw new DOMException("closing", "InvalidStateError");
    });
    onTestFinished(() => transaction.mockRestore());
    await expect(store.write([put(1)])).rejects.toBeInstanceOf(StoreError);
    expect(transaction).toHaveBeenCalledTimes(2);
    transaction.mockRestore();
    await store.write([put(2)]);
    expect(await messages(store)).toEqual([2]);
  });

  it("makes way when another tab deletes the database, and finds it empty then", async () => {
    const name = databaseName();
    const store = await opened(() => indexedDbStore(name));
    await store.write([put(1)]);
    await done(indexedDB.deleteDatabase(name));
    expect(await messages(store)).toEqual([]);
    await store.write([put(2)]);
    expect(await messages(store)).toEqual([2]);
  });

  it("makes way for a newer version in another tab, and says so when it is needed again", async () => {
    const name = databaseName();
    const store = await opened(() => indexedDbStore(name));
    const newer = indexedDB.open(name, 99);
    await done(newer);
    newer.result.close();
    await expect(messages(store)).rejects.toThrow(/newer version/);
    await expect(indexedDbStore(name).open()).rejects.toThrow(StoreError);
  });

  it("is not waited for while another tab keeps an older version open", async () => {
    const name = databaseName();
    vi.spyOn(indexedDB, "open").mockImplementationOnce(() => {
      const request = new EventTarget() as IDBOpenDBRequest;
      queueMicrotask(() => void request.onblocked?.(new Event("blocked") as IDBVersionChangeEvent));
      return request;
    });
    onTestFinished(() => void vi.restoreAllMocks());
    await expect(indexedDbStore(name).open()).rejects.toThrow(/older version/);
  });

  it("is needed: before it is opened and after it is closed, everything is refused", async () => {
    const store = indexedDbStore(databaseName());
    await expect(store.get("meta", ["k"])).rejects.toBeInstanceOf(StoreError);
    await store.open();
    await store.write([put(1)]);
    await store.close();
    await expect(store.write([put(2)])).rejects.toBeInstanceOf(StoreError);
    await expect(messages(store)).rejects.toBeInstanceOf(StoreError);
  });
});

describe("a write", () => {
  it("changes nothing when there is no room, and says so", async () => {
    const store = await opened(() => indexedDbStore(databaseName()));
    const full = vi.spyOn(IDBObjectStore.prototype, "delete").mockImplementation(() => {
      throw new DOMException("full", "QuotaExceededError");
    });
    onTestFinished(() => full.mockRestore());
    const write = store.write([put(1), put(1, "meta"), { table: "messages", delete: ["c", 9] }]);
    await expect(write).rejects.toThrow(new StoreError("there is no room on this device"));
    expect(await messages(store)).toEqual([]);
    expect(await store.list("meta")).toEqual([]);
  });

  it("waits for the disk where the server has no copy, and only there", async () => {
    const store = await opened(() => indexedDbStore(databaseName()));
    const transaction = vi.spyOn(IDBDatabase.prototype, "transaction");
    onTestFinished(() => transaction.mockRestore());
    await store.write([put(1), put(1, "outbox")]);
    await store.write([put(1, "meta")]);
    await store.write([put(1, "meta"), put(1)]);
    await store.write([put(2), put(2, "conversations"), put(2, "friends"), put(2, "groups")]);
    expect(transaction.mock.calls.map(([tables, mode, options]) => [tables, mode, options?.durability])).toEqual([
      [["messages", "outbox"], "readwrite", "strict"],
      [["meta"], "readwrite", "strict"],
      [["meta", "messages"], "readwrite", "relaxed"],
      [["messages", "conversations", "friends", "groups"], "readwrite", "relaxed"],
    ]);
  });
});

describe("the default store", () => {
  it("is the browser's database where it opens", async () => {
    const name = databaseName();
    const store = await opened(() => defaultStore(name));
    await store.write([put(1)]);
    expect(store.name).toBe(name);
    expect(await messages(await opened(() => indexedDbStore(name)))).toEqual([1]);
  });

  it("is memory that is nobody else's where the database does not open", async () => {
    const name = databaseName();
    vi.spyOn(indexedDB, "open").mockImplementation(() => {
      throw new DOMException("private", "SecurityError");
    });
    onTestFinished(() => void vi.restoreAllMocks());
    const [one, two] = [await opened(() => defaultStore(name)), await opened(() => defaultStore(name))];
    await one.write([put(1)]);
    expect(await messages(one)).toEqual([1]);
    expect(await messages(two)).toEqual([]);
    expect(new Set([one.name, two.name, name]).size).toBe(3);
    await one.close();
    await one.open();
    expect(await messages(one)).toEqual([1]);
  });

  it("is memory where there is no such database", async () => {
    vi.stubGlobal("indexedDB", undefined);
    onTestFinished(() => void vi.unstubAllGlobals());
    await expect(indexedDbStore(databaseName()).open()).rejects.toBeInstanceOf(StoreError);
    const store = await opened(() => defaultStore(databaseName()));
    await store.write([put(1)]);
    expect(await messages(store)).toEqual([1]);
  });
});
