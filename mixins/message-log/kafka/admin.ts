import { setTimeout as delay } from "node:timers/promises";
import type { Admin, ITopicMetadata, RetryOptions } from "kafkajs";
import { DEAD_RETENTION_MS, MAX_BATCH_BYTES, MESSAGE_RETENTION_MS } from "../../../config/topics.ts";
import type { Topics } from "../../../config/topics.ts";
import { createClient, type KafkaClient, type KafkaConnection } from "./client.ts";
import { causeOf, inTime, isAnswer } from "./errors.ts";

/** Of one question; the port promises an end within 2 s. */
const ADMIN_TIMEOUT_MS = 1_900;
const CREATE_TIMEOUT_MS = 3_000;
const FIND_TRIES = 10;
const FIND_AGAIN_MS = 100;
const noRetry: RetryOptions = { retries: 0 };

export interface TopicSettings {
  readonly topics: Topics;
  /** Of each of the two topics of messages. */
  readonly partitions: number;
  readonly replicationFactor: number;
}

/** A partition as `topic/number`. */
export type PartitionName = string;
export interface Bounds {
  /** Offset of the oldest record that is kept, and of the next one to come. */
  readonly low: number;
  readonly high: number;
}

export const partitionName = (topic: string, partition: number): PartitionName => `${topic}/${partition}`;

interface Session {
  readonly client: KafkaClient;
  readonly admin: Admin;
}

/** What the log asks Kafka besides writing and reading. A connection that failed is given up, and the next question makes another. */
export class LogAdmin {
  readonly #connection: KafkaConnection;
  readonly #settings: TopicSettings;
  #session: Promise<Session> | null = null;
  #hasWarned = false;

  constructor(connection: KafkaConnection, settings: TopicSettings) {
    this.#connection = connection;
    this.#settings = settings;
  }

  /** Makes the topics that are missing; another node may do so at the same time. */
  async ensureTopics(): Promise<void> {
    const { topics } = this.#settings;
    const names = [topics.private, topics.group, topics.dead];
    let found = await this.#find(names);
    if (!found) await this.#ask("make topics", CREATE_TIMEOUT_MS, (admin) => this.#create(admin, names));
    // A broker hears a little later of what the controller has made.
    for (let tries = 0; !found && tries < FIND_TRIES; tries++) {
      found = await this.#find(names);
      if (!found) await delay(FIND_AGAIN_MS);
    }
    if (!found) throw new Error(`the topics ${names.join(", ")} were made and are not there`);
    this.#warnOf(found);
  }

  /** null when one of them is missing. */
  async #find(names: readonly string[]): Promise<ITopicMetadata[] | null> {
    try {
      return await this.#ask("look for topics", ADMIN_TIMEOUT_MS, async (admin) => {
        const { topics } = await admin.fetchTopicMetadata({ topics: [...names] });
        return topics;
      });
    } catch (error) {
      const { type } = causeOf(error) as { type?: string };
      if (type === "UNKNOWN_TOPIC_OR_PARTITION") return null;
      throw error;
    }
  }

  async #create(admin: Admin, names: readonly string[]): Promise<void> {
    const { topics, partitions, replicationFactor } = this.#settings;
    await admin.createTopics({
      topics: names.map((topic) => ({
        ...{ topic, replicationFactor, numPartitions: topic === topics.dead ? 1 : partitions },
        configEntries: Object.entries({
          "retention.ms": topic === topics.dead ? DEAD_RETENTION_MS : MESSAGE_RETENTION_MS,
          "cleanup.policy": "delete",
          // A record that cannot be read gets a reason there, and may be as large as a batch.
          "max.message.bytes": topic === topics.dead ? 2 * MAX_BATCH_BYTES : MAX_BATCH_BYTES,
          // An acknowledged record is on two brokers at least, where there are enough to lose one.
          "min.insync.replicas": replicationFactor >= 3 ? 2 : 1,
        }).map(([name, value]) => ({ name, value: String(value) })),
      })),
      timeout: CREATE_TIMEOUT_MS,
    });
  }

  #warnOf(found: readonly ITopicMetadata[]): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const { topics, partitions } = this.#settings;
    const { logger } = this.#connection;
    const single = found.filter(({ partitions: all }) => all.some(({ replicas }) => replicas.length < 2)).map(({ name }) => name);
    if (single.length > 0)
      logger.warn(`What is acknowledged is on one broker only, and lost with its disk: ${single.join(", ")}`);
    for (const { name, partitions: all } of found) {
      if (name !== topics.dead && all.length !== partitions)
        logger.warn(`Topic ${name} has ${all.length} partitions, not the ${partitions} of the configuration; it stays as it is`);
    }
  }

  /** Of each partition of messages. */
  async bounds(): Promise<ReadonlyMap<PartitionName, Bounds>> {
    const { topics } = this.#settings;
    return this.#ask("ask for offsets", ADMIN_TIMEOUT_MS, async (admin) => {
      const all = await Promise.all([topics.private, topics.group].map(async (topic) => boundsOf(admin, topic)));
      return new Map(all.flat());
    });
  }

  /** Offset of the next record that the group has to handle, by partition; where it never committed one there is none. */
  async committed(groupId: string): Promise<ReadonlyMap<PartitionName, number>> {
    const { topics } = this.#settings;
    return this.#ask("ask for committed offsets", ADMIN_TIMEOUT_MS, async (admin) => {
      const all = await admin.fetchOffsets({ groupId, topics: [topics.private, topics.group] });
      const known = all.flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, offset }) => [partitionName(topic, partition), Number(offset)] as const),
      );
      return new Map(known.filter(([, offset]) => offset >= 0));
    });
  }

  async ping(): Promise<void> {
    const { topics } = this.#settings;
    await this.#ask("ping", ADMIN_TIMEOUT_MS, (admin) => admin.fetchTopicMetadata({ topics: [topics.private, topics.group] }));
  }

  async #ask<T>(what: string, ms: number, work: (admin: Admin) => Promise<T>): Promise<T> {
    const session = (this.#session ??= this.#connect());
    try {
      return await inTime(
        ms,
        what,
        session.then(({ admin }) => work(admin)),
      );
    } catch (error) {
      if (!isAnswer(error)) this.#giveUp(session);
      throw error;
    }
  }

  async #connect(): Promise<Session> {
    const client = createClient(this.#connection, ADMIN_TIMEOUT_MS, noRetry);
    const admin = client.kafka.admin();
    try {
      await inTime(ADMIN_TIMEOUT_MS, "connect", admin.connect());
      return { client, admin };
    } catch (error) {
      client.destroy();
      throw error;
    }
  }

  #giveUp(session: Promise<Session>): void {
    if (this.#session === session) this.#session = null;
    session.then(
      ({ client }) => client.destroy(),
      () => undefined, // nothing was opened
    );
  }
}

async function boundsOf(admin: Admin, topic: string): Promise<[PartitionName, Bounds][]> {
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets.map(({ partition, low, high }) => [partitionName(topic, partition), { low: Number(low), high: Number(high) }]);
}
