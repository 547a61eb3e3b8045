import type { Message } from "kafkajs";
import { topicOf, type Topics } from "../../../config/topics.ts";
import type { MessageRecord } from "../../../contracts/records.ts";
import type { AppendOutcome } from "../port.ts";
import { appended, failed, OnItsWay, Ticket } from "../tickets.ts";
import { reasonOf } from "./errors.ts";
import { Lane } from "./lane.ts";
import type { Outage } from "./outage.ts";

/** Against 1 ms it saves Kafka a fifth of its processor time, and no message gets later (docs/performance.md). */
const LINGER_MS = 5;

export interface AppenderOptions {
  readonly topics: Topics;
  /** Writes to a topic. */
  readonly send: (topic: string, messages: Message[]) => Promise<void>;
  readonly outage: Outage;
  readonly appendTimeoutMs: number;
  readonly maxBacklog: number;
  readonly backoffMs: (failures: number) => number;
}

/**
 * Appends: answered when the topic has the record, or at the deadline that it is not known. A record whose append was answered
 * so stays on its way, in its place; nothing behind it overtakes.
 */
export class Appender {
  readonly #options: AppenderOptions;
  /** Records on their way, by message id. */
  readonly #queued = new Map<string, OnItsWay>();
  readonly #lanes: ReadonlyMap<string, Lane>;
  readonly #unanswered = new Set<Ticket>();
  #isClosed = false;
  onLate: (records: readonly MessageRecord[]) => void = () => undefined;

  constructor(options: AppenderOptions) {
    this.#options = options;
    const { topics } = options;
    this.#lanes = new Map([topics.private, topics.group].map((topic) => [topic, this.#laneInto(topic)]));
  }

  isAccepting(): boolean {
    return !this.#isClosed && this.#queued.size < this.#options.maxBacklog && !this.isFailing();
  }

  /** Nothing has got into one of the topics for longer than an append may take, and the tries fail. */
  isFailing(): boolean {
    const before = performance.now() - this.#options.appendTimeoutMs;
    return [...this.#lanes.values()].some(({ failingSince }) => failingSince !== null && failingSince <= before);
  }

  append(records: readonly MessageRecord[]): Promise<AppendOutcome[]> {
    if (records.length === 0) return Promise.resolve([]);
    if (!this.isAccepting())
      return Promise.resolve(records.map(() => failed(this.#isClosed ? "the log is closed" : "the log is behind")));
    const ticket = new Ticket(records.length, this.#options.appendTimeoutMs, "not in the log within the deadline");
    records.forEach((record, index) => this.#enqueue(record, ticket, index));
    this.#unanswered.add(ticket);
    void ticket.answer.then(() => this.#unanswered.delete(ticket));
    return ticket.answer;
  }

  /** Takes nothing any more; resolves when every append has its answer, which is within the deadline. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#unanswered].map(({ answer }) => answer));
  }

  /** Tries nothing again of what is still on its way. */
  abandon(): void {
    for (const lane of this.#lanes.values()) lane.abandon();
  }

  #enqueue(record: MessageRecord, ticket: Ticket, index: number): void {
    const same = this.#queued.get(record.messageId);
    if (same) return same.awaitedBy(ticket, index);
    const onItsWay = new OnItsWay(record);
    onItsWay.awaitedBy(ticket, index);
    this.#queued.set(record.messageId, onItsWay);
    this.#lanes.get(topicOf(this.#options.topics, record.conversationId))!.add(onItsWay);
  }

  #laneInto(topic: string): Lane {
    const { send, outage, backoffMs } = this.#options;
    return new Lane({
      lingerMs: LINGER_MS,
      write: (messages) => send(topic, messages),
      onWritten: (written) => this.#settle(written),
      onRefused: (refused, error) => {
        this.#queued.delete(refused.record.messageId);
        refused.decide(failed(reasonOf(error), false));
      },
      onFailed: (error) => outage.failed(error),
      backoffMs,
    });
  }

  #settle(written: readonly OnItsWay[]): void {
    this.#options.outage.over();
    const late: MessageRecord[] = [];
    for (const onItsWay of written) {
      this.#queued.delete(onItsWay.record.messageId);
      if (onItsWay.decide(appended)) late.push(onItsWay.record);
    }
    if (late.length > 0) this.onLate(late);
  }
}
