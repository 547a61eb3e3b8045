import { APPEND_TIMEOUT_MS, MAX_LOG_BACKLOG } from "../../../config/limits.ts";
import { consumerGroupId, topicsOf, type Topics } from "../../../config/topics.ts";
import type { MessageRecord } from "../../../contracts/records.ts";
import { backoffMs } from "../../../lib/backoff.ts";
import { imError } from "../../../lib/errors.ts";
import type { DeadLetterStore } from "../dead-letters.ts";
import { PERSISTER_GROUP } from "../port.ts";
import type { AppendOutcome, BatchResult, ConsumeOptions, DeadLetter, DeadLetterPlace, MessageLog } from "../port.ts";
import { LogAdmin } from "./admin.ts";
import { Appender } from "./appender.ts";
import type { KafkaConnection } from "./client.ts";
import { DeadTopic } from "./dead-topic.ts";
import { inTime, reasonOf } from "./errors.ts";
import { GroupConsumer } from "./group-consumer.ts";
import { Lags } from "./lags.ts";
import { Outage } from "./outage.ts";
import type { Unreadable } from "./portions.ts";
import { LogProducer } from "./producer.ts";

const OPEN_TIMEOUT_MS = 4_500;
/** When it closes, its consumers get so long for what is in the log. */
const CLOSE_SETTLE_MS = 2_000;
const SILENCE_MS = 15_000;
const RETRY = { firstMs: 100, maxMs: 1_000 };

export interface KafkaLogOptions extends Omit<KafkaConnection, "signal"> {
  /** Stands before the names of topics and groups. */
  readonly topicPrefix: string;
  /** Of each topic of messages, where it is made. */
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly deadLetters: DeadLetterStore;
  readonly appendTimeoutMs?: number;
  readonly maxBacklog?: number;
  /** Wait before what failed is tried again, by the number of failures so far. */
  readonly backoffMs?: (failures: number) => number;
  /** A consumer that gives no sign of life for so long is replaced. */
  readonly silenceMs?: number;
}

/** Makes the topics that are missing and connects. @throws within 5 s, in one line that names the brokers; nothing is left open then */
export async function openKafkaLog(options: KafkaLogOptions): Promise<MessageLog> {
  const log = new KafkaLog(options);
  try {
    await inTime(OPEN_TIMEOUT_MS, "open", log.connect());
    return log;
  } catch (error) {
    log.destroy();
    throw new Error(`Kafka at ${options.brokers.join(", ")} cannot be used: ${reasonOf(error)}`, { cause: error });
  }
}

/** What is not given to `openKafkaLog`. */
function withDefaults(options: KafkaLogOptions) {
  return {
    ...{ appendTimeoutMs: APPEND_TIMEOUT_MS, maxBacklog: MAX_LOG_BACKLOG, silenceMs: SILENCE_MS },
    backoffMs: (failures: number) => backoffMs(failures, RETRY),
    ...options,
  };
}

/** The message log of the cluster. An append resolves once all in-sync replicas have the record. */
class KafkaLog implements MessageLog {
  readonly acknowledges = "logged";
  readonly #options: ReturnType<typeof withDefaults>;
  readonly #topics: Topics;
  readonly #admin: LogAdmin;
  readonly #producer: LogProducer;
  readonly #appender: Appender;
  readonly #deadTopic: DeadTopic;
  readonly #lags: Lags;
  readonly #consumers = new Map<string, GroupConsumer>();
  readonly #failing = new Set<string>();
  readonly #connection: KafkaConnection;
  readonly #end = new AbortController();
  #isClosed = false;

