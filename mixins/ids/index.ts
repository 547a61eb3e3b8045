import { randomUUID } from "node:crypto";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import { acquireInto } from "../acquire.ts";
import { sharedDatabase } from "../database/index.ts";
import { sharedHotStore } from "../hot-store/index.ts";
import { mixinOf, sharedPerBroker } from "../shared.ts";
import { IdSource, type Ids } from "./id-source.ts";

export type { Ids } from "./id-source.ts";

interface Opened {
  readonly ids: Ids;
  readonly resources: AsyncDisposableStack;
}

/** The node's one source of ids. A node that lost its worker id stops. */
export const sharedIds = sharedPerBroker<Opened>(open, ({ resources }) => resources.disposeAsync());

async function open(broker: ServiceBroker): Promise<Opened> {
  await using acquired = new AsyncDisposableStack();
  const use = acquireInto(acquired, broker);
  const sql = await use(sharedDatabase);
  const { leases } = await use(sharedHotStore);
  const ids = await IdSource.open({
    sql,
    leases,
    owner: randomUUID(),
    logger: broker.getLogger("ids"),
    onLost: (error) => stopNode(broker, error),
  });
  acquired.defer(() => ids.close());
  return { ids, resources: acquired.move() };
}

function stopNode(broker: ServiceBroker, error: Error): void {
  broker.logger.fatal("This node stops:", error);
  broker.stop().catch((stopError: unknown) => broker.logger.error("The node did not stop in order:", stopError));
}

/** What `withIds()` puts on `this`. */
export interface IdsVars {
  readonly ids: Ids;
}

/** Gives a service the node's ids as `this.ids`, from before its own `started()` until after its own `stopped()`. */
export function withIds(): Partial<ServiceSchema> {
  return mixinOf("ids", sharedIds, ({ ids }) => ids);
}
