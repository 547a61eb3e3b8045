import type { HotStore } from "../port.ts";
import { openRedisClient } from "./client.ts";
import type { RedisClientOptions } from "./client.ts";
import { redisConversations } from "./conversations.ts";
import type { RedisConversationsDeps } from "./conversations.ts";
import { redisLeases } from "./leases.ts";
import { redisLimits } from "./limits.ts";
import { redisPresence } from "./presence.ts";
import { redisSessions } from "./sessions.ts";

/** The server, and what SQL and the message log know of seqs. */
export type RedisHotStoreOptions = RedisClientOptions & Omit<RedisConversationsDeps, "client">;

/**
 * The hot store of the cluster: one Redis for all nodes, through one connection of this one.
 * @throws as `openRedisClient`
 */
export async function openRedisHotStore({ blocks, sentKeys, drained, ...options }: RedisHotStoreOptions): Promise<HotStore> {
  const client = await openRedisClient(options);
  const conversations = redisConversations({ client, blocks, sentKeys, drained });
  return {
    conversations,
    sessions: redisSessions(client),
    presence: redisPresence(client),
    limits: redisLimits(client),
    leases: redisLeases(client),
    ping: () => client.ping(),
    async close() {
      await conversations.close();
      await client.close();
    },
  };
}
