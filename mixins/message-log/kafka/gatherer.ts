import type { EachBatchPayload } from "kafkajs";
import type { BatchResult, LogBatch } from "../port.ts";
import { causeOf, inTime } from "./errors.ts";
import { lastOfEach, portionOf, positionBehind, recordsOf, unreadableOf } from "./portions.ts";
import type { Item, Portion, Position, Unreadable } from "./portions.ts";

/** Answers of the broker that say that this member has lost its partitions. */
const LOST = new Set(["REBALANCE_IN_PROGRESS", "ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "FENCED_INSTANCE_ID"]);

export interface GathererOptions {
  /** The broker hears so often of a member that works on a batch. */
  readonly heartbeatEveryMs: number;
  /** A broker that takes longer to note a batch's offsets gives the batch again. */
  readonly commitTimeoutMs: number;
  readonly maxBatch: number;
  readonly onBatch: (batch: LogBatch) => Promise<BatchResult | void>;
  /** Keeps what nobody can write or read. */
  bury(result: BatchResult | void, unreadable: readonly Unreadable[]): Promise<void>;
  commit(positions: Position[]): Promise<void>;
  /** A batch failed and is tried again; `null`: it was handled. */
  onTried(error: unknown): void;
  readonly backoffMs: (failures: number) => number;
}

interface Waiting {
  readonly portion: Portion;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes full batches of what the partitions of one member gave at the same time. One batch at a time: it is handled, what was
 * rejected is buried, its offsets are committed, and only then comes what is behind it. A batch that fails stays where it is,
 * and all partitions wait for it, until it is handled or the member loses them.
 */
export class Gatherer {
  readonly #options: GathererOptions;
  #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;
  /** Why nothing more is handled: the group stops (null), or the partitions are lost. */
  #over: { readonly error: unknown } | null = null;
  #wake: (() => void) | null = null;
  #isStopping = false;

  constructor(options: GathererOptions) {
    this.#options = options;
  }

  /** Resolves when all of it is handled, or some of it is not since the group stops. @throws when the partitions are lost */
  add(payload: EachBatchPayload): Promise<void> {
    if (this.#isStopping) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ portion: portionOf(payload), resolve, reject });
    this.#running ??= this.#run();
    return promise;
  }

  /** Hands on no other batch; resolves when the one that runs has ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#end(null);
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      await nextTurn(); // the partitions of one answer come one after the other
      await this.#handle(this.#waiting.splice(0));
    }
    this.#running = null;
    if (!this.#isStopping) this.#over = null;
  }

  async #handle(waiting: readonly Waiting[]): Promise<void> {
    const { maxBatch, heartbeatEveryMs } = this.#options;
    const items = waiting.flatMap(({ portion }) => portion.items);
    const heart = setInterval(() => void this.#beat(waiting), heartbeatEveryMs);
    try {
      for (let from = 0; from < items.length && !this.#isOver(waiting); from += maxBatch)
        await this.#handleUntilDone(items.slice(from, from + maxBatch), waiting);
    } catch (error) {
      this.#end(error);
    } finally {
      clearInterval(heart);
    }
    const error = this.#over?.error ?? null;
    for (const { resolve, reject } of waiting) {
      if (error === null) resolve();
      else reject(error);
    }
  }

  async #handleUntilDone(items: readonly Item[], waiting: readonly Waiting[]): Promise<void> {
    for (let failures = 0; !(await this.#isHandled(items, waiting));) {
      await this.#pause(this.#options.backoffMs(++failures));
      if (this.#isOver(waiting)) return;
    }
    await this.#commit(items);
  }

  async #isHandled(items: readonly Item[], waiting: readonly Waiting[]): Promise<boolean> {
    try {
      const records = recordsOf(items);
      const batch: LogBatch = {
        records,
        heartbeat: () => this.#beat(waiting),
        isStale: () => this.#isOver(waiting),
      };
      const result = records.length > 0 ? await this.#options.onBatch(batch) : undefined;
      await this.#options.bury(result, unreadableOf(items));
      this.#options.onTried(null);
      return true;
    } catch (error) {
      this.#options.onTried(error);
      return false;
    }
  }

  /** What was handled is committed even by a member that is to leave. @throws what kafkajs needs to know of it */
  async #commit(items: readonly Item[]): Promise<void> {
    const last = lastOfEach(items);
    try {
      await inTime(this.#options.commitTimeoutMs, "commit", this.#options.commit(last.map(positionBehind)));
    } catch (error) {
      throw causeOf(error);
    }
    for (const { portion, offset } of last) portion.payload.resolveOffset(offset);
  }

  async #beat(waiting: readonly Waiting[]): Promise<void> {
    try {
      await waiting[0]?.portion.payload.heartbeat();
    } catch (error) {
      if (LOST.has((error as { type?: string }).type ?? "")) this.#end(error);
    }
  }

  #isOver(waiting: readonly Waiting[]): boolean {
    return this.#over !== null || waiting.some(({ portion }) => !portion.payload.isRunning());
  }

  #end(error: unknown): void {
    this.#over ??= { error };
    this.#wake?.();
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#wake = resolve;
    if (this.#over) resolve();
    await promise;
    this.#wake = null;
    clearTimeout(timer);
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
