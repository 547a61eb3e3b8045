import { sqlDeadLetters } from "../../mixins/message-log/dead-letters.ts";
import { openKafkaLog, type KafkaLogOptions } from "../../mixins/message-log/kafka/kafka-log.ts";
import type { MessageLog } from "../../mixins/message-log/port.ts";
import { createDatabase } from "./database.ts";
import { removeTopics, uniquePrefix } from "./kafka.ts";
import { createLink, type Link } from "./link.ts";

type Level = "debug" | "info" | "warn" | "error";

/** Message logs on one Kafka, with topics of their own and a link to it that can be held up and cut. */
export interface KafkaWorld extends AsyncDisposable {
  readonly topicPrefix: string;
  readonly link: Link;
  /** What was logged, as "level: text". */
  readonly lines: string[];
  /** Another node's log; closed with the world. */
  open(options?: Partial<KafkaLogOptions>): Promise<MessageLog>;
}

/** @param broker `host:port` */
export async function createKafkaWorld(broker: string): Promise<KafkaWorld> {
  const [database, link] = [await createDatabase(), await createLink(broker)];
  const topicPrefix = uniquePrefix();
  const logs: MessageLog[] = [];
  const lines: string[] = [];
  const note = (level: Level) => (text: unknown) => void lines.push(`${level}: ${String(text)}`);
  const logger = { debug: () => undefined, info: note("info"), warn: note("warn"), error: note("error") };
  return {
    ...{ topicPrefix, link, lines },
    async open(options = {}) {
      const log = await openKafkaLog({
        ...{ brokers: [broker], clientId: "im-test", ssl: false, sasl: null, logger },
        ...{ topicPrefix, partitions: 3, replicationFactor: 1, deadLetters: sqlDeadLetters(database.sql) },
        ...{ connect: () => link.connect(), backoffMs: () => 50, ...options },
      });
      logs.push(log);
      return log;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(logs.map((log) => log.close()));
      await link[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
      await removeTopics(broker, topicPrefix);
    },
  };
}
