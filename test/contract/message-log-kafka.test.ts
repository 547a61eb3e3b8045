import { describe } from "node:test";
import { createKafkaWorld } from "../support/kafka-log.ts";
import { serversFor } from "../support/servers.ts";
import { messageLogContract } from "./message-log.ts";

const LIMITS = { appendTimeoutMs: 500, maxBacklog: 200 };
const kafka = await serversFor("kafka");

describe("the message log on Kafka", { skip: kafka.skip }, () => {
  messageLogContract("Kafka", async () => {
    const world = await createKafkaWorld(kafka.url);
    let log = await world.open(LIMITS);
    return {
      log,
      ...LIMITS,
      stall: () => world.link.hold(),
      fail: () => world.link.cut(),
      async reopen() {
        await log.close();
        return (log = await world.open(LIMITS));
      },
      cleanup: async () => world[Symbol.asyncDispose](),
    };
  });
});
