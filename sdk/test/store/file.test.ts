import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, open, readFile, readdir, stat, truncate, writeFile } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { fileStore } from "../../src/node.ts";
import { StoreError } from "../../src/store/port.ts";
import type { Operation, Store } from "../../src/store/port.ts";
import { opened, temporaryFolder } from "./kinds.ts";

const put = (n: number | string, value: unknown = n): Operation => ({ table: "messages", put: value, key: ["c", n] });
const messages = (store: Store): Promise<unknown[]> => store.list("messages");
const linesIn = async (file: string): Promise<string[]> => (await readFile(file, "utf8")).split("\n").slice(0, -1);

async function place(): Promise<{ readonly file: string; readonly make: () => Store }> {
  const file = path.join(await temporaryFolder(), "client.log");
  return { file, make: () => fileStore(file) };
}

/** What every open file has its methods from. */
async function fileMethods(): Promise<FileHandle> {
  const handle = await open(import.meta.filename, "r");
  const methods = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  onTestFinished(() => void vi.restoreAllMocks());
  return methods;
}

const noRoom = (): Error => Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });

describe("the log", () => {
  it("drops a last line that a crash cut off, at whatever byte", async () => {
    const { file, make } = await place();
    const store = await opened(make);
    await store.write([put(1, "first")]);
    const kept = (await stat(file)).size;
    await store.write([put(2, "会"), { table: "meta", put: 2, key: ["m"] }]);
    await store.close();
    const whole = await readFile(file);
    for (let size = kept; size < whole.length; size += 1) {
      await writeFile(file, whole);
      await truncate(file, size);
      await store.open();
      expect(await messages(store)).toEqual(["first"]);
      expect(await store.list("meta")).toEqual([]);
      expect((await stat(file)).size).toBe(kept);
      await store.write([put(3, "next")]);
      await store.close();
      await store.open();
      expect(await messages(store)).toEqual(["first", "next"]);
      await store.close();
    }
  });

  it("drops a last line of which only the end reached the disk", async () => {
    const { file, make } = await place();
    const store = await opened(make);
    await store.write([put(1)]);
    await store.close();
    await appendFile(file, Buffer.from(`${"\0".repeat(5000)}"key":["c",2]}]\n`));
    await store.open();
    expect(await messages(store)).toEqual([1]);
  });

  it("refuses a file that is damaged before its last line, and one that is no store, and leaves both as they are", async () => {
    const { file, make } = await place();
    const store = await opened(make);
    for (const n of [1, 2, 3]) await store.write([put(n)]);
    await store.close();
    const damaged = (await readFile(file, "utf8")).replace('["c",2]', '["c",2');
    for (const content of [damaged, "root:x:0:0\n", "no line", `${JSON.stringify({ format: "other" })}\n[]\n`]) {
      await writeFile(file, content);
      await expect(store.open()).rejects.toBeInstanceOf(StoreError);
      expect(await readFile(file, "utf8")).toBe(content);
      await expect(store.get("meta", ["m"])).rejects.toBeInstanceOf(StoreError);
    }
    expect(await readdir(path.dirname(file))).toEqual(["client.log"]);
  });

  it("takes an empty file for a new one, and shows nothing to other users", async () => {
    const { file, make } = await place();
    await writeFile(file, "");
    const store = await opened(make);
    await store.write([put(1)]);
    await store.close();
    await store.open();
    expect(await messages(store)).toEqual([1]);
    expect((await stat(file)).mode & 0o077).toBe(0);
  });

  it("writes what waits at the same time in one line, with one sync", async () => {
    const { file, make } = await place();
    const store = await opened(make);
    const sync = vi.spyOn(await fileMethods(), "datasync");
    await Promise.all(Array.from({ length: 100 }, (_, n) => store.write([put(n)])));
    expect(sync.mock.calls.length).toBeLessThanOrEqual(2);
    expect((await linesIn(file)).length).toBe(1 + sync.mock.calls.length);
  });

  it("has a write on disk when it resolves", async () => {
    const { file, make } = await place();
    const store = await opened(make);
    let isSynced = false;
    const sync = vi.spyOn(await fileMethods(), "datasync").mockImplementation(async () => void (isSynced = true));
    await store.write([put(1, "here")]);
    expect(isSynced).toBe(true);
    expect(sync).toHaveBeenCalledOnce();
    expect((await linesIn(file)).at(-1)).toContain("here");
  });

  it("changes nothing when the disk is full, and goes on when it is not any more", async () => {
    const { file, make } = await place();
    const store = await opened(make);
    await store.write([put(1)]);
    const methods = await fileMethods();
    const write = vi.spyOn(methods, "write");
    const half = Buffer.from("[{");
    write.mockImplementationOnce(async function (this: FileHandle, ...given: unknown[]) {
      await this.writev([half], given[3] as number);
      throw noRoom();
    } as never);
    await expect(store.write([put(2)])).rejects.toThrow(StoreError);
    expect(await messages(store)).toEqual([1]);
    vi.spyOn(methods, "datasync").mockRejectedValueOnce(noRoom());
    await expect(store.write([put(3)])).rejects.toThrow(StoreError);
    await store.close();
    await store.open();
    expect(await messages(store)).toEqual([1]);
    await store.write([put(4)]);
    await store.close();
    await store.open();
    expect(await messages(store)).toEqual([1, 4]);
    expect((await linesIn(file)).length).toBe(3);
  });

  it("writes nothing more after a failure that it could not take back, until it is opened again", async () => {
    const { make } = await place();
    const store = await opened(make);
    await store.write([put(1)]);
    const methods = await fileMethods();
    const sync = vi.spyOn(methods, "datasync").mockRejectedValue(noRoom());
    await expect(store.write([put(2)])).rejects.toThrow(StoreError);
    sync.mockRestore();
    await expect(store.write([put(3)])).rejects.toThrow(StoreError);
    expect(await messages(store)).toEqual([1]);
    await store.close();
    await store.open();
    await store.write([put(4)]);
    expect(await messages(store)).toEqual([1, 4]);
  });

  it("closes when what waits is written, and refuses what comes then", async () => {
    const { make } = await place();
    const store = await opened(make);
    const writes = Promise.all([store.write([put(1)]), store.write([put(2)])]);
    const closed = store.close();
    await expect(store.write([put(3)])).rejects.toThrow(StoreError);
    await expect(messages(store)).rejects.toThrow(StoreError);
    await Promise.all([writes, closed]);
    await store.open();
    expect(await messages(store)).toEqual([1, 2]);
  });
});

