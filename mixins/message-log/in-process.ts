import { APPEND_TIMEOUT_MS, MAX_LOG_BACKLOG } from "../../config/limits.ts";
import type { MessageRecord } from "../../contracts/records.ts";
import type { DeadLetterStore } from "./dead-letters.ts";
import {
  PERSISTER_GROUP,
  type AppendOutcome,
  type ConsumeOptions,
  type DeadLetter,
  type DeadLetterPlace,
  type MessageLog,
} from "./port.ts";
import { Progress } from "./progress.ts";
import { appended, failed, OnItsWay, Ticket } from "./tickets.ts";

export interface InProcessLogOptions {
  readonly deadLetters: DeadLetterStore;
  readonly logger: { warn(...args: unknown[]): void; error(...args: unknown[]): void };
  readonly appendTimeoutMs?: number;
  readonly maxBacklog?: number;
  /** Wait before a failed batch is tried again, by the number of failures so far. */
  readonly backoffMs?: (failures: number) => number;
}

interface Group {
  readonly options: ConsumeOptions;
  queue: OnItsWay[];
  running: Promise<void> | null;
  stopped: boolean;
  failures: number;
  failingSince: number | null;
}

/**
 * The message log of the embedded profile. An append resolves once the persister group has handled the record, so that what
 * was acknowledged is committed; the other groups get it afterwards. Nothing is kept across a restart, and nothing
 * acknowledged is lost by that.
 */
export class InProcessLog implements MessageLog {
  readonly acknowledges = "persisted";
  readonly #options: Required<InProcessLogOptions>;
  readonly #groups = new Map<string, Group>();
  /** Of each group, also before it consumes. */
  readonly #progress = new Map<string, Progress>();
  /** Records on their way to the persister, by message id. */
  readonly #queued = new Map<string, OnItsWay>();
  /** Waits for a persister to consume. */
  readonly #unclaimed: OnItsWay[] = [];
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
    const ticket = new Ticket(records.length, this.#options.appendTimeoutMs, "not stored within the deadline");
    records.forEach((record, index) => this.#enqueue(record, ticket, index));
    return ticket.answer;
  }

  onLate(listener: (records: readonly MessageRecord[]) => void): void {
    this.#onLate = listener;
  }

  #enqueue(record: MessageRecord, ticket: Ticket, index: number): void {
    const same = this.#queued.get(record.messageId);
    if (same) {
      same.awaitedBy(ticket, index);
      return;
    }
    const queued = new OnItsWay(record);
    queued.awaitedBy(ticket, index);
    this.#queued.set(record.messageId, queued);
    this.#progressOf(PERSISTER_GROUP).give(1);
    const group = this.#groups.get(PERSISTER_GROUP);
    if (!group) this.#unclaimed.push(queued);
    else this.#feed(group, [queued]);
  }

  #progressOf(group: string): Progress {
    let progress = this.#progress.get(group);
    if (!progress) this.#progress.set(group, (progress = new Progress()));
    return progress;
  }

  #feed(group: Group, queued: readonly OnItsWay[]): void {
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

  async #handle(group: Group, batch: readonly OnItsWay[]): Promise<boolean> {
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
      this.#progressOf(group.options.group).handle(batch.length);
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

  #settle(batch: readonly OnItsWay[], rejected: ReadonlyMap<string, string>): void {
    const stored: OnItsWay[] = [];
    const late: MessageRecord[] = [];
    for (const queued of batch) {
      const reason = rejected.get(queued.record.messageId);
      this.#queued.delete(queued.record.messageId);
      const isLate = queued.decide(reason === undefined ? appended : failed(reason, false));
      if (reason !== undefined) continue;
      stored.push(queued);
      if (isLate) late.push(queued.record);
    }
    for (const group of this.#groups.values()) {
      if (group.options.group === PERSISTER_GROUP || stored.length === 0) continue;
      this.#progressOf(group.options.group).give(stored.length);
      this.#feed(group, stored);
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
    return Promise.resolve(this.#progressOf(group).lag);
  }

  settled(group: string, timeoutMs: number): Promise<boolean> {
    return this.#progressOf(group).settled(timeoutMs);
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
