import type { ServiceBroker } from "moleculer";
import type { Shared } from "./shared.ts";

/** Makes a function that acquires shared resources of the broker; `owner` gives them back, the last one first. */
export function acquireInto(owner: AsyncDisposableStack, broker: ServiceBroker): <T>(shared: Shared<T>) => Promise<T> {
  return async (shared) => {
    const resource = await shared.acquire(broker);
    owner.defer(() => shared.release(broker));
    return resource;
  };
}
