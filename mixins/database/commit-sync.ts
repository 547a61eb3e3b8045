import { closeSync, fdatasync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";

const syncToDisk = promisify(fdatasync);

/** The disk did not take what was written; what it holds now nobody can say, so nothing more is acknowledged. */
export class SyncFailed extends Error {
  constructor(cause: unknown) {
    super(`The write-ahead log could not be synced to disk, restart on a healthy one: ${String(cause)}`, { cause });
    this.name = "SyncFailed";
  }
}

/**
 * Syncs SQLite's write-ahead log to disk on a thread of its own. SQLite's COMMIT with `synchronous = FULL` does the same and
 * blocks the event loop meanwhile: 1.1 ms for each batch of 24 messages, a quarter of the server's time. Commits that come
 * while one sync runs share the next.
 *
 * With `synchronous = NORMAL` SQLite writes a commit to the log without a sync and syncs log and database itself at a
 * checkpoint, so that what was committed is on disk after the next sync of the log or has been moved to the database, synced.
 * The log file stays the same as long as a connection is open.
 */
export class CommitSync {
  readonly #fd: number;
  readonly #sync: (fd: number) => Promise<void>;
  /** Numbers of the commits so far, of those on disk, and of those that the running sync covers. */
  readonly #upTo = { committed: 0, synced: 0, running: 0 };
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #failure: SyncFailed | null = null;

  /** @param file the database file; its log must be there already */
  constructor(file: string, sync: (fd: number) => Promise<void> = syncToDisk) {
    this.#fd = openSync(`${file}-wal`, "r+");
    this.#sync = sync;
    syncFolder(dirname(file));
  }

  /** A commit is in the log. Resolves when it is on disk. @throws SyncFailed */
  committed(): Promise<void> {
    this.#upTo.committed++;
    return this.settled();
  }

  /** Resolves when everything committed so far is on disk. @throws SyncFailed */
  settled(): Promise<void> {
    const { committed, synced, running } = this.#upTo;
    if (this.#failure) return Promise.reject(this.#failure);
    if (synced === committed) return Promise.resolve();
    if (!this.#running) return this.#run();
    if (running === committed) return this.#running;
    return (this.#next ??= this.#running.then(() => {
      this.#next = null;
      return this.#run();
    }));
  }

  /** @throws SyncFailed when an earlier sync failed */
  assertHealthy(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Everything committed must be settled. */
  close(): void {
    closeSync(this.#fd);
  }

  #run(): Promise<void> {
    const covers = this.#upTo.committed;
    const running = this.#sync(this.#fd).then(
      () => {
        this.#upTo.synced = covers;
        if (this.#running === running) this.#running = null;
      },
      (error: unknown) => {
        throw (this.#failure ??= new SyncFailed(error));
      },
    );
    this.#upTo.running = covers;
    return (this.#running = running);
  }
}

/** A new log file is found again after a power loss only when its folder was synced too. */
function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
