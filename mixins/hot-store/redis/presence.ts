import { bucketTag, bucketTags, presenceDueKey, presenceKey } from "../../../config/redis-keys.ts";
import { PRESENCE_TTL_MS } from "../../../config/limits.ts";
import type { HotConnection, HotPresence, PresenceState } from "../port.ts";
import { luaScript } from "./client.ts";
import type { RedisArgument, RedisClient } from "./client.ts";
import { answersOf } from "./redis-errors.ts";

const CHANGE = luaScript("presence-change");
const HEARTBEAT = luaScript("presence-heartbeat");
const OF = luaScript("presence-of");
/** What is known of a user is forgotten this long after the last change; SQL knows when the user was last seen. */
const KEPT_MS = 7 * 86_400_000;

export interface RedisPresenceOptions {
  readonly ttlMs?: number;
}

/** Users of all gateways. Heartbeats and questions for many are one call for each bucket, in one round trip. */
export function redisPresence(client: RedisClient, { ttlMs = PRESENCE_TTL_MS }: RedisPresenceOptions = {}): HotPresence {
  const change = (kind: string, userId: string, now: number, ...more: RedisArgument[]): Promise<unknown> => {
    const keys = [presenceKey(userId), presenceDueKey(bucketTag(userId))];
    return client.run(CHANGE, keys, [kind, userId, now, ttlMs, KEPT_MS, ...more]);
  };

  return {
    async connect(connection, max, now) {
      const { userId, connectionId } = connection;
      const taken = await change("connect", userId, now, connectionId, JSON.stringify(connection), max);
      return { accepted: taken !== 0, first: taken === 2 };
    },
    async disconnect(userId, connectionId, now) {
      return { last: (await change("disconnect", userId, now, connectionId)) === 1 };
    },
    async heartbeat(gatewayNodeId, connections, now) {
      const buckets = [...Map.groupBy(connections, ({ userId }) => bucketTag(userId))];
      const calls = buckets.map(([tag, those]) => ({
        script: HEARTBEAT,
        keys: [presenceDueKey(tag), ...those.map(({ userId }) => presenceKey(userId))],
        args: [now, ttlMs, KEPT_MS, gatewayNodeId, ...those.flatMap(({ userId, connectionId }) => [userId, connectionId])],
      }));
      const lost = (await client.runAll(calls)) as number[][];
      return buckets.flatMap(([, those], bucket) => lost[bucket]!.map((place) => those[place - 1]!));
    },
    async of(userIds, now) {
      const buckets = [...Map.groupBy(new Set(userIds), bucketTag).values()];
      const calls = buckets.map((those) => ({ script: OF, keys: those.map(presenceKey), args: [] }));
      const found = (await client.runAll(calls)) as string[][][];
      const states = buckets.flatMap((those, bucket) =>
        those.map((userId, at) => [userId, stateOf(found[bucket]![at]!, now - ttlMs)] as const),
      );
      return new Map(states);
    },
    takeArrival: async (userId, now) => (await change("arrival", userId, now)) === 1,
    takeDeparture: async (userId, now) => (await change("departure", userId, now)) === 1,
    async departed(upTo, limit) {
      const found = await client.attempt(async (redis) => {
        const pipeline = redis.pipeline();
        for (const tag of bucketTags()) pipeline.zrange(presenceDueKey(tag), "-inf", upTo, "BYSCORE", "LIMIT", 0, limit);
        return answersOf(await pipeline.exec()) as string[][];
      });
      return found.flat().slice(0, limit);
    },
  };
}

/** Of the fields of a user's hash. @param deadAt a connection whose last heartbeat was then or before is gone */
function stateOf(fields: readonly string[], deadAt: number): PresenceState {
  const values = new Map<string, string>();
  for (let at = 0; at < fields.length; at += 2) values.set(fields[at]!, fields[at + 1]!);
  const known = [...values].filter(([field]) => field.startsWith("c:"));
  const all = known.map(([field, json]) => ({
    ...(JSON.parse(json) as HotConnection),
    heartbeatAt: Number(values.get(`h:${field.slice(2)}`)),
  }));
  const connections = all.filter(({ heartbeatAt }) => heartbeatAt > deadAt);
  const times = (connections.length > 0 ? connections : all).map(({ heartbeatAt }) => heartbeatAt);
  if (connections.length === 0 && values.has("seen")) times.push(Number(values.get("seen")));
  const lastSeenAt = times.length > 0 ? Math.max(...times) : null;
  return { online: connections.length > 0, isShown: values.has("shown"), lastSeenAt, connections };
}
