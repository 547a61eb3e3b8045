import type { ServiceBroker } from "moleculer";
import type { Config } from "../../config/config.ts";
import { acquireInto } from "../acquire.ts";
import { sharedDatabase } from "../database/index.ts";
import { sharedPerBroker } from "../shared.ts";
import { sqlDeadEvents, type DeadEventStore } from "./dead-events.ts";
import { InProcessEventStream } from "./in-process.ts";
import { namesOf } from "./jetstream-names.ts";
import { JetStreamEventStream } from "./jetstream.ts";
import type { EventStream } from "./port.ts";

interface Opened {
  readonly stream: EventStream;
  /** Closes the stream and lets go of what it works on. */
  readonly resources: AsyncDisposableStack;
}

const shared = sharedPerBroker<Opened>(open, ({ resources }) => resources.disposeAsync(), {
  part: "eventStream",
  ping: ({ stream }) => stream.ping(),
  isRemote: ({ natsUrl }) => natsUrl !== null,
});

/** The node's one event stream: in JetStream where `natsUrl` is set, else in process. */
export const sharedEventStream = {
  acquire: async (broker: ServiceBroker): Promise<EventStream> => (await shared.acquire(broker)).stream,
  release: (broker: ServiceBroker): Promise<void> => shared.release(broker),
};

async function open(broker: ServiceBroker, config: Config): Promise<Opened> {
  await using acquired = new AsyncDisposableStack();
  const deadEvents = sqlDeadEvents(await acquireInto(acquired, broker)(sharedDatabase));
  const stream = await openStream(broker, config, deadEvents);
  acquired.defer(() => stream.close());
  return { stream, resources: acquired.move() };
}

async function openStream(broker: ServiceBroker, { natsUrl, nodeId }: Config, deadEvents: DeadEventStore): Promise<EventStream> {
  const logger = broker.getLogger("event-stream");
  if (natsUrl === null) return new InProcessEventStream({ deadEvents, logger });
  return JetStreamEventStream.open({ url: natsUrl, names: namesOf(broker.namespace), nodeId, deadEvents, logger });
}
