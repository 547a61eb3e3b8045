import type { ServiceBroker, ServiceSchema } from "moleculer";
import { randomUUID } from "node:crypto";
import { acquireInto } from "../acquire.ts";
import { sharedDatabase } from "../database/index.ts";
import { sharedHotStore } from "../hot-store/index.ts";
import { sharedMetrics } from "../metrics/index.ts";
import { mixinOf, sharedPerBroker } from "../shared.ts";
import { ChangeLog } from "./change-log.ts";
import { Trimming } from "./trimming.ts";

export type { Change, ChangeLog, ChangesAsked, ChangeType, NewChange } from "./change-log.ts";

interface Opened {
  readonly changes: ChangeLog;
  /** Ends the trimming and lets go of what it works on. */
  readonly resources: AsyncDisposableStack;
}

/** The node's one change log. */
export const sharedChangeLog = sharedPerBroker<Opened>(open, ({ resources }) => resources.disposeAsync());

async function open(broker: ServiceBroker): Promise<Opened> {
  await using acquired = new AsyncDisposableStack();
  const use = acquireInto(acquired, broker);
  const sql = await use(sharedDatabase);
  const { leases } = await use(sharedHotStore);
  const { registry: metrics } = await use(sharedMetrics);
  const changes = new ChangeLog(sql);
  const trimming = new Trimming({
    changes,
    leases,
    holder: `${broker.nodeID}:${randomUUID()}`,
    logger: broker.getLogger("changeLog"),
    onTrimmed: (count) => metrics.increment("im_change_log_trimmed_total", count),
  });
  acquired.defer(() => trimming.close());
  acquired.defer(metrics.gauge("im_change_log_entries", () => changes.count()));
  trimming.start();
  return { changes, resources: acquired.move() };
}

/** What `withChangeLog()` puts on `this`. */
export interface ChangeLogVars {
  readonly changes: ChangeLog;
}

/** Gives a service the node's change log as `this.changes`, from before its own `started()` until after its own `stopped()`. */
export function withChangeLog(): Partial<ServiceSchema> {
  return mixinOf("changes", sharedChangeLog, ({ changes }) => changes);
}
