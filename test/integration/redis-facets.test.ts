import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openRedisClient } from "../../mixins/hot-store/redis/client.ts";
import { redisLeases } from "../../mixins/hot-store/redis/leases.ts";
import { redisLimits } from "../../mixins/hot-store/redis/limits.ts";
import { redisPresence } from "../../mixins/hot-store/redis/presence.ts";
import { redisSessions } from "../../mixins/hot-store/redis/sessions.ts";
import { endingOf, logLines, ownRedis } from "../support/redis.ts";
import type { OwnRedis } from "../support/redis.ts";
import { reasonToSkip } from "../support/servers.ts";
import { stopwatch } from "../support/stopwatch.ts";
import { waitFor } from "../support/wait.ts";

const skip = await reasonToSkip("redis");
const DEADLINE_MS = 2_000;
const WINDOW_MS = 60_000;

const connection = {
  ...{ userId: "1", connectionId: "c", sessionId: "s", deviceId: "d", gatewayNodeId: "n" },
  deviceType: "web" as const,
};
const session = (sessionId: string) => ({ sessionId, userId: "1", deviceId: "d", expiresAt: Date.now() + WINDOW_MS });

async function openFacets({ url }: OwnRedis) {
  const client = await openRedisClient({ url, logger: logLines() });
  return {
    sessions: redisSessions(client),
    presence: redisPresence(client),
    limits: redisLimits(client),
    leases: redisLeases(client),
    isBack: () => waitFor(async () => (await endingOf(() => client.ping())).outcome === "done", "Redis to be back", 10_000),
    [Symbol.asyncDispose]: () => client.close(),
  };
}
type Facets = Awaited<ReturnType<typeof openFacets>>;

const now = (): number => Date.now();
const writes = ({ sessions, presence, leases }: Facets): Record<string, () => Promise<unknown>> => ({
  "sessions.put": () => sessions.put(session("1")),
  "sessions.end": () => sessions.end(["1", "2"]),
  "presence.connect": () => presence.connect(connection, 5, now()),
  "presence.disconnect": () => presence.disconnect("1", "c", now()),
  "presence.heartbeat": () => presence.heartbeat("n", [connection], now()),
  "presence.takeArrival": () => presence.takeArrival("1", now()),
  "presence.takeDeparture": () => presence.takeDeparture("1", now()),
  "leases.acquire": () => leases.acquire("x", "a", 1_000),
  "leases.renew": () => leases.renew({ name: "x", token: 1 }, "a", 1_000),
  "leases.release": () => leases.release({ name: "x", token: 1 }, "a"),
});
const reads = ({ sessions, presence }: Facets): Record<string, () => Promise<unknown>> => ({
  "sessions.get": () => sessions.get("1"),
  "sessions.endedAmong": () => sessions.endedAmong(["1", "2"]),
  "presence.of": () => presence.of(["1", "2"], now()),
  "presence.departed": () => presence.departed(now(), 10),
});

async function assertUnavailable(calls: Record<string, () => Promise<unknown>>): Promise<void> {
  for (const [name, ending] of await Promise.all(
    Object.entries(calls).map(async ([name, work]) => [name, await endingOf(work)] as const),
  )) {
    assert.equal(ending.outcome, "unavailable", `${name}: ${String(ending.error)}`);
    assert.ok(ending.tookMs < DEADLINE_MS, `${name} took ${ending.tookMs} ms`);
  }
}

/** Limits go on within the node: as strict as ever, and in time. */
async function assertLimitsCountHere({ limits }: Facets, key: string): Promise<void> {
  const took = stopwatch();
  const waits = await Promise.all([1, 2, 3].map(() => limits.consume(key, 2, WINDOW_MS)));
  assert.deepEqual(
    waits.map((waitMs) => waitMs > 0),
    [false, false, true],
  );
  assert.ok((await limits.blockedFor(key, 2, WINDOW_MS)) > 0);
  await limits.reset(key, WINDOW_MS);
  assert.equal(await limits.blockedFor(key, 2, WINDOW_MS), 0);
  assert.ok(took() < 2 * DEADLINE_MS);
}

interface Outage {
  readonly name: string;
  fail(redis: OwnRedis): Promise<unknown>;
  heal(redis: OwnRedis): Promise<unknown>;
  /** What does not work while it lasts. */
  refused(facets: Facets): Record<string, () => Promise<unknown>>;
}
const all = (facets: Facets) => ({ ...reads(facets), ...writes(facets) });
const outages: Outage[] = [
  { name: "killed", fail: ({ server }) => server.kill(), heal: ({ server }) => server.restart(), refused: all },
  { name: "frozen", fail: ({ server }) => server.pause(), heal: ({ server }) => server.resume(), refused: all },
  {
    name: "made read-only",
    fail: ({ command }) => command("REPLICAOF", "127.0.0.1", "1"),
    heal: ({ command }) => command("REPLICAOF", "NO", "ONE"),
    refused: writes,
  },
];

describe("the facets of the hot store", { skip }, () => {
  for (const { name, fail, heal, refused } of outages)
    it(`refuse in time and count limits within the node while Redis is ${name}, and go on afterwards`, async () => {
      await using redis = await ownRedis();
      await using facets = await openFacets(redis);
      await facets.sessions.put(session("kept"));
      const held = await facets.leases.acquire("held", "a", WINDOW_MS);
      assert.ok(held);
      assert.equal(await facets.limits.consume("shared", 1, WINDOW_MS), 0);

      await fail(redis);
      await assertUnavailable(refused(facets));
      await assertLimitsCountHere(facets, "outage");

      await heal(redis);
      await facets.isBack();
      for (const work of Object.values(all(facets))) await work();
      assert.equal((await facets.sessions.get("kept")) === null, false);
      assert.equal(await facets.leases.renew(held, "a", WINDOW_MS), true);
      assert.ok((await facets.limits.consume("shared", 1, WINDOW_MS)) > 0, "what was counted before still counts");
    });

  it("begin anew when Redis was wiped: leases with greater tokens, presence with the next heartbeat", async () => {
    await using redis = await ownRedis();
    await using facets = await openFacets(redis);
    const { leases, presence, sessions } = facets;
    const held = await leases.acquire("x", "a", WINDOW_MS);
    assert.ok(held);
    await presence.connect(connection, 5, now());
    await sessions.put(session("1"));
    await redis.command("FLUSHALL");

    assert.equal(await leases.renew(held, "a", WINDOW_MS), false);
    assert.ok(((await leases.acquire("x", "b", WINDOW_MS))?.token ?? 0) > held.token);
    assert.equal(await sessions.get("1"), null);
    assert.deepEqual(await presence.heartbeat("n", [connection], now()), [connection]);
    assert.deepEqual(await presence.connect(connection, 5, now()), { accepted: true, first: true });
  });
});
