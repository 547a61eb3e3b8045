import type { ServiceBroker, ServiceSchema } from "moleculer";
import type { Config } from "../../config/config.ts";
import { sharedDatabase } from "../database/index.ts";
import { mixinOf, sharedPerBroker } from "../shared.ts";
import { sqlDeadLetters, type DeadLetterStore } from "./dead-letters.ts";
import { InProcessLog } from "./in-process.ts";
import type { LogLogger } from "./kafka/client.ts";
import { openKafkaLog } from "./kafka/kafka-log.ts";
import type { MessageLog } from "./port.ts";

export { PERSISTER_GROUP, type MessageLog, type Rejection } from "./port.ts";
export { erasedAmong, erasedAuthors, markErased } from "./erased-senders.ts";

interface Opened {
  readonly log: MessageLog;
  readonly close: () => Promise<void>;
}

async function open(broker: ServiceBroker, config: Config): Promise<Opened> {
  const sql = await sharedDatabase.acquire(broker);
  try {
    const log = await openLog(broker.getLogger("message-log"), config, sqlDeadLetters(sql));
    const close = async (): Promise<void> => {
      await log.close();
      await sharedDatabase.release(broker);
    };
    return { log, close };
  } catch (error) {
    await sharedDatabase.release(broker);
    throw error;
  }
}

async function openLog(logger: LogLogger, config: Config, deadLetters: DeadLetterStore): Promise<MessageLog> {
  if (config.kafkaBrokers.length === 0) return new InProcessLog({ deadLetters, logger });
  const { kafkaUsername: username, kafkaPassword: password, kafkaMechanism: mechanism } = config;
  const sasl = username !== null && password !== null ? { mechanism, username, password } : null;
  return openKafkaLog({
    ...{ brokers: config.kafkaBrokers, clientId: config.nodeId, ssl: config.kafkaSsl, sasl },
    ...{ topicPrefix: config.kafkaTopicPrefix ?? "", partitions: config.kafkaPartitions },
    ...{ replicationFactor: config.kafkaReplicationFactor, deadLetters, logger },
  });
}

/** The node's one message log: in Kafka where the configuration names brokers, else in process. */
export const sharedMessageLog = sharedPerBroker<Opened>(open, (opened) => opened.close(), {
  part: "messageLog",
  ping: ({ log }) => log.ping(),
  isRemote: ({ kafkaBrokers }) => kafkaBrokers.length > 0,
});

/** What `withMessageLog()` puts on `this`. */
export interface MessageLogVars {
  readonly log: MessageLog;
}

/** Gives a service the node's message log as `this.log`, from before its own `started()` until after its own `stopped()`. */
export function withMessageLog(): Partial<ServiceSchema> {
  return mixinOf("log", sharedMessageLog, ({ log }) => log);
}
