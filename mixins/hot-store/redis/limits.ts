import { limitKey, saidKey } from "../../../config/redis-keys.ts";
import { isImError } from "../../../lib/errors.ts";
import { memoryLimits } from "../limits-memory.ts";
import type { HotLimits } from "../port.ts";
import { luaScript } from "./client.ts";
import type { RedisClient } from "./client.ts";

const CONSUME = luaScript("limit-consume");
const READ = luaScript("limit-read");
const NEWS = luaScript("limit-news");

/**
 * Counts of all nodes, in the windows of `memoryLimits`. While Redis is away each node counts by itself from nothing (S15): a
 * limit then holds for each node, and nobody is refused because of the outage.
 */
export function redisLimits(client: RedisClient, local: HotLimits = memoryLimits()): HotLimits {
  return {
    consume: (key, limit, windowMs, points = 1) =>
      orElse(
        async () => {
          const [count, leftMs] = (await client.run(CONSUME, [limitKey(key, windowMs)], [points, windowMs])) as Counter;
          return count > limit ? Math.max(1, leftMs) : 0;
        },
        () => local.consume(key, limit, windowMs, points),
      ),
    blockedFor: (key, limit, windowMs) =>
      orElse(
        async () => {
          const [count, leftMs] = (await client.run(READ, [limitKey(key, windowMs)], [])) as Counter;
          return count >= limit ? leftMs : 0;
        },
        () => local.blockedFor(key, limit, windowMs),
      ),
    async reset(key, windowMs) {
      await local.reset(key, windowMs);
      await orElse(
        async () => void (await client.attempt((redis) => redis.del(limitKey(key, windowMs)))),
        () => Promise.resolve(),
      );
    },
    isNews: (key, value, windowMs) =>
      orElse(
        async () => (await client.run(NEWS, [saidKey(key, windowMs)], [value, windowMs])) === 1,
        () => local.isNews(key, value, windowMs),
      ),
  };
}

type Counter = [count: number, leftMs: number];

async function orElse<T>(shared: () => Promise<T>, local: () => Promise<T>): Promise<T> {
  try {
    return await shared();
  } catch (error) {
    if (!isImError(error, "UNAVAILABLE")) throw error;
    return local();
  }
}
