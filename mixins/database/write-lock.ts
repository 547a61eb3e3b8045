/** A writer that waited longer than this meets a transaction that never ends, most likely its own. */
const ACQUIRE_TIMEOUT_MS = 10_000;

/** The lock did not come free in time. Nothing was written. */
export class WriteLockTimeout extends Error {
  constructor(timeoutMs: number) {
    super(
      `The database was locked by another transaction for ${timeoutMs} ms; ` +
        "a write or transaction() inside transaction() without its `tx` waits for itself",
    );
    this.name = "WriteLockTimeout";
  }
}

/** First-in first-out lock of the writers of one SQLite file. SQLite's own busy wait would block the event loop on itself. */
export class WriteLock {
  #held = false;
  readonly #waiting = new Set<() => void>();

  tryAcquire(): boolean {
    if (this.#held) return false;
    return (this.#held = true);
  }

  /** @throws WriteLockTimeout */
  acquire(timeoutMs = ACQUIRE_TIMEOUT_MS): Promise<void> {
    if (this.tryAcquire()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const granted = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(granted);
        reject(new WriteLockTimeout(timeoutMs));
      }, timeoutMs);
      this.#waiting.add(granted);
    });
  }

  /** Hands the lock to the one who has waited longest. */
  release(): void {
    for (const granted of this.#waiting) {
      this.#waiting.delete(granted);
      return granted();
    }
    this.#held = false;
  }
}

/** One entry for each file this process ever opened. */
const locks = new Map<string, WriteLock>();

/** @param file absolute path */
export function writeLockOf(file: string): WriteLock {
  let lock = locks.get(file);
  if (!lock) locks.set(file, (lock = new WriteLock()));
  return lock;
}
