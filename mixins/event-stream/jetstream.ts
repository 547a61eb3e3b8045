import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { ErrorCode, NatsError, type JetStreamClient, type JetStreamManager, type KV, type Msg } from "nats";
import type { ServiceBroker } from "moleculer";
import type { Backoff } from "../../lib/backoff.ts";
import { imError } from "../../lib/errors.ts";
import { openNats, reasonOf, type NatsLink } from "../nats/connection.ts";
import type { DeadEventStore } from "./dead-events.ts";
import { DurableConsumer, type ConsumerOptions } from "./durable-consumer.ts";
import { ConsumerTurns } from "./jetstream-consumer.ts";
import { leaseBucket, StreamLease } from "./jetstream-lease.ts";
import { streamConfig, type JetStreamNames } from "./jetstream-names.ts";
import { openReader } from "./jetstream-reader.ts";
import type { DeadEvent, DomainEvent, EventStream, Subscription } from "./port.ts";
import { assertSameSubjects } from "./subjects.ts";

export interface JetStreamOptions {
  readonly url: string;
  readonly names: JetStreamNames;
  /** Stands in the leases that this node holds, and in the server's list of connections. */
  readonly nodeId: string;
  readonly deadEvents: DeadEventStore;
  readonly logger: Pick<ServiceBroker["logger"], "debug" | "info" | "warn" | "error">;
  /** Events that one consumer handles at once. Default 16. */
  readonly concurrency?: number;
  /** Default 100 ms up to 60 s: the default ten tries take about 40 s. */
  readonly backoff?: Backoff;
}

const OPEN_TIMEOUT_MS = 4_900;
const API_TIMEOUT_MS = 1_800;
const PUBLISH_TIMEOUT_MS = 3_000;
const REDRIVE_TIMEOUT_MS = 2_000;
const REMEMBER_MS = 120_000;
const BACKOFF: Backoff = { firstMs: 100, maxMs: 60_000 };

interface Consumer {
  readonly work: DurableConsumer;
  readonly lease: StreamLease;
  turns: ConsumerTurns | null;
  members: number;
}

/**
 * The event stream of a cluster, in JetStream (ADR 0011). A published event is in a file of NATS; each consumer is read by
 * one node at a time, in the order of the stream. Dead letters are rows in SQL, as in one process.
 */
export class JetStreamEventStream implements EventStream {
  readonly #options: JetStreamOptions;
  readonly #link: NatsLink;
  readonly #client: JetStreamClient;
  readonly #manager: JetStreamManager;
  readonly #leases: KV;
  readonly #consumers = new Map<string, Consumer>();
  readonly #subscriptions = new Set<() => Promise<void>>();
  readonly #redriving = new Set<Promise<void>>();
  #isClosed = false;

  /** @throws Error within 5 s: one line that names host and port, never the password. Nothing is left open then. */
  static async open(options: JetStreamOptions): Promise<JetStreamEventStream> {
    const end = new AbortController();
    const late = delay(OPEN_TIMEOUT_MS, null, { signal: end.signal });
    const opening = openParts(options, end.signal);
    try {
      const parts = await Promise.race([opening, late]);
      if (!parts) throw new Error("JetStream does not answer in time");
      return new JetStreamEventStream(options, parts);
    } finally {
      end.abort();
    }
  }

  private constructor(options: JetStreamOptions, { link, client, manager, leases }: Parts) {
    this.#options = options;
    this.#link = link;
    this.#client = client;
    this.#manager = manager;
    this.#leases = leases;
    const { logger } = options;
    link.onChange((isConnected) => {
      if (isConnected) logger.info("The event stream is back");
      else logger.warn(`The event stream is away: NATS at ${link.address}. Events wait in the outbox until it is back`);
    });
  }

