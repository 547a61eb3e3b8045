import { APPEND_TIMEOUT_MS, MAX_LOG_BACKLOG } from "../../config/limits.ts";
import type { MessageRecord } from "../../contracts/records.ts";
import {
  PERSISTER_GROUP,
  type AppendOutcome,
  type ConsumeOptions,
  type DeadLetter,
  type DeadLetterPlace,
  type MessageLog,
} from "./port.ts";

/** Where dead letters stay across restarts. */
export interface DeadLetterStore {
  add(letters: readonly DeadLetter[]): Promise<void>;
  /** As `MessageLog.deadLetters`. */
  list(limit: number, after?: DeadLetterPlace): Promise<DeadLetter[]>;
  remove(messageIds: readonly string[]): Promise<void>;
  /** As `MessageLog.forgetDeadLetters`. */
  forget(userId: string): Promise<void>;
}

export interface InProcessLogOptions {
  readonly deadLetters: DeadLetterStore;
  readonly logger: { warn(...args: unknown[]): void; error(...args: unknown[]): void };
  readonly appendTimeoutMs?: number;
  readonly maxBacklog?: number;
  /** Wait before a failed batch is tried again, by the number of failures so far. */
  readonly backoffMs?: (failures: number) => number;
}

/** Appends of one call: answered together, when all of its records are decided or the deadline is over. */
interface Ticket {
  readonly outcomes: AppendOutcome[];
  open: number;
  readonly done: (outcomes: AppendOutcome[]) => void;
}
interface Queued {
  readonly record: MessageRecord;
  /** Who waits for this record, and at which place of their answer. */
  readonly waiters: { ticket: Ticket; index: number }[];
}
interface Group {
  readonly options: ConsumeOptions;
  queue: Queued[];
  running: Promise<void> | null;
  stopped: boolean;
  failures: number;
  failingSince: number | null;
}

const appended: AppendOutcome = { ok: true };
const failed = (reason: string, retryable = true): AppendOutcome => ({ ok: false, retryable, reason });

/**
 * The message log of the embedded profile. An append resolves once the persister group has handled the record, so that what
 * was acknowledged is committed; the other groups get it afterwards. Nothing is kept across a restart, and nothing
 * acknowledged is lost by that.
 */
export class InProcessLog implements MessageLog {
  readonly #options: Required<InProcessLogOptions>;
  readonly #groups = new Map<string, Group>();
  /** Records on their way to the persister, by message id. */
  readonly #queued = new Map<string, Queued>();
  /** Waits for a persister to consume. */
  readonly #unclaimed: Queued[] = [];
  #onLate: (records: readonly MessageRecord[]) => void = () => undefined;
  #closed = false;