describe("compaction", () => {
  it("writes a file anew that has grown much larger than what is in it, and loses nothing", async () => {
    const { file, make } = await place();
    const store = await opened(make);
    const rounds = 30;
    const batch = (round: number): Operation[] => Array.from({ length: 1000 }, (_, n) => put(n % 700, { round, n }));
    let largest = 0;
    for (let round = 1; round <= rounds; round += 1) {
      await store.write([...batch(round), { table: "meta", put: round, key: ["round"] }]);
      largest = Math.max(largest, (await stat(file)).size);
    }
    const before = await messages(store);
    await store.close();
    expect((await stat(file)).size).toBeLessThan(largest * 0.9);
    expect((await linesIn(file)).length).toBeLessThan(rounds);
    await store.open();
    expect(await messages(store)).toEqual(before);
    expect(before).toHaveLength(700);
    expect(await store.get("meta", ["round"])).toBe(rounds);
    expect(await readdir(path.dirname(file))).toEqual(["client.log", "client.log.lock"]);
  });

  it("also happens when a file is opened, and appends go to the new one", async () => {
    const { file, make } = await place();
    const store = await opened(make);
    await store.write([put("kept")]);
    await store.close();
    const line = `${JSON.stringify([...Array.from({ length: 10 }, () => put(1, "again")), { table: "messages", delete: ["c", 1] }])}\n`;
    await appendFile(file, line.repeat(1500));
    const size = (await stat(file)).size;
    await store.open();
    expect((await stat(file)).size).toBeLessThan(size / 100);
    await store.write([put("more")]);
    await store.close();
    await store.open();
    expect(await messages(store)).toEqual(["kept", "more"]);
  });

  it("leaves the old file when the new one cannot be written", async () => {
    const { file, make } = await place();
    const store = await opened(make);
    const sync = vi.spyOn(await fileMethods(), "sync").mockRejectedValue(noRoom());
    const rewrite = Array.from({ length: 11_000 }, () => put(1, "again"));
    await store.write(rewrite);
    await store.write([put(2)]);
    expect(sync).toHaveBeenCalled();
    await store.close();
    expect((await linesIn(file)).length).toBe(3);
    sync.mockRestore();
    await store.open();
    expect(await messages(store)).toEqual(["again", 2]);
    expect(await readdir(path.dirname(file))).toEqual(["client.log", "client.log.lock"]);
  });
});

