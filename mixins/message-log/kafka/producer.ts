import { Partitioners } from "kafkajs";
import type { Message, Producer } from "kafkajs";
import { createClient, CONNECT_TIMEOUT_MS, type KafkaClient, type KafkaConnection } from "./client.ts";
import { inTime, isAnswer } from "./errors.ts";

const ALL_IN_SYNC_REPLICAS = -1;
/** A slow broker gets more time with each write that it does not answer, up to this many times the first one. */
const MAX_PATIENCE = 4;
/** What kafkajs does around a request: metadata, a new connection. */
const AROUND_REQUEST_MS = 2 * CONNECT_TIMEOUT_MS;

interface Session {
  readonly client: KafkaClient;
  readonly producer: Producer;
  readonly requestTimeoutMs: number;
}

/**
 * Writes to topics. After a failure that leaves the connection in doubt (it was lost, or did not answer) the next write has a
 * connection of its own, so that none waits on a dead one; that is when the topics are looked for again.
 */
export class LogProducer {
  readonly #connection: KafkaConnection;
  readonly #requestTimeoutMs: number;
  readonly #ensureTopics: () => Promise<void>;
  #session: Promise<Session> | null = null;
  #silences = 0;

  /** @param requestTimeoutMs for the answer to the first write */
  constructor(connection: KafkaConnection, requestTimeoutMs: number, ensureTopics: () => Promise<void>) {
    this.#connection = connection;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#ensureTopics = ensureTopics;
  }

  async connect(): Promise<void> {
    await (this.#session ??= this.#open());
  }

  /**
   * Resolves when all in-sync replicas have the messages.
   * @throws when it is not known that they have all of them; some may have been written
   */
  async send(topic: string, messages: Message[]): Promise<void> {
    const session = (this.#session ??= this.#open());
    try {
      const { producer, requestTimeoutMs } = await session;
      const sent = producer.send({ topic, messages, acks: ALL_IN_SYNC_REPLICAS, timeout: requestTimeoutMs });
      await inTime(requestTimeoutMs + AROUND_REQUEST_MS, "write", sent);
      this.#silences = 0;
    } catch (error) {
      if (!isAnswer(error)) this.#giveUp(session);
      throw error;
    }
  }

  async #open(): Promise<Session> {
    await this.#ensureTopics();
    const requestTimeoutMs = this.#requestTimeoutMs * Math.min(2 ** this.#silences, MAX_PATIENCE);
    const client = createClient(this.#connection, requestTimeoutMs, { retries: 0 });
    const producer = client.kafka.producer({
      ...{ createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: false, idempotent: false },
      retry: { retries: 0 },
    });
    try {
      await inTime(CONNECT_TIMEOUT_MS, "connect", producer.connect());
      return { client, producer, requestTimeoutMs };
    } catch (error) {
      client.destroy();
      throw error;
    }
  }

  /** Writes of two topics share a connection, and fail together: it is given up once. */
  #giveUp(session: Promise<Session>): void {
    if (this.#session !== session) return;
    this.#session = null;
    session.then(
      ({ client }) => {
        this.#silences++;
        client.destroy();
      },
      () => undefined, // nothing was opened
    );
  }
}
