import type { ServiceBroker, ServiceSchema } from "moleculer";
import type { Config } from "../../config/config.ts";
import { mixinOf, sharedPerBroker } from "../shared.ts";
import { memoryHotStore } from "./memory.ts";
import type { HotStore } from "./port.ts";

export type { HotStore } from "./port.ts";

/** Opens the hot store that the configuration asks for. */
export function openHotStore(config: Config): Promise<HotStore> {
  if (config.redisUrl !== null)
    return Promise.reject(new Error("IM_REDIS_URL is set, but this version keeps its hot store in process only: unset it"));
  return Promise.resolve(memoryHotStore());
}

/** The node's one hot store. */
export const sharedHotStore = sharedPerBroker<HotStore>(
  (_broker, config) => openHotStore(config),
  (hot) => hot.close(),
  { part: "hotStore", ping: (hot) => hot.ping() },
);
export const acquireHotStore = (broker: ServiceBroker): Promise<HotStore> => sharedHotStore.acquire(broker);
export const releaseHotStore = (broker: ServiceBroker): Promise<void> => sharedHotStore.release(broker);

/** What `withHotStore()` puts on `this`. */
export interface HotStoreVars {
  readonly hot: HotStore;
}

/** Gives a service the node's hot store as `this.hot`, from before its own `started()` until after its own `stopped()`. */
export function withHotStore(): Partial<ServiceSchema> {
  return mixinOf("hot", sharedHotStore);
}
