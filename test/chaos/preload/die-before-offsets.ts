/**
 * Loaded before a persister: after SIGUSR2 the process dies, without warning, when it has committed a batch to the database and
 * is about to tell Kafka so.
 */
import { Kafka } from "kafkajs";

let isArmed = false;
process.on("SIGUSR2", () => (isArmed = true));

const { consumer: makeConsumer } = Kafka.prototype;
Kafka.prototype.consumer = function (this: Kafka, ...options: Parameters<Kafka["consumer"]>) {
  const consumer = makeConsumer.apply(this, options);
  const { commitOffsets } = consumer;
  return Object.assign(consumer, {
    commitOffsets: async (...offsets: Parameters<typeof commitOffsets>) => {
      if (isArmed) process.kill(process.pid, "SIGKILL");
      return commitOffsets(...offsets);
    },
  });
};
