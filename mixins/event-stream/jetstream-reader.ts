import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { AckPolicy, DeliverPolicy, nanos } from "nats";
import type { ConsumerInfo, ConsumerMessages, JetStreamClient, JetStreamManager, JsMsg } from "nats";
import type { ServiceBroker } from "moleculer";
import { backoffMs } from "../../lib/backoff.ts";
import type { NatsLink } from "../nats/connection.ts";
import { commonFilter, type JetStreamNames } from "./jetstream-names.ts";
import type { DomainEvent } from "./port.ts";
import { matchesSubject } from "./subjects.ts";

/** Events handed to this process and not done yet, those that wait behind another one of their key included. */
const MAX_UNDONE = 1_000;
const PULL = { max_messages: 256, expires: 10_000, idle_heartbeat: 5_000 };
/** Nothing is delivered twice because time went by: whoever takes over begins where the last one stood. */
const ACK_WAIT_MS = 86_400_000;
const CONFIRM_TIMEOUT_MS = 1_000;
/** What can be neither handled nor kept as a dead letter comes again, in its place. */
const AGAIN = { firstMs: 100, maxMs: 5_000 };

export interface ReaderOptions {
  readonly link: NatsLink;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly names: JetStreamNames;
  readonly consumer: string;
  readonly subjects: readonly string[];
  readonly logger: Pick<ServiceBroker["logger"], "error">;
  /** Resolves when the event is done. */
  take(event: DomainEvent): Promise<unknown>;
}

/**
 * Begins to read for a consumer where its last reader stood: JetStream knows up to where everything is done. What is in its
 * hands is told by a durable consumer made for this reader alone; those of earlier readers are removed, so that a reader that
 * was taken for dead gets nothing any more. Call it as the holder of the consumer's lease.
 */
export async function openReader(options: ReaderOptions): Promise<JetStreamReader> {
  const { client, manager, names, consumer, subjects } = options;
  const earlier = await readersOf(manager, names.stream, consumer);
  const doneUpTo = Math.max(0, ...earlier.map(({ ack_floor }) => ack_floor.stream_seq));
  const durable = `${consumer}-${randomUUID().slice(0, 8)}`;
  await manager.consumers.add(names.stream, {
    durable_name: durable,
    description: consumer,
    filter_subject: names.subjectPrefix + commonFilter(subjects),
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACK_WAIT_MS),
    max_ack_pending: MAX_UNDONE,
    ...(doneUpTo > 0
      ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: doneUpTo + 1 }
      : { deliver_policy: DeliverPolicy.All }),
  });
  for (const { name } of earlier) await manager.consumers.delete(names.stream, name);
  const reader = new JetStreamReader(options);
  reader.begin(await (await client.consumers.get(names.stream, durable)).consume(reader.pull));
  return reader;
}

async function readersOf(manager: JetStreamManager, stream: string, consumer: string): Promise<ConsumerInfo[]> {
  const found: ConsumerInfo[] = [];
  for await (const info of manager.consumers.list(stream)) if (info.config.description === consumer) found.push(info);
  return found;
}

interface Undone {
  readonly message: JsMsg;
  readonly event: DomainEvent;
}

/**
 * Reads in the order of the stream and hands out the events of each key one after the other, different keys side by side. It
 * ends by itself when it may have missed something: the connection broke, or it was replaced.
 */
export class JetStreamReader {
  readonly pull = { ...PULL, abort_on_missing_resource: true, callback: (message: JsMsg): void => this.#arrived(message) };
  readonly #options: ReaderOptions;
  readonly #lanes = new Map<string, Undone[]>();
  readonly #working = new Set<Promise<void>>();
  readonly #confirming = new Set<Promise<unknown>>();
  readonly #end = Promise.withResolvers<void>();
  readonly #ending = new AbortController();
  #messages: ConsumerMessages | null = null;
  #stopListening = (): void => undefined;
  #delivered = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Resolves when nothing more is read. */
  get ended(): Promise<void> {
    return this.#end.promise;
  }

  begin(messages: ConsumerMessages): void {
    this.#messages = messages;
    const { link } = this.#options;
    this.#stopListening = link.onChange(() => this.end());
    void messages.closed().then(() => this.end());
    if (!link.isConnected || this.#ending.signal.aborted) this.end(); // it broke meanwhile
  }

  /** Reads no further; what is not in a handler yet stays undone. */
  end(): void {
    this.#ending.abort();
    this.#stopListening();
    this.#messages?.stop();
    this.#end.resolve();
  }

  /** Ends, and resolves when what was in work is done and JetStream knows of it, or does not answer. */
  async close(): Promise<void> {
    this.end();
    await Promise.all(this.#working);
    await Promise.all(this.#confirming);
  }

  #arrived(message: JsMsg): void {
    if (this.#ending.signal.aborted) return;
    if (message.redelivered || message.info.deliverySequence !== ++this.#delivered) return this.end();
    const event = this.#eventOf(message);
    if (!event) return this.#done(message);
    const lane = this.#lanes.get(event.key);
    if (lane) {
      lane.push({ message, event });
      return;
    }
    const work = this.#workLane(event.key, [{ message, event }]).finally(() => this.#working.delete(work));
    this.#working.add(work);
  }

  /** null: not for this consumer. */
  #eventOf(message: JsMsg): DomainEvent | null {
    const { names, subjects, logger } = this.#options;
    if (!matchesSubject(subjects, message.subject.slice(names.subjectPrefix.length))) return null;
    try {
      return message.json<DomainEvent>();
    } catch (error) {
      logger.error(`Message ${message.seq} of ${names.stream} is no event`, error);
      return null;
    }
  }

  /** Never rejects. */
  async #workLane(key: string, lane: Undone[]): Promise<void> {
    this.#lanes.set(key, lane);
    for (let tries = 1; lane.length > 0 && !this.#ending.signal.aborted; tries++) {
      const { message, event } = lane[0]!;
      try {
        await this.#options.take(event);
        this.#done(message);
        lane.shift();
        tries = 0;
      } catch {
        await delay(backoffMs(tries, AGAIN), undefined, { signal: this.#ending.signal }).catch(() => undefined);
      }
    }
    this.#lanes.delete(key);
  }

  /** What JetStream does not hear of comes again. */
  #done(message: JsMsg): void {
    const confirmed: Promise<unknown> = message
      .ackAck({ timeout: CONFIRM_TIMEOUT_MS })
      .catch(() => undefined)
      .finally(() => this.#confirming.delete(confirmed));
    this.#confirming.add(confirmed);
  }
}