describe("the lock", () => {
  /** Another process that holds a store until it is ended. */
  async function holder(file: string): Promise<{ readonly pid: number; readonly end: () => Promise<void> }> {
    const program = `
      import { fileStore } from ${JSON.stringify(new URL("../../src/node.ts", import.meta.url).href)};
      const store = fileStore(process.argv[1]);
      await store.open();
      await store.write([{ table: "meta", put: "theirs", key: ["who"] }]);
      console.log("open");
      setInterval(() => undefined, 1000);
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program, file], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(child, "exit");
    const end = async (): Promise<void> => {
      child.kill("SIGKILL");
      await exited;
    };
    onTestFinished(end);
    await once(child.stdout, "data");
    return { pid: child.pid ?? 0, end };
  }

  it("refuses a second process while the first one runs, and lets it in when that one was killed", async () => {
    const { file, make } = await place();
    const { pid, end } = await holder(file);
    const store = make();
    await expect(store.open()).rejects.toThrow(
      new StoreError(`the store is in use by process ${pid}; if that is wrong, remove ${file}.lock`),
    );
    await end();
    await store.open();
    expect(await store.get("meta", ["who"])).toBe("theirs");
    await store.close();
    expect(await readdir(path.dirname(file))).toEqual(["client.log"]);
  });

  it.runIf(process.platform === "linux")("takes over from a process whose number another one has now", async () => {
    const { file, make } = await place();
    await writeFile(`${file}.lock`, `${process.pid} another-boot:1\n`);
    const store = await opened(make);
    await store.write([put(1)]);
    expect(await readFile(`${file}.lock`, "utf8")).toMatch(new RegExp(`^${process.pid} `));
  });

  it("takes over from what is no lock of ours", async () => {
    const { file, make } = await place();
    await writeFile(`${file}.lock`, "");
    await opened(make);
  });

  it("is kept until the last store of the process is closed, and does not stop one that opens meanwhile", async () => {
    const { file, make } = await place();
    const [one, two] = [make(), make()];
    await Promise.all([one.open(), two.open()]);
    await one.close();
    expect(await readdir(path.dirname(file))).toContain("client.log.lock");
    const closing = two.close();
    await one.open();
    await closing;
    await one.write([put(1)]);
    expect(await messages(one)).toEqual([1]);
    await one.close();
    expect(await readdir(path.dirname(file))).toEqual(["client.log"]);
  });

  it("says so when the place cannot be used", async () => {
    const { file } = await place();
    await writeFile(file, "");
    await expect(fileStore(path.join(file, "below-a-file")).open()).rejects.toBeInstanceOf(StoreError);
    await expect(fileStore(path.dirname(file)).open()).rejects.toBeInstanceOf(StoreError);
  });
});
