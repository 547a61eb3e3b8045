import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import { leaseKey, presenceKey, sessionKey } from "../../config/redis-keys.ts";
import { openRedisClient } from "../../mixins/hot-store/redis/client.ts";
import type { RedisClient } from "../../mixins/hot-store/redis/client.ts";
import { redisLeases } from "../../mixins/hot-store/redis/leases.ts";
import { redisLimits } from "../../mixins/hot-store/redis/limits.ts";
import { redisPresence } from "../../mixins/hot-store/redis/presence.ts";
import { redisSessions } from "../../mixins/hot-store/redis/sessions.ts";
import { serversFor } from "../support/servers.ts";
import { hotLeasesContract } from "./hot-store-leases.ts";
import { hotLimitsContract } from "./hot-store-limits.ts";
import { hotPresenceContract } from "./hot-store-presence.ts";
import { hotSessionsContract } from "./hot-store-sessions.ts";

const redis = await serversFor("redis");
const silent = { info: () => undefined, warn: () => undefined };

const HOUR_MS = 3_600_000;

/** What Redis Cluster asks of a script. */
function assertOneSlot(keys: readonly string[]): void {
  const tags = new Set(keys.map((key) => /\{[^}]+\}/.exec(key)?.[0]));
  assert.ok(tags.size === 1 && !tags.has(undefined), keys.join(" "));
}

/** With keys of its own on the server that all tests share; they are taken away when it is closed. */
async function open(): Promise<RedisClient> {
  const keyPrefix = `test:${randomUUID()}:`;
  const client = await openRedisClient({ url: redis.url, logger: silent, keyPrefix });
  return {
    ...client,
    run(script, keys, args) {
      assertOneSlot(keys);
      return client.run(script, keys, args);
    },
    runAll(calls) {
      for (const { keys } of calls) assertOneSlot(keys);
      return client.runAll(calls);
    },
    async close() {
      const keys = await client.attempt((server) => server.keys(`${keyPrefix}*`));
      if (keys.length > 0) await client.attempt((server) => server.del(keys.map((key) => key.slice(keyPrefix.length))));
      await client.close();
    },
  };
}

describe("the facets of the hot store in Redis", { skip: redis.skip }, () => {
  hotSessionsContract("Redis", async () => {
    const client = await open();
    return { sessions: redisSessions(client), close: client.close };
  });
  hotPresenceContract("Redis", async () => {
    const client = await open();
    return { presence: redisPresence(client), close: client.close };
  });
  hotLimitsContract("Redis", async () => {
    const client = await open();
    return { limits: redisLimits(client), close: client.close };
  });
  hotLeasesContract("Redis", async () => {
    const client = await open();
    return { leases: redisLeases(client), close: client.close };
  });

  const using = (work: (client: RedisClient) => Promise<void>) => async () => {
    const client = await open();
    await work(client).finally(() => client.close());
  };
  const livesFor = (client: RedisClient, key: string) => client.attempt((server) => server.pttl(key));

  it(
    "remembers an ended session for longer than an access token can live, and asks SQL for a live one again after an hour",
    using(async (client) => {
      const sessions = redisSessions(client);
      await sessions.put({ sessionId: "1", userId: "2", deviceId: "d", expiresAt: Date.now() + 30 * 24 * HOUR_MS });
      const liveMs = await livesFor(client, sessionKey("1"));
      assert.ok(liveMs > 0 && liveMs <= HOUR_MS, String(liveMs));
      await sessions.end(["1"]);
      assert.ok((await livesFor(client, sessionKey("1"))) > 24 * HOUR_MS);
    }),
  );

  it(
    "gives a greater token after the leases were lost, and none to who held one before",
    using(async (client) => {
      const leases = redisLeases(client);
      const before = await leases.acquire("x", "a", HOUR_MS);
      assert.ok(before);
      await client.attempt((server) => server.del(leaseKey("x")));
      assert.equal(await leases.renew(before, "a", HOUR_MS), false);
      const after = await leases.acquire("x", "b", HOUR_MS);
      assert.ok(after && after.token > before.token);
    }),
  );

  it(
    "lets a holder that slept go on while nobody took its lease",
    using(async (client) => {
      const leases = redisLeases(client);
      const lease = await leases.acquire("x", "a", 1);
      assert.ok(lease);
      await client.attempt((server) => server.hset(leaseKey("x"), "expiresAt", 1));
      assert.equal(await leases.renew(lease, "a", HOUR_MS), true);
      assert.equal(await leases.acquire("x", "b", HOUR_MS), null);
    }),
  );

  it(
    "forgets a user in the end",
    using(async (client) => {
      const presence = redisPresence(client);
      const connection = { userId: "1", connectionId: "c", sessionId: "s", deviceId: "d", gatewayNodeId: "n" };
      await presence.connect({ ...connection, deviceType: "web" }, 5, Date.now());
      const livesForMs = async () => Math.ceil((await livesFor(client, presenceKey("1"))) / HOUR_MS);
      assert.equal(await livesForMs(), 7 * 24);
      await client.attempt((server) => server.pexpire(presenceKey("1"), HOUR_MS));
      await presence.heartbeat("n", [connection], Date.now());
      assert.equal(await livesForMs(), 7 * 24);
    }),
  );
});
