import { sharedDatabase } from "../database/index.ts";
import { sharedPerBroker } from "../shared.ts";
import { sqlDeadEvents } from "./dead-events.ts";
import { InProcessEventStream } from "./in-process.ts";
import type { EventStream } from "./port.ts";

/** The node's one event stream. */
export const sharedEventStream = sharedPerBroker<EventStream>(
  async (broker) => {
    const deadEvents = sqlDeadEvents(await sharedDatabase.acquire(broker));
    return new InProcessEventStream({ deadEvents, logger: broker.getLogger("event-stream") });
  },
  async (stream, broker) => {
    await stream.close();
    await sharedDatabase.release(broker);
  },
  { part: "eventStream", ping: (stream) => stream.ping() },
);
