import type { ServiceBroker } from "moleculer";
import type { Shared } from "../mixins/shared.ts";

/** Uses a resource of the node and gives it back. */
export async function borrow<T, R>(broker: ServiceBroker, shared: Shared<T>, use: (resource: T) => Promise<R>): Promise<R> {
  const resource = await shared.acquire(broker);
  try {
    return await use(resource);
  } finally {
    await shared.release(broker);
  }
}
