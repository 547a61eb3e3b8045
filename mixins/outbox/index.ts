import type { ServiceBroker, ServiceSchema } from "moleculer";
import { randomUUID } from "node:crypto";
import { within } from "../../lib/within.ts";
import { acquireInto } from "../acquire.ts";
import { sharedDatabase } from "../database/index.ts";
import { DRAIN, onDrain } from "../drain.ts";
import { sharedEventStream } from "../event-stream/index.ts";
import { sharedHotStore } from "../hot-store/index.ts";
import { sharedMetrics, type Metrics } from "../metrics/index.ts";
import type { Config } from "../../config/config.ts";
import { mixinOf, sharedPerBroker } from "../shared.ts";
import { Outbox } from "./outbox.ts";
import { OutboxRows } from "./outbox-rows.ts";
import { OutboxRelay } from "./relay.ts";

export { onceInTransaction } from "./once.ts";
export type { NewEvent, Outbox } from "./outbox.ts";
export type { OutboxLag } from "./outbox-rows.ts";

interface Opened {
  readonly outbox: Outbox;
  /** Closes the relay and lets go of what it works on. */
  readonly resources: AsyncDisposableStack;
}

/** A consumer that keeps failing must not hold up the stop for longer. */
const DRAIN_MS = 2_000;
/** Other nodes add rows without a word where they share the database. */
const POLL_SHARED_MS = 200;

/** The node's one outbox and its relay. */
export const sharedOutbox = sharedPerBroker<Opened>(open, ({ resources }) => resources.disposeAsync());

async function open(broker: ServiceBroker, { mysqlUrl }: Config): Promise<Opened> {
  await using acquired = new AsyncDisposableStack();
  const use = acquireInto(acquired, broker);
  const sql = await use(sharedDatabase);
  const stream = await use(sharedEventStream);
  const { leases } = await use(sharedHotStore);
  const rows = new OutboxRows(sql);
  const relay = new OutboxRelay({
    rows,
    stream,
    leases,
    holder: `${broker.nodeID}:${randomUUID()}`,
    logger: broker.getLogger("outbox"),
    ...(mysqlUrl !== null && { pollEveryMs: POLL_SHARED_MS }),
  });
  acquired.defer(() => relay.close());
  for (const stop of measure((await use(sharedMetrics)).registry, rows)) acquired.defer(stop);
  onDrain(broker, DRAIN.writes, () => drainRelay(relay));
  startWithBroker(broker, relay);
  return { outbox: new Outbox({ sql, rows, relay }), resources: acquired.move() };
}

function measure(metrics: Metrics, rows: OutboxRows): (() => void)[] {
  const ageOfOldest = async (): Promise<number> => {
    const { oldestAt } = await rows.lag();
    return oldestAt === null ? 0 : (Date.now() - oldestAt) / 1_000;
  };
  return [
    metrics.gauge("im_outbox_lag", async () => (await rows.lag()).count),
    metrics.gauge("im_outbox_oldest_age_seconds", ageOfOldest),
  ];
}

/**
 * An in-process stream hands an event to the consumers that it knows, so nothing is relayed before every service of the node
 * has started and subscribed. A service that is made later must not be the first to subscribe to what is already waiting.
 */
function startWithBroker(broker: ServiceBroker, relay: OutboxRelay): void {
  if (broker.started) relay.start();
  else broker.localBus.once("$broker.started", () => relay.start());
}

/** Lets what waits reach its consumers while they are still there; what does not in time comes again at the next start. */
async function drainRelay(relay: OutboxRelay): Promise<void> {
  await within(
    DRAIN_MS,
    relay.idle().catch(() => undefined),
  ); // closed already: nothing to wait for
}

/** What `withOutbox()` puts on `this`. */
export interface OutboxVars {
  readonly outbox: Outbox;
}

/** Gives a service the node's outbox as `this.outbox`, from before its own `started()` until after its own `stopped()`. */
export function withOutbox(): Partial<ServiceSchema> {
  return mixinOf("outbox", sharedOutbox, ({ outbox }) => outbox);
}
