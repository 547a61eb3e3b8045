import type { ServiceBroker, ServiceSchema } from "moleculer";
import type { Config } from "../../config/config.ts";
import { mixinOf, sharedPerBroker } from "../shared.ts";
import { memoryHotStore } from "./memory.ts";
import type { HotStore } from "./port.ts";
import { seqSources } from "./seq-sources.ts";

export type { HotStore } from "./port.ts";

/** Opens the hot store that the configuration asks for: in Redis where it names one, else in process. */
async function open(broker: ServiceBroker, { redisUrl, nodeId }: Config): Promise<HotStore> {
  if (redisUrl === null) return memoryHotStore();
  const { openRedisHotStore } = await import("./redis/index.ts"); // its library costs time of every start
  const sources = seqSources(broker);
  const logger = broker.getLogger("hotStore");
  const hot = await openRedisHotStore({ url: redisUrl, logger, name: `im-hot-${nodeId}`, ...sources });
  const close = async (): Promise<void> => {
    await hot.close();
    await sources.close();
  };
  return { ...hot, close };
}

/** The node's one hot store. */
export const sharedHotStore = sharedPerBroker<HotStore>(open, (hot) => hot.close(), {
  part: "hotStore",
  ping: (hot) => hot.ping(),
  isRemote: ({ redisUrl }) => redisUrl !== null,
});
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