  constructor(given: KafkaLogOptions) {
    const options = (this.#options = withDefaults(given));
    const connection = (this.#connection = { ...options, signal: this.#end.signal });
    const { appendTimeoutMs, maxBacklog, partitions, replicationFactor, logger } = options;
    const topics = (this.#topics = topicsOf(options.topicPrefix));
    const admin = (this.#admin = new LogAdmin(connection, { topics, partitions, replicationFactor }));
    // Longer than an append waits: a slow broker is not asked a second time for what it is about to answer.
    const producer = new LogProducer(connection, 2 * appendTimeoutMs, () => admin.ensureTopics());
    this.#producer = producer;
    this.#appender = new Appender({
      ...{ topics, appendTimeoutMs, maxBacklog, backoffMs: options.backoffMs },
      send: (topic, messages) => producer.send(topic, messages),
      outage: new Outage(logger, "Messages cannot be written to Kafka", "Messages are written to Kafka again"),
    });
    this.#deadTopic = new DeadTopic(topics.dead, (topic, messages) =>
      inTime(appendTimeoutMs, "write", producer.send(topic, messages)),
    );
    this.#lags = new Lags(admin);
  }

  connect(): Promise<void> {
    return this.#producer.connect();
  }

  isAccepting(): boolean {
    return this.#appender.isAccepting();
  }

  append(records: readonly MessageRecord[]): Promise<AppendOutcome[]> {
    return this.#appender.append(records);
  }

  onLate(listener: (records: readonly MessageRecord[]) => void): void {
    this.#appender.onLate = listener;
  }

  async consume(options: ConsumeOptions): Promise<{ stop(): Promise<void> }> {
    const { group } = options;
    if (this.#isClosed) throw new Error("the log is closed");
    if (this.#consumers.has(group)) throw new Error(`Group "${group}" is consumed already`);
    const consumer = this.#consumerOf(options);
    this.#consumers.set(group, consumer);
    const stop = async (): Promise<void> => {
      await consumer.stop();
      if (this.#consumers.get(group) === consumer) this.#consumers.delete(group);
    };
    await consumer.start();
    return { stop };
  }

  #consumerOf(options: ConsumeOptions): GroupConsumer {
    const { group, maxBatch } = options;
    const { logger, backoffMs, silenceMs, partitions } = this.#options;
    const handling = new Outage(logger, `Group ${group} fails to handle a batch`, `Group ${group} handles its batches again`);
    return new GroupConsumer({
      ...{ connection: this.#connection, groupId: this.#groupId(group), topics: [this.#topics.private, this.#topics.group] },
      ...{ partitions: 2 * partitions, maxBatch, backoffMs, silenceMs, onBatch: (batch) => options.onBatch(batch) },
      bury: (result, unreadable) => this.#keep(group, result, unreadable),
      outage: new Outage(logger, `Group ${group} cannot read from Kafka`, `Group ${group} reads from Kafka again`),
      onTried: (error) => {
        if (error === null) {
          this.#failing.delete(group);
          handling.over();
        } else {
          this.#failing.add(group);
          handling.failed(error);
        }
      },
    });
  }

  async #keep(group: string, result: BatchResult | void, unreadable: readonly Unreadable[]): Promise<void> {
    const letters = (result?.rejected ?? []).filter(({ forget }) => !forget);
    await this.bury(letters.map(({ record, reason }) => ({ record, reason, at: Date.now() })));
    // Every group meets what cannot be read; one of them keeps it.
    if (group !== PERSISTER_GROUP) return;
    await this.#orUnavailable(this.#deadTopic.keep(unreadable));
    for (const { topic, partition, offset, reason } of unreadable)
      this.#options.logger.error(`Record ${offset} of ${topic}/${partition} is a dead letter: ${reason}`);
  }

  #groupId(group: string): string {
    return consumerGroupId(this.#options.topicPrefix, group);
  }

  deadLetters(limit: number, after?: DeadLetterPlace): Promise<DeadLetter[]> {
    return this.#options.deadLetters.list(limit, after);
  }

  async bury(letters: readonly DeadLetter[]): Promise<void> {
    if (letters.length === 0) return;
    await this.#options.deadLetters.add(letters);
    await this.#orUnavailable(this.#deadTopic.tell(letters));
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
    return this.#orUnavailable(this.#lags.of(this.#groupId(group)));
  }

  settled(group: string, timeoutMs: number): Promise<boolean> {
    return this.#lags.settled(this.#groupId(group), timeoutMs);
  }

  async ping(): Promise<void> {
    if (this.#isClosed) throw new Error("the log is closed");
    if (this.#appender.isFailing()) throw imError("UNAVAILABLE", { reason: "messages cannot be written to Kafka" });
    await this.#orUnavailable(this.#admin.ping());
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#appender.close();
    const healthy = [...this.#consumers.keys()].filter((group) => !this.#failing.has(group));
    if (!this.#appender.isFailing()) await Promise.all(healthy.map((group) => this.settled(group, CLOSE_SETTLE_MS)));
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer.stop()));
    this.destroy();
  }

  /** Ends every connection; what is still on its way is given up. */
  destroy(): void {
    this.#isClosed = true;
    this.#appender.abandon();
    this.#end.abort(new Error("the log is closed"));
  }

  async #orUnavailable<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw imError("UNAVAILABLE", { reason: reasonOf(error) });
    }
  }
}
