import { mkdir, open, rename, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import path from "node:path";
import { HEADER, encodeLine, readLines } from "./file-lines.ts";
import { takeLock } from "./file-lock.ts";
import { StoreError } from "./port.ts";
import type { Operation } from "./port.ts";
import { TableSet } from "./table-set.ts";

/** The file is written anew when it holds this many operations more than twice what it has entries. */
const SPARE_OPERATIONS = 10_000;
/** Entries in one line of a file that is written anew. */
const ENTRIES_PER_LINE = 1000;

interface Waiting {
  readonly operations: readonly Operation[];
  readonly resolve: () => void;
  readonly reject: (error: StoreError) => void;
}

/**
 * A log of operations in a file that this process alone has, and what they amount to in memory. Writes that wait at the same time
 * become one line, and reach the disk together.
 */
export class FileLog {
  readonly tables = new TableSet();
  readonly #path: string;
  readonly #unlock: () => void;
  #file: FileHandle;
  /** Where the next line begins, in bytes. */
  #end = 0;
  /** Operations in the file. */
  #operations = 0;
  #compactAt = 0;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | null = null;
  /** Settles with the last write that was asked for. */
  #last: Promise<unknown> = Promise.resolve();
  #broken: StoreError | null = null;

  private constructor(file: string, handle: FileHandle, unlock: () => void) {
    this.#path = file;
    this.#file = handle;
    this.#unlock = unlock;
  }

  /** @throws StoreError when another process has it, or it cannot be read */
  static async open(file: string): Promise<FileLog> {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    const unlock = takeLock(`${file}.lock`);
    let handle: FileHandle | undefined;
    try {
      handle = await openOrCreate(file);
      const log = new FileLog(file, handle, unlock);
      await log.#load();
      return log;
    } catch (error) {
      await handle?.close();
      unlock();
      throw error;
    }
  }

  /**
   * @param operations become the log's own
   * @throws StoreError, and then nothing has changed
   */
  write(operations: readonly Operation[]): Promise<void> {
    const written = new Promise<void>((resolve, reject) => this.#waiting.push({ operations, resolve, reject }));
    this.#last = written.catch(() => undefined);
    this.#writing ??= this.#writeWaiting().finally(() => (this.#writing = null));
    return written;
  }

  /** Resolves when what was asked for before is written, or refused. */
  async settled(): Promise<void> {
    await this.#last;
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
    this.#unlock();
  }

  async #load(): Promise<void> {
    this.#end = await readLines(this.#file, (operations) => {
      this.tables.apply(operations);
      this.#operations += operations.length;
    });
    await this.#file.truncate(this.#end);
    this.#planCompaction();
    if (this.#operations >= this.#compactAt) await this.#compact();
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      const operations = batch.flatMap((waiting) => waiting.operations);
      try {
        await this.#append(operations);
        this.tables.apply(operations);
        for (const { resolve } of batch) resolve();
      } catch (cause) {
        const error = new StoreError("the file cannot be written", { cause });
        for (const { reject } of batch) reject(error);
      }
      if (this.#operations >= this.#compactAt && !this.#broken) await this.#compact();
    }
  }

  async #append(operations: readonly Operation[]): Promise<void> {
    if (this.#broken) throw this.#broken;
    if (operations.length === 0) return;
    const bytes = Buffer.from(encodeLine(operations));
    try {
      await writeAll(this.#file, bytes, this.#end);
      await this.#file.datasync();
    } catch (error) {
      await this.#takeBack(error);
      throw error;
    }
    this.#end += bytes.length;
    this.#operations += operations.length;
  }

  /** After a failure nobody knows how much of a line is in the file. */
  async #takeBack(cause: unknown): Promise<void> {
    try {
      await this.#file.truncate(this.#end);
      await this.#file.datasync();
    } catch {
      this.#broken = new StoreError("the file could not be written; open it again", { cause });
    }
  }

  /** Writes the file anew, with what is in the tables. When that fails, the old one is good, and stays. */
  async #compact(): Promise<void> {
    const draft = `${this.#path}.new`;
    let written: Awaited<ReturnType<typeof writeEntries>> | undefined;
    try {
      written = await writeEntries(draft, this.tables);
      await rename(draft, this.#path);
    } catch {
      await written?.file.close();
      await rm(draft, { force: true });
      this.#planCompaction(this.#operations);
      return;
    }
    await this.#file.close();
    this.#file = written.file;
    this.#end = written.bytes;
    this.#operations = this.tables.size;
    this.#planCompaction();
    await syncFolder(this.#path).catch((cause: unknown) => {
      // The name might still lead to the old file after a power cut, without what is written from now on.
      this.#broken = new StoreError("the file could not be replaced; open it again", { cause });
    });
  }

  #planCompaction(since = 0): void {
    this.#compactAt = Math.max(2 * this.tables.size, since) + SPARE_OPERATIONS;
  }
}

/** One that is made has its first line from the beginning. */
async function openOrCreate(file: string): Promise<FileHandle> {
  const found = await openExisting(file);
  if (found && (await found.stat()).size > 0) return found;
  await found?.close();
  const { file: handle } = await writeEntries(`${file}.new`, new TableSet());
  await rename(`${file}.new`, file);
  await syncFolder(file);
  return handle;
}

async function openExisting(file: string): Promise<FileHandle | null> {
  try {
    return await open(file, "r+");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** A file with these entries, on disk. */
async function writeEntries(file: string, tables: TableSet): Promise<{ readonly file: FileHandle; readonly bytes: number }> {
  const handle = await open(file, "w+", 0o600);
  try {
    let bytes = await writeAll(handle, Buffer.from(HEADER), 0);
    for (const line of linesOf(tables)) bytes += await writeAll(handle, Buffer.from(line), bytes);
    await handle.sync();
    return { file: handle, bytes };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function* linesOf(tables: TableSet): Generator<string> {
  let operations: Operation[] = [];
  for (const { table, key, value } of tables.all()) {
    operations.push({ table, put: value, key });
    if (operations.length < ENTRIES_PER_LINE) continue;
    yield encodeLine(operations);
    operations = [];
  }
  if (operations.length > 0) yield encodeLine(operations);
}

/** @returns how many bytes */
async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<number> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
  return bytes.length;
}

/** A name is kept when its folder is. Windows has no such thing, and needs none. */
async function syncFolder(file: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path.dirname(file), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
