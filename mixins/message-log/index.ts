import type { ServiceBroker, ServiceSchema } from "moleculer";
import type { Config } from "../../config/config.ts";
import { sharedDatabase } from "../database/index.ts";
import { mixinOf, sharedPerBroker } from "../shared.ts";
import { sqlDeadLetters } from "./dead-letters.ts";
import { InProcessLog } from "./in-process.ts";
import type { MessageLog } from "./port.ts";

export { PERSISTER_GROUP, type MessageLog, type Rejection } from "./port.ts";
export { erasedAmong, markErased } from "./erased-senders.ts";

interface Opened {
  readonly log: MessageLog;
  readonly close: () => Promise<void>;
}

async function open(broker: ServiceBroker, config: Config): Promise<Opened> {
  if (config.kafkaBrokers.length > 0)
    throw new Error("IM_KAFKA_BROKERS is set, but this version keeps its message log in process only: unset it");
  const sql = await sharedDatabase.acquire(broker);
  const log = new InProcessLog({ deadLetters: sqlDeadLetters(sql), logger: broker.getLogger("message-log") });
  return {
    log,
    close: async () => {
      await log.close();
      await sharedDatabase.release(broker);
    },
  };
}

/** The node's one message log. */
export const sharedMessageLog = sharedPerBroker<Opened>(open, (opened) => opened.close(), {
  part: "messageLog",
  ping: ({ log }) => log.ping(),
});

/** What `withMessageLog()` puts on `this`. */
export interface MessageLogVars {
  readonly log: MessageLog;
}

/** Gives a service the node's message log as `this.log`, from before its own `started()` until after its own `stopped()`. */
export function withMessageLog(): Partial<ServiceSchema> {
  return mixinOf("log", sharedMessageLog, ({ log }) => log);
}