  async publish(event: DomainEvent): Promise<void> {
    this.#assertOpen();
    if (!this.#link.isConnected) throw imError("UNAVAILABLE");
    const { names } = this.#options;
    const options = { msgID: event.eventId, timeout: PUBLISH_TIMEOUT_MS, expect: { streamName: names.stream } };
    try {
      await this.#client.publish(names.subjectPrefix + event.subject, JSON.stringify(event), options);
    } catch (error) {
      if (isNobodyThere(error)) await this.#repair().catch(() => undefined); // for the next try
      throw toStreamError(error);
    }
  }

  async subscribe(subscription: Subscription): Promise<{ stop(): Promise<void> }> {
    this.#assertOpen();
    const consumer = this.#consumerFor(subscription);
    consumer.work.join(subscription);
    consumer.members += 1;
    const stop = async (): Promise<void> => {
      if (!this.#subscriptions.delete(stop)) return;
      await this.#leave(consumer, subscription);
    };
    this.#subscriptions.add(stop);
    consumer.turns ??= this.#beginTurns(consumer, subscription);
    await consumer.turns.asked;
    return { stop };
  }

  deadLetters(limit: number): Promise<DeadEvent[]> {
    return this.#options.deadEvents.list(limit);
  }

  /**
   * Hands each letter to the node that reads for its consumer now; where there is none, the letter is left where it is. A
   * letter stays until its event was handled.
   */
  async redrive(limit: number): Promise<number> {
    this.#assertOpen();
    let count = 0;
    for (const { consumer, event } of await this.deadLetters(limit)) {
      try {
        await this.#link.client.request(this.#redriveSubject(consumer), JSON.stringify(event), { timeout: REDRIVE_TIMEOUT_MS });
        count += 1;
      } catch (error) {
        if (!isNobodyThere(error)) throw toStreamError(error);
      }
    }
    return count;
  }

  async ping(): Promise<void> {
    this.#assertOpen();
    if (!this.#link.isConnected) throw new Error(`NATS at ${this.#link.address} is away`);
    await this.#manager.streams.info(this.#options.names.stream);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#subscriptions].map((stop) => stop()));
    await Promise.all(this.#redriving);
    await this.#link.close();
  }

  /** @throws when the consumer is known with other subjects: it would miss events that its other half gets */
  #consumerFor({ consumer: name, subjects }: Subscription): Consumer {
    let consumer = this.#consumers.get(name);
    if (consumer) assertSameSubjects(consumer.work, subjects);
    if (!consumer) {
      const lease = new StreamLease(this.#leases, name, `${this.#options.nodeId}:${randomUUID()}`);
      const work = new DurableConsumer(name, subjects, this.#consumerOptions(lease));
      this.#consumers.set(name, (consumer = { work, lease, turns: null, members: 0 }));
    }
    return consumer;
  }

  #consumerOptions(lease: StreamLease): ConsumerOptions {
    const { concurrency = 16, backoff = BACKOFF, deadEvents, logger } = this.#options;
    return {
      concurrency,
      backoff,
      now: Date.now,
      rememberMs: REMEMBER_MS,
      mayHandle: () => lease.isHeld,
      async bury(consumer, event, reason) {
        logger.error(`Consumer "${consumer}" gave up event ${event.eventId} (${event.subject}): ${reason}`);
        await deadEvents.put({ consumer, event, reason, at: Date.now() });
      },
    };
  }

  #beginTurns({ work, lease }: Consumer, { consumer, subjects }: Subscription): ConsumerTurns {
    const { names, logger } = this.#options;
    const parts = { link: this.#link, client: this.#client, manager: this.#manager };
    return new ConsumerTurns({
      work,
      lease,
      logger,
      isReachable: () => this.#link.isConnected,
      read: () => openReader({ ...parts, names, consumer, subjects, logger, take: (event) => work.take(event) }),
      onTurn: () => this.#answerRedrives(work),
      repair: () => this.#repair(),
    });
  }

  /** A NATS that lost its data has neither stream nor leases. */
  async #repair(): Promise<void> {
    await prepare(this.#client, this.#manager, this.#options.names);
  }

  async #leave(consumer: Consumer, subscription: Subscription): Promise<void> {
    consumer.members -= 1;
    const turns = consumer.members === 0 ? consumer.turns : null;
    turns?.end();
    await consumer.work.leave(subscription);
    await turns?.close();
    if (consumer.turns === turns) consumer.turns = null;
  }

  #redriveSubject(consumer: string): string {
    return `${this.#options.names.stream}.redrive.${consumer}`;
  }

  #answerRedrives(work: DurableConsumer): () => void {
    const callback = (error: Error | null, message: Msg): void => {
      if (error || work.isAway) return;
      message.respond();
      const done = this.#handAgain(work, message.json<DomainEvent>()).finally(() => this.#redriving.delete(done));
      this.#redriving.add(done);
    };
    const subscription = this.#link.client.subscribe(this.#redriveSubject(work.name), { callback });
    return () => subscription.unsubscribe();
  }

  /** Never rejects. */
  async #handAgain(work: DurableConsumer, event: DomainEvent): Promise<void> {
    const { deadEvents, logger } = this.#options;
    try {
      if ((await work.take(event, true)) === "handled") await deadEvents.remove(work.name, event.eventId);
    } catch (error) {
      logger.warn(`Event ${event.eventId} stays a dead letter of "${work.name}":`, error);
    }
  }

  #assertOpen(): void {
    if (this.#isClosed) throw imError("UNAVAILABLE");
  }
}

interface Parts {
  readonly link: NatsLink;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly leases: KV;
}

/** @param signal when it is aborted before they are there, they are closed again */
async function openParts({ url, names, nodeId }: JetStreamOptions, signal: AbortSignal): Promise<Parts> {
  const link = await openNats(url, `im-events ${nodeId}`);
  try {
    const client = link.client.jetstream({ timeout: API_TIMEOUT_MS });
    const manager = await link.client.jetstreamManager({ timeout: API_TIMEOUT_MS });
    const leases = await prepare(client, manager, names);
    signal.throwIfAborted();
    return { link, client, manager, leases };
  } catch (error) {
    await link.close();
    throw new Error(`JetStream of NATS at ${link.address} cannot be used: ${reasonOf(error)}`, { cause: error });
  }
}

const STREAM_NAME_IN_USE = 10_058;

/** Makes the stream and the leases where they are missing. What an operator made of them stays. */
async function prepare(client: JetStreamClient, manager: JetStreamManager, names: JetStreamNames): Promise<KV> {
  try {
    await manager.streams.add(streamConfig(names));
  } catch (error) {
    if (!(error instanceof NatsError && error.api_error?.err_code === STREAM_NAME_IN_USE)) throw error;
  }
  return leaseBucket(client, names.leases);
}

function isNobodyThere(error: unknown): boolean {
  return error instanceof NatsError && error.code === String(ErrorCode.NoResponders);
}

/** Whatever NATS does not take now may be tried again; what is too large for it never. */
function toStreamError(error: unknown): Error {
  if (error instanceof NatsError && error.code === String(ErrorCode.MaxPayloadExceeded)) return error;
  return Object.assign(imError("UNAVAILABLE"), { cause: error });
}
