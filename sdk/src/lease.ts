import { ImError } from "./errors.ts";
import { uniqueText } from "./unique-text.ts";

/** A holder that does nothing for longer may be dead. */
const LEASE_MS = 10_000;
const RENEW_EVERY_MS = 3_000;
/** A holder that was asked whether it is there has so long to answer. Its timers may be slow, events are not. */
const ANSWER_MS = 1_000;
/** What one tab stores is seen by the others some time later, within this and a random part of twice as long. */
const SETTLE_MS = 100;
/** No lease is longer: one that seems to be was taken before the clock was set back. */
const LONGEST_MS = 60_000;

/** What a holder has to ask before it does what only one may do. */
export interface Held {
  /** False when another one holds it, which is then the only one that may speak. */
  isHeld(): boolean;
  /**
   * Resolves when it is held, and nobody else can have it for the time given.
   * @throws ImError with code 0 when it is held no more
   */
  confirm(forMs?: number): Promise<void>;
}

/** What tabs of a browser share. `events` is the window: it has the events of the storage and of the page. */
export interface LeasePlace {
  readonly storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  readonly events: EventTarget;
}

interface Entry {
  readonly holder: string;
  readonly until: number;
}

/**
 * A lock of tabs where the browser has none: an entry of the local storage that says who holds it until when. It is taken when it
 * is free, or when it is over and its holder does not answer; who took it waits for a moment and looks whether another one took it
 * too. A holder may be stopped at any time for any time, so it asks before each deed whether it is still the one.
 */
export class Lease implements Held {
  readonly #place: LeasePlace;
  readonly #key: string;
  readonly #question: string;
  readonly #me = uniqueText();
  #taking: Promise<boolean> | null = null;
  #onLost: (error: ImError) => void = () => undefined;

  constructor(name: string, place: LeasePlace) {
    this.#place = place;
    this.#key = `lock ${name}`;
    this.#question = `${this.#key} asked`;
  }

  /**
   * Waits for it and holds it while `work` lasts.
   * @param signal ends the waiting, not the work
   * @throws its reason, what `work` throws, or ImError with code 0 when it was lost: `work` has to be ended then
   */
  async hold(signal: AbortSignal, work: (held: Held) => Promise<void>): Promise<void> {
    const over = new AbortController();
    const until = { signal: over.signal };
    const { events } = this.#place;
    // The page goes, or is put aside for whoever comes back to it.
    events.addEventListener("pagehide", () => this.#release(), until);
    try {
      await this.#standInLine(signal);
      const lost = new Promise<never>((_, reject) => (this.#onLost = reject));
      const check = (): void => void this.confirm().catch(() => undefined);
      const timer = setInterval(check, RENEW_EVERY_MS);
      over.signal.addEventListener("abort", () => clearInterval(timer));
      events.addEventListener("visibilitychange", check, until);
      events.addEventListener("storage", (event) => this.#isOurs(event) && check(), until);
      await Promise.race([work(this), lost]);
    } finally {
      over.abort();
      this.#release();
    }
  }

  isHeld(): boolean {
    return this.#read()?.holder === this.#me;
  }

  async confirm(forMs = LEASE_MS / 2): Promise<void> {
    const entry = this.#read();
    if (entry?.holder !== this.#me) return this.#lose();
    const left = leftOf(entry);
    if (left >= forMs) return;
    // One that is over may be taken by another one just now.
    if (left <= 0 && !(await this.#take())) return this.#lose();
    this.#write(Math.max(forMs, LEASE_MS));
  }

  #lose(): never {
    const error = new ImError(0, "Another tab works for all now");
    this.#onLost(error);
    throw error;
  }

  async #standInLine(signal: AbortSignal): Promise<void> {
    let askedAt: number | null = null;
    for (;;) {
      signal.throwIfAborted();
      const entry = this.#read();
      const left = entry ? leftOf(entry) : 0;
      if (left > 0) {
        askedAt = null;
        await this.#change(left, signal);
      } else if (entry && askedAt === null) {
        askedAt = Date.now();
        this.#ask();
      } else if (entry && askedAt !== null && Date.now() < askedAt + ANSWER_MS) {
        await this.#change(askedAt + ANSWER_MS - Date.now(), signal);
      } else if (await this.#take()) return;
      else askedAt = null;
    }
  }

  /** Resolves when something may have changed, at the latest after the time given. */
  #change(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const over = new AbortController();
      const done = (): void => {
        clearTimeout(timer);
        over.abort();
        resolve();
      };
      const timer = setTimeout(done, ms);
      const { events } = this.#place;
      signal.addEventListener("abort", done, { signal: over.signal });
      events.addEventListener("visibilitychange", done, { signal: over.signal });
      events.addEventListener("storage", (event) => this.#isOurs(event) && done(), { signal: over.signal });
    });
  }

  /** @returns whether nobody else took it at the same time */
  #take(): Promise<boolean> {
    this.#taking ??= this.#takeOnce().finally(() => (this.#taking = null));
    return this.#taking;
  }

  async #takeOnce(): Promise<boolean> {
    this.#write(LEASE_MS);
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS * (1 + 2 * Math.random())));
    return this.isHeld();
  }

  #release(): void {
    if (!this.isHeld()) return;
    this.#place.storage.removeItem(this.#key);
    this.#onLost(new ImError(0, "The page was left"));
  }

  #isOurs(event: Event): boolean {
    const { key } = event as StorageEvent;
    return key === this.#key || key === this.#question || key === null; // null: all was cleared
  }

  /** The others hear of each change. */
  #ask(): void {
    this.#place.storage.setItem(this.#question, this.#me);
    this.#place.storage.removeItem(this.#question);
  }

  #write(ms: number): void {
    const entry: Entry = { holder: this.#me, until: Date.now() + ms };
    this.#place.storage.setItem(this.#key, JSON.stringify(entry));
  }

  #read(): Entry | null {
    try {
      const entry = JSON.parse(this.#place.storage.getItem(this.#key) ?? "null") as Partial<Entry> | null;
      return typeof entry?.holder === "string" && typeof entry.until === "number" ? (entry as Entry) : null;
    } catch {
      return null; // not ours
    }
  }
}

function leftOf({ until }: Entry): number {
  const left = until - Date.now();
  return left > LONGEST_MS ? 0 : left;
}
