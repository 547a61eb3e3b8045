import { bucketTag, sessionKey } from "../../../config/redis-keys.ts";
import type { HotSession, HotSessions } from "../port.ts";
import { luaScript } from "./client.ts";
import type { RedisClient } from "./client.ts";
import { answersOf } from "./redis-errors.ts";

const PUT = luaScript("session-put");
const ENDED = "ended";
/** SQL is asked for a live session again after this time. */
const LIVE_FOR_MS = 3_600_000;
/** The longest life of an access token is a day. */
const ENDED_FOR_MS = 25 * 3_600_000;

export function redisSessions(client: RedisClient): HotSessions {
  return {
    async put(session) {
      const leftMs = Math.min(session.expiresAt - Date.now(), LIVE_FOR_MS);
      if (leftMs <= 0) return;
      await client.run(PUT, [sessionKey(session.sessionId)], [JSON.stringify(session), leftMs]);
    },
    async get(sessionId) {
      const found = await client.attempt((redis) => redis.get(sessionKey(sessionId)));
      if (found === null || found === ENDED) return found;
      const session = JSON.parse(found) as HotSession;
      return session.expiresAt > Date.now() ? session : null;
    },
    async end(sessionIds) {
      if (sessionIds.length === 0) return;
      await client.attempt(async (redis) => {
        const pipeline = redis.pipeline();
        for (const sessionId of sessionIds) pipeline.set(sessionKey(sessionId), ENDED, "PX", ENDED_FOR_MS);
        answersOf(await pipeline.exec());
      });
    },
    async endedAmong(sessionIds) {
      const buckets = [...Map.groupBy(sessionIds, bucketTag).values()];
      if (buckets.length === 0) return [];
      const states = await client.attempt(async (redis) => {
        const pipeline = redis.pipeline();
        for (const ids of buckets) pipeline.mget(ids.map(sessionKey));
        return answersOf(await pipeline.exec()) as (string | null)[][];
      });
      return buckets.flatMap((ids, bucket) => ids.filter((_, at) => states[bucket]![at] === ENDED));
    },
  };
}
