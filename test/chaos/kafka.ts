import { Kafka, logLevel, type Consumer, type KafkaMessage, type Producer } from "kafkajs";
import { consumerGroupId, topicsOf } from "../../config/topics.ts";
import { calmRequestQueue } from "../../mixins/message-log/kafka/request-queue.ts";
import { PERSISTER_GROUP } from "../../mixins/message-log/port.ts";
import { waitFor } from "../support/wait.ts";

calmRequestQueue();

/** A consumer that has just joined may need a moment before it reads. */
const ECHO_MS = 30_000;
const AGAIN_HEADER = "chaos-again";
const { private: privateTopic, group: groupTopic } = topicsOf("");
const TOPICS = [privateTopic, groupTopic];

const clientOf = (brokers: string): Kafka =>
  new Kafka({ brokers: brokers.split(","), clientId: "chaos", logLevel: logLevel.NOTHING });

/** Puts everything that comes into the log into it once more. */
export class Echo {
  readonly #consumer: Consumer;
  readonly #producer: Producer;
  /** Records that came twice. */
  count = 0;

  constructor(brokers: string) {
    const kafka = clientOf(brokers);
    this.#consumer = kafka.consumer({ groupId: `chaos-echo-${Date.now()}`, allowAutoTopicCreation: false });
    this.#producer = kafka.producer({ allowAutoTopicCreation: false });
  }

  async start(): Promise<void> {
    await Promise.all([this.#consumer.connect(), this.#producer.connect()]);
    await this.#consumer.subscribe({ topics: TOPICS, fromBeginning: false });
    const joined = new Promise<void>((resolve) => this.#consumer.on("consumer.group_join", () => resolve()));
    await this.#consumer.run({
      eachMessage: async ({ topic, message }) => {
        if (message.headers?.[AGAIN_HEADER] !== undefined) return;
        await this.#producer.send({ topic, messages: [again(message)] });
        this.count++;
      },
    });
    await joined;
  }

  /** Ends once it has put something into the log, unless nothing comes for long. */
  async stop(): Promise<void> {
    await waitFor(() => this.count > 0, "something to come twice", ECHO_MS).catch(() => undefined); // `count` says so
    await this.#consumer.disconnect();
    await this.#producer.disconnect();
  }
}

const again = ({ key, value, headers }: KafkaMessage) => ({ key, value, headers: { ...headers, [AGAIN_HEADER]: "1" } });

/** Puts something into the log that is no record of a message. */
export async function poisonLog(brokers: string, values: readonly string[]): Promise<void> {
  const producer = clientOf(brokers).producer({ allowAutoTopicCreation: false });
  await producer.connect();
  await producer.send({ topic: privateTopic, messages: values.map((value) => ({ key: "d_1_2", value })) });
  await producer.disconnect();
}

/** Makes the persisters, none of which may run, begin with the first record. */
export async function rewindPersisters(brokers: string): Promise<void> {
  const admin = clientOf(brokers).admin();
  await admin.connect();
  const groupId = consumerGroupId("", PERSISTER_GROUP);
  for (const topic of TOPICS) await admin.resetOffsets({ groupId, topic, earliest: true });
  await admin.disconnect();
}
