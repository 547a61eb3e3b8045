import { randomBytes } from "node:crypto";
import { Kafka, logLevel } from "kafkajs";
import type { Admin } from "kafkajs";
import { topicsOf } from "../../config/topics.ts";
import { calmRequestQueue } from "../../mixins/message-log/kafka/request-queue.ts";

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

export async function removeTopics(broker: string, prefix: string): Promise<void> {
  const { private: direct, group, dead } = topicsOf(prefix);
  await withAdmin(broker, (admin) => admin.deleteTopics({ topics: [direct, group, dead] }));
}
