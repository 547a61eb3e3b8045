import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Database } from "../../mixins/database/port.ts";
import { sqlSentKeys } from "../../mixins/hot-store/sent-keys.ts";
import { SqlSeqBlocks } from "../../mixins/hot-store/seq-blocks.ts";
import { openRedisClient, type RedisClient } from "../../mixins/hot-store/redis/client.ts";
import {
  redisConversations,
  type RedisConversations,
  type RedisConversationsDeps,
} from "../../mixins/hot-store/redis/conversations.ts";
import { silent } from "./database.ts";

/** Conversations in Redis as one node has them. */
export interface RedisNode extends AsyncDisposable {
  readonly conversations: RedisConversations;
  readonly client: RedisClient;
  readonly blocks: SqlSeqBlocks;
}

export interface RedisNodeOptions extends Partial<RedisConversationsDeps> {
  readonly url: string;
  readonly sql: Database;
  /** Nodes with the same one share their conversations; it is not removed. */
  readonly keyPrefix: string;
}

/** Nobody is refused because a busy machine takes long to reserve seqs. */
const EXTEND_WAIT_MS = 20_000;

export const newPrefix = (): string => `test:${randomUUID()}:`;

export async function redisNode({ url, sql, keyPrefix, ...deps }: RedisNodeOptions): Promise<RedisNode> {
  const client = inOneSlot(await openRedisClient({ url, logger: silent, keyPrefix }));
  const blocks = new SqlSeqBlocks(sql);
  const conversations = redisConversations({
    client,
    blocks,
    sentKeys: sqlSentKeys(sql),
    drained: async () => true,
    extendWaitMs: EXTEND_WAIT_MS,
    ...deps,
  });
  return {
    conversations,
    client,
    blocks,
    async [Symbol.asyncDispose]() {
      await conversations.close();
      await client.close();
    },
  };
}

/** Fails on a script call that Redis Cluster would refuse. */
function inOneSlot(client: RedisClient): RedisClient {
  const check = (keys: readonly string[]): void => {
    const tags = new Set(keys.map((key) => /\{[^}]+\}/.exec(key)?.[0]));
    assert.ok(tags.size === 1 && !tags.has(undefined), keys.join(" "));
  };
  return {
    ...client,
    run(script, keys, args) {
      check(keys);
      return client.run(script, keys, args);
    },
    runAll(calls) {
      for (const { keys } of calls) check(keys);
      return client.runAll(calls);
    },
  };
}

/** The keys with this prefix, without it. */
export async function keysOf(client: RedisClient, keyPrefix: string, pattern = "*"): Promise<string[]> {
  const keys = await client.attempt((redis) => redis.keys(`${keyPrefix}${pattern}`));
  return keys.map((key) => key.slice(keyPrefix.length));
}

/** As if this part of Redis had lost everything. */
export async function wipe(client: RedisClient, keyPrefix: string): Promise<void> {
  const keys = await keysOf(client, keyPrefix);
  if (keys.length > 0) await client.attempt((redis) => redis.del(keys));
}
