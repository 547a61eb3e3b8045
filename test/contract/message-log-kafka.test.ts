import { describe } from "node:test";
import { createKafkaWorld } from "../support/kafka-log.ts";
import { serversFor } from "../support/servers.ts";
import { messageLogContract } from "./message-log.ts";

const kafka = await serversFor("kafka");

describe("the message log on Kafka", { skip: kafka.skip }, () => {
  messageLogContract("Kafka", async (appendTimeoutMs) => {
    const world = await createKafkaWorld(kafka.url);
    const limits = { appendTimeoutMs, maxBacklog: 200 };
    let log = await world.open(limits);
    return {
      log,
      ...limits,
      stall: () => world.link.hold(),
      fail: () => world.link.cut(),
      async reopen() {
        await log.close();
        return (log = await world.open(limits));
      },
      cleanup: async () => world[Symbol.asyncDispose](),
    };
  });
});
