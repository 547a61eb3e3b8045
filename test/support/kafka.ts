import { randomBytes } from "node:crypto";
import { Kafka, logLevel, Partitioners } from "kafkajs";
import type { Admin, KafkaMessage, Message } from "kafkajs";
import { topicsOf } from "../../config/topics.ts";
import { calmRequestQueue } from "../../mixins/message-log/kafka/request-queue.ts";
import { waitFor } from "./wait.ts";

calmRequestQueue();

/** Begins the names of all topics and groups of one test. */
export const uniquePrefix = (): string => `t${randomBytes(5).toString("hex")}-`;

export function kafkaClient(broker: string): Kafka {
  return new Kafka({ brokers: [broker], clientId: "test", logLevel: logLevel.NOTHING });
}

export async function withAdmin<T>(broker: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafkaClient(broker).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Those that are there. */
export async function removeTopics(broker: string, prefix: string): Promise<void> {
  const { private: direct, group, dead } = topicsOf(prefix);
  await withAdmin(broker, async (admin) => {
    const present = new Set(await admin.listTopics());
    await admin.deleteTopics({ topics: [direct, group, dead].filter((topic) => present.has(topic)) });
  });
}

/** What a topic holds, once it has `count` records, as anyone outside reads it. */
export async function readTopic(broker: string, topic: string, count: number): Promise<KafkaMessage[]> {
  const consumer = kafkaClient(broker).consumer({ groupId: uniquePrefix(), maxWaitTimeInMs: 50 });
  const read: KafkaMessage[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => void read.push(message) });
  try {
    await waitFor(() => read.length >= count, `${count} records in ${topic}`);
  } finally {
    await consumer.disconnect();
  }
  return read;
}

/** Writes to a topic as anyone outside could. */
export async function writeTopic(broker: string, topic: string, messages: Message[]): Promise<void> {
  const producer = kafkaClient(broker).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic, messages });
  await producer.disconnect();
}