  constructor(options: InProcessLogOptions) {
    this.#options = {
      appendTimeoutMs: APPEND_TIMEOUT_MS,
      maxBacklog: MAX_LOG_BACKLOG,
      backoffMs: (failures) => Math.min(50 * 2 ** failures, 2_000) * (0.5 + Math.random() / 2),
      ...options,
    };
  }

  isAccepting(): boolean {
    if (this.#closed || this.#queued.size >= this.#options.maxBacklog) return false;
    const since = this.#groups.get(PERSISTER_GROUP)?.failingSince ?? null;
    return since === null || performance.now() - since < this.#options.appendTimeoutMs;
  }

  append(records: readonly MessageRecord[]): Promise<AppendOutcome[]> {
    if (records.length === 0) return Promise.resolve([]);
    if (!this.isAccepting())
      return Promise.resolve(records.map(() => failed(this.#closed ? "the log is closed" : "the log is behind")));
    return new Promise((resolve) => {
      const ticket: Ticket = { outcomes: [], open: records.length, done: resolve };
      this.#startDeadline(ticket, records.length);
      records.forEach((record, index) => this.#enqueue(record, ticket, index));
    });
  }

  onLate(listener: (records: readonly MessageRecord[]) => void): void {
    this.#onLate = listener;
  }

  #startDeadline(ticket: Ticket, size: number): void {
    const timer = setTimeout(() => {
      for (let index = 0; index < size; index++) this.#decide(ticket, index, failed("not stored within the deadline"));
    }, this.#options.appendTimeoutMs);
    const { done } = ticket;
    (ticket as { done: Ticket["done"] }).done = (outcomes) => {
      clearTimeout(timer);
      done(outcomes);
    };
  }

  #enqueue(record: MessageRecord, ticket: Ticket, index: number): void {
    const same = this.#queued.get(record.messageId);
    if (same) {
      same.waiters.push({ ticket, index });
      return;
    }
    const queued: Queued = { record, waiters: [{ ticket, index }] };
    this.#queued.set(record.messageId, queued);
    const group = this.#groups.get(PERSISTER_GROUP);
    if (!group) this.#unclaimed.push(queued);
    else this.#feed(group, [queued]);
  }

  #decide(ticket: Ticket, index: number, outcome: AppendOutcome): void {
    if (ticket.outcomes[index]) return;
    ticket.outcomes[index] = outcome;
    if (--ticket.open === 0) ticket.done(ticket.outcomes);
  }

  #feed(group: Group, queued: readonly Queued[]): void {
    for (const one of queued) group.queue.push(one);
    group.running ??= this.#drain(group);
  }

  /** One batch after the other; a batch that fails is tried again before anything behind it. */
  async #drain(group: Group): Promise<void> {
    await nextTurn();
    while (group.queue.length > 0 && !group.stopped) {
      const batch = group.queue.slice(0, group.options.maxBatch);
      if (await this.#handle(group, batch)) {
        group.queue = group.queue.slice(batch.length);
        await nextTurn();
      } else await this.#backOff(group);
    }
    group.running = null;
  }

  async #handle(group: Group, batch: readonly Queued[]): Promise<boolean> {
    try {
      const result = await group.options.onBatch({
        records: batch.map(({ record }) => record),
        heartbeat: () => Promise.resolve(),
        isStale: () => group.stopped,
      });
      const rejections = result?.rejected ?? [];
      const letters = rejections.filter(({ forget }) => !forget);
      await this.bury(letters.map(({ record, reason }) => ({ record, reason, at: Date.now() })));
      const rejected = new Map(rejections.map(({ record, reason }) => [record.messageId, reason]));
      group.failures = 0;
      group.failingSince = null;
      if (group.options.group === PERSISTER_GROUP) this.#settle(batch, rejected);
      return true;
    } catch (error) {
      group.failures++;
      group.failingSince ??= performance.now();
      this.#options.logger.warn(
        `A batch of ${batch.length} failed in group ${group.options.group} and will be tried again`,
        error,
      );
      return false;
    }
  }

  #settle(batch: readonly Queued[], rejected: ReadonlyMap<string, string>): void {
    const stored: Queued[] = [];
    const late: MessageRecord[] = [];
    for (const queued of batch) {
      const reason = rejected.get(queued.record.messageId);
      this.#queued.delete(queued.record.messageId);
      if (reason === undefined) {
        stored.push(queued);
        if (queued.waiters.every(({ ticket, index }) => ticket.outcomes[index])) late.push(queued.record);
      }
      for (const { ticket, index } of queued.waiters)
        this.#decide(ticket, index, reason === undefined ? appended : failed(reason, false));
    }
    for (const group of this.#groups.values()) {
      if (group.options.group !== PERSISTER_GROUP && stored.length > 0) this.#feed(group, stored);
    }
    if (late.length > 0) this.#onLate(late);
  }

  #backOff(group: Group): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.#options.backoffMs(group.failures)));
  }

  consume(options: ConsumeOptions): Promise<{ stop(): Promise<void> }> {
    const before = this.#groups.get(options.group);
    if (before && !before.stopped) return Promise.reject(new Error(`Group "${options.group}" is consumed already`));
    const group: Group = { options, queue: [], running: null, stopped: false, failures: 0, failingSince: null };
    this.#groups.set(options.group, group);
    if (before) this.#feed(group, before.queue);
    if (options.group === PERSISTER_GROUP) this.#feed(group, this.#unclaimed.splice(0));
    return Promise.resolve({
      stop: async () => {
        group.stopped = true;
        await group.running;
      },
    });
  }

  deadLetters(limit: number, after?: DeadLetterPlace): Promise<DeadLetter[]> {
    return this.#options.deadLetters.list(limit, after);
  }

  async bury(letters: readonly DeadLetter[]): Promise<void> {
    if (letters.length === 0) return;
    await this.#options.deadLetters.add(letters);
    for (const { record, reason } of letters)
      this.#options.logger.error(`Message ${record.messageId} is a dead letter: ${reason}`);
  }

  removeDeadLetters(messageIds: readonly string[]): Promise<void> {
    return this.#options.deadLetters.remove(messageIds);
  }

  forgetDeadLetters(userId: string): Promise<void> {
    return this.#options.deadLetters.forget(userId);
  }

  lag(group: string): Promise<number> {
    if (group === PERSISTER_GROUP) return Promise.resolve(this.#queued.size);
    return Promise.resolve(this.#groups.get(group)?.queue.length ?? 0);
  }

  ping(): Promise<void> {
    return this.#closed ? Promise.reject(new Error("the log is closed")) : Promise.resolve();
  }

  async close(): Promise<void> {
    this.#closed = true;
    const groups = [...this.#groups.values()];
    for (const group of groups) {
      while (group.running && !group.stopped && group.failures === 0) await group.running;
      group.stopped = true;
      await group.running;
    }
  }
}

/** After the input of this turn of the event loop, so that what arrives together is written together. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
