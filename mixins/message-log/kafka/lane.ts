import { setTimeout as delay } from "node:timers/promises";
import { Fifo } from "../../../lib/fifo.ts";
import type { OnItsWay } from "../tickets.ts";
import { encode, type EncodedRecord } from "./codec.ts";
import { isTooLarge } from "./errors.ts";

const MAX_WRITE_RECORDS = 500;
/** Stays below what a topic takes in one batch, headers included. */
const MAX_WRITE_BYTES = 786_432;

export interface LaneOptions {
  /** Each write waits so long for what it can take along, unless it is full before. */
  readonly lingerMs: number;
  /** Resolves when the log has all of the records. */
  write(messages: EncodedRecord[]): Promise<void>;
  onWritten(written: readonly OnItsWay[]): void;
  /** The log will never take this record. */
  onRefused(refused: OnItsWay, error: unknown): void;
  /** A write failed, and is tried again. */
  onFailed(error: unknown): void;
  /** Wait before a failed write is tried again, by the number of failures so far. */
  readonly backoffMs: (failures: number) => number;
}

interface Entry {
  readonly onItsWay: OnItsWay;
  readonly encoded: EncodedRecord;
}

/**
 * The way into one topic: one write at a time, and one that failed is tried again before anything behind it, so that records
 * keep their order. What a failed write had written all the same is then in the log twice.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #queue = new Fifo<OnItsWay>();
  /** The head of the queue, once it was looked at. */
  #encoded: Entry | null = null;
  readonly #closing = new AbortController();
  #length = 0;
  #isRunning = false;
  #isFull: (() => void) | null = null;
  #headSince = 0;
  #failures = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Since when the head of the queue has been tried, by `performance.now()`; null when no try of it has failed. */
  get failingSince(): number | null {
    return this.#failures > 0 ? this.#headSince : null;
  }

  /** Nothing is being written or waited for. */
  get isIdle(): boolean {
    return !this.#isRunning;
  }

  add(onItsWay: OnItsWay): void {
    this.#queue.push(onItsWay);
    this.#length++;
    if (this.#length >= MAX_WRITE_RECORDS) this.#isFull?.();
    if (!this.#isRunning) void this.#run();
  }

  /** Tries nothing again. */
  abandon(): void {
    this.#closing.abort();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    let hasWaited = false;
    while (this.#length > 0 && !this.#isClosing) {
      if (!hasWaited) await this.#linger();
      this.#headSince = performance.now();
      const batch = this.#take();
      hasWaited = this.#length > 0;
      await this.#writeUntilDone(batch);
      this.#failures = 0;
    }
    this.#isRunning = false;
  }

  get #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  async #linger(): Promise<void> {
    if (this.#length >= MAX_WRITE_RECORDS) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#options.lingerMs);
    this.#isFull = resolve;
    await promise;
    this.#isFull = null;
    clearTimeout(timer);
  }

  #take(): Entry[] {
    const batch: Entry[] = [];
    let bytes = 0;
    for (let next = this.#next(); next && batch.length < MAX_WRITE_RECORDS; next = this.#next()) {
      bytes += next.encoded.value.length;
      if (batch.length > 0 && bytes > MAX_WRITE_BYTES) break;
      batch.push(next);
      this.#encoded = null;
      this.#queue.shift();
      this.#length--;
    }
    return batch;
  }

  /** The head of the queue. What waits behind it is encoded when its turn comes: the backlog is large. */
  #next(): Entry | null {
    const onItsWay = this.#queue.first();
    if (!onItsWay) return null;
    return (this.#encoded ??= { onItsWay, encoded: encode(onItsWay.record) });
  }

  async #writeUntilDone(batch: readonly Entry[]): Promise<void> {
    while (!this.#isClosing) {
      const error = await this.#write(batch);
      if (error === null) return this.#options.onWritten(batch.map(({ onItsWay }) => onItsWay));
      if (isTooLarge(error)) return this.#divide(batch, error);
      this.#options.onFailed(error);
      await this.#pause(this.#options.backoffMs(++this.#failures));
    }
  }

  async #write(batch: readonly Entry[]): Promise<Error | null> {
    try {
      await this.#options.write(batch.map(({ encoded }) => encoded));
      return null;
    } catch (error) {
      return error as Error;
    }
  }

  /** A record that is too large by itself is refused; it holds up none of those beside it. */
  async #divide(batch: readonly Entry[], error: Error): Promise<void> {
    if (batch.length === 1) return this.#options.onRefused(batch[0]!.onItsWay, error);
    const middle = Math.ceil(batch.length / 2);
    await this.#writeUntilDone(batch.slice(0, middle));
    await this.#writeUntilDone(batch.slice(middle));
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#closing.signal }).catch(() => undefined); // it is closing
  }
}
