import { describe } from "node:test";
import { sqlDeadLetters } from "../../mixins/message-log/dead-letters.ts";
import { openKafkaLog } from "../../mixins/message-log/kafka/kafka-log.ts";
import { createDatabase, silent } from "../support/database.ts";
import { removeTopics, uniquePrefix } from "../support/kafka.ts";
import { createLink } from "../support/link.ts";
import { serversFor } from "../support/servers.ts";
import { messageLogContract } from "./message-log.ts";

const LIMITS = { appendTimeoutMs: 500, maxBacklog: 200 };
const kafka = await serversFor("kafka");

describe("the message log on Kafka", { skip: kafka.skip }, () => {
  messageLogContract("Kafka", async () => {
    const [database, link] = [await createDatabase(), await createLink(kafka.url)];
    const topicPrefix = uniquePrefix();
    const open = () =>
      openKafkaLog({
        ...{ brokers: [kafka.url], clientId: "im-test", ssl: false, sasl: null, logger: silent },
        ...{ topicPrefix, partitions: 3, replicationFactor: 1, deadLetters: sqlDeadLetters(database.sql) },
        ...{ connect: () => link.connect(), backoffMs: () => 50, ...LIMITS },
      });
    let log = await open();
    return {
      log,
      ...LIMITS,
      stall: () => link.hold(),
      fail: () => link.cut(),
      async reopen() {
        await log.close();
        return (log = await open());
      },
      async cleanup() {
        await log.close();
        await link[Symbol.asyncDispose]();
        await database[Symbol.asyncDispose]();
        await removeTopics(kafka.url, topicPrefix);
      },
    };
  });
});
