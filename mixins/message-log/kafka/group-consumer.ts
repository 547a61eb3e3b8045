import { setTimeout as delay } from "node:timers/promises";
import type { Consumer } from "kafkajs";
import { within } from "../../../lib/within.ts";
import { createClient, CONNECT_TIMEOUT_MS, type KafkaClient, type KafkaConnection } from "./client.ts";
import { inTime } from "./errors.ts";
import { Gatherer, type GathererOptions } from "./gatherer.ts";
import type { Outage } from "./outage.ts";

/** A member that is not heard of for so long has lost its partitions to the others. The least that brokers allow by default. */
const SESSION_TIMEOUT_MS = 6_000;
const HEARTBEAT_INTERVAL_MS = 1_500;
/** The others wait so long for a member that works on a batch when they share the partitions anew. */
const REBALANCE_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 3_000;
/** A fetch is answered with this much, or with what there is after a while. */
const MIN_FETCH_BYTES = 65_536;
const MAX_FETCH_WAIT_MS = 100;
/** About 2,500 messages of 200 bytes: what is decoded at one time holds up the process. */
const MAX_FETCH_BYTES = 1_048_576;
/** Of kafkajs itself; after that it gets a new connection here. */
const RETRY = { retries: 3, initialRetryTime: 100, maxRetryTime: 1_000, restartOnFailure: async () => false };
const WATCH_EVERY_MS = 1_000;
/** Until the partitions are shared nothing is heard of: the broker waits for members that died without a word. */
const JOIN_TIMEOUT_MS = REBALANCE_TIMEOUT_MS + 5_000;
const STOP_TIMEOUT_MS = 2_000;

export interface GroupConsumerOptions extends Omit<GathererOptions, "commit" | "heartbeatEveryMs" | "commitTimeoutMs"> {
  readonly connection: KafkaConnection;
  readonly groupId: string;
  readonly topics: readonly string[];
  /** So many can be gathered into one batch. */
  readonly partitions: number;
  readonly outage: Outage;
  /** A consumer that gives no sign of life for so long has stopped by itself, and is replaced. */
  readonly silenceMs: number;
}

/** Consumes for a group, and begins anew with a new connection whenever that breaks off, until it is stopped. */
export class GroupConsumer {
  readonly #options: GroupConsumerOptions;
  readonly #stopping = new AbortController();
  readonly #joined = Promise.withResolvers<void>();
  #running: Promise<void> = Promise.resolve();
  #failures = 0;

  constructor(options: GroupConsumerOptions) {
    this.#options = options;
    this.#joined.promise.catch(() => undefined); // whoever started it is told
  }

  /** Resolves when the group is joined for the first time. @throws when it is stopped before */
  async start(): Promise<void> {
    this.#running = this.#runUntilStopped();
    await this.#joined.promise;
  }

  /** Lets a running batch end, commits it and leaves the group. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#joined.reject(new Error(`Group ${this.#options.groupId} was stopped before it was joined`));
    await this.#running;
  }

  async #runUntilStopped(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#consume();
      } catch (error) {
        this.#options.outage.failed(error);
        await delay(this.#options.backoffMs(++this.#failures), undefined, { signal }).catch(() => undefined); // it is stopping
      }
    }
  }

  /** Returns when the group is to stop. @throws when the consumer broke off */
  async #consume(): Promise<void> {
    const { connection, groupId, topics, partitions } = this.#options;
    const client = createClient(connection, REQUEST_TIMEOUT_MS, RETRY);
    const consumer = client.kafka.consumer({
      ...{ groupId, sessionTimeout: SESSION_TIMEOUT_MS, rebalanceTimeout: REBALANCE_TIMEOUT_MS, retry: RETRY },
      ...{ heartbeatInterval: HEARTBEAT_INTERVAL_MS, allowAutoTopicCreation: false },
      ...{ minBytes: MIN_FETCH_BYTES, maxWaitTimeInMs: MAX_FETCH_WAIT_MS, maxBytes: MAX_FETCH_BYTES },
    });
    const gatherer = new Gatherer({
      ...{ ...this.#options, heartbeatEveryMs: HEARTBEAT_INTERVAL_MS, commitTimeoutMs: REQUEST_TIMEOUT_MS },
      commit: (positions) => consumer.commitOffsets(positions),
    });
    const broken = this.#watch(consumer);
    try {
      await inTime(CONNECT_TIMEOUT_MS, "connect", consumer.connect());
      await inTime(CONNECT_TIMEOUT_MS, "subscribe", consumer.subscribe({ topics: [...topics], fromBeginning: true }));
      void consumer
        .run({
          ...{ autoCommit: false, eachBatchAutoResolve: false, partitionsConsumedConcurrently: partitions },
          eachBatch: (payload) => gatherer.add(payload),
        })
        .catch(broken.reject);
      await broken.promise;
    } finally {
      broken.forget();
      await gatherer.stop();
      await disconnect(consumer, client);
    }
  }

  /** Resolves when the group is to stop, rejects when the consumer says that it crashed, or nothing for too long. */
  #watch(consumer: Consumer) {
    const { outage, silenceMs } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let lastSignAt = performance.now();
    let isJoining = true;
    const sign = (): void => void (lastSignAt = performance.now());
    const { CRASH, FETCH, GROUP_JOIN, HEARTBEAT, END_BATCH_PROCESS, REBALANCING } = consumer.events;
    consumer.on(REBALANCING, () => {
      sign();
      isJoining = true;
    });
    consumer.on(FETCH, sign);
    consumer.on(HEARTBEAT, sign);
    consumer.on(END_BATCH_PROCESS, sign);
    consumer.on(GROUP_JOIN, () => {
      sign();
      isJoining = false;
      this.#failures = 0;
      outage.over();
      this.#joined.resolve();
    });
    consumer.on(CRASH, ({ payload }) => reject(payload.error));
    const timer = setInterval(() => {
      if (performance.now() - lastSignAt > (isJoining ? JOIN_TIMEOUT_MS : silenceMs))
        reject(new Error("the consumer gives no sign of life"));
    }, WATCH_EVERY_MS);
    const stop = (): void => resolve();
    this.#stopping.signal.addEventListener("abort", stop);
    if (this.#stopping.signal.aborted) stop();
    promise.catch(() => undefined); // it may break before anyone waits for it
    const forget = (): void => {
      clearInterval(timer);
      this.#stopping.signal.removeEventListener("abort", stop);
    };
    return { promise, reject, forget };
  }
}

/** Leaves the group as far as the broker answers. */
async function disconnect(consumer: Consumer, client: KafkaClient): Promise<void> {
  await within(STOP_TIMEOUT_MS, consumer.disconnect()).catch(() => false); // its connections end all the same
  client.destroy();
}
