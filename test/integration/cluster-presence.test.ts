import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import type { ServiceSchema } from "moleculer";
import { bucketTag, presenceDueKey, presenceKey } from "../../config/redis-keys.ts";
import { PRESENCE_TTL_MS } from "../../config/limits.ts";
import type { Presence } from "../../contracts/entities.ts";
import friend from "../../services/friend/friend.service.ts";
import presence from "../../services/presence/presence.service.ts";
import { standIn } from "../support/accounts.ts";
import { createNeighbours } from "../support/neighbours.ts";
import { createNode, type TestNode } from "../support/node.ts";
import { ann, bob, cid, hotPresenceOf, sessionOf } from "../support/presence-node.ts";
import { endingOf, ownRedis } from "../support/redis.ts";
import type { OwnRedis } from "../support/redis.ts";
import { reasonToSkip } from "../support/servers.ts";
import { waitFor } from "../support/wait.ts";

const skip = await reasonToSkip("redis");
const CALL_MS = 2_000;
const SWEEP_MS = 20;

interface Cluster extends AsyncDisposable {
  readonly redis: OwnRedis;
  /** With presence on each. */
  readonly nodes: readonly [TestNode, TestNode];
  /** What watchers of a user were told. */
  told(userId: string): boolean[];
}

/** Two nodes with presence, which share Redis, and one with its neighbours. */
async function startCluster(offlineDelayMs = 0): Promise<Cluster> {
  const owner = new AsyncDisposableStack();
  const redis = owner.use(await ownRedis());
  const around = createNeighbours();
  const options = { broker: { transporter: "Fake" as const, namespace: randomUUID() }, config: { redisUrl: redis.url } };
  const auth = standIn("auth", { seen: () => null, lastSeenOf: () => ({}) });
  owner.use(await createNode([friend, auth, ...around.services], options));
  const settings = { offlineDelayMs, sweepEveryMs: SWEEP_MS, toldEveryMs: 10 } as ServiceSchema["settings"];
  const start = async (): Promise<TestNode> => owner.use(await createNode([{ ...presence, settings }], options));
  const nodes = [await start(), await start()] as const;
  for (const { broker } of nodes) await broker.waitForServices(["settings", "socket", "friend", "auth"], 10_000, 20);
  return {
    redis,
    nodes,
    told: (userId) =>
      around.deliveries.filter(({ room }) => room === `p:${userId}`).map(({ payload }) => (payload as Presence).online),
    [Symbol.asyncDispose]: () => owner.disposeAsync(),
  };
}

const connectionOf = (userId: string, connectionId: string, gatewayNodeId: string) => ({
  ...{ userId, connectionId, gatewayNodeId, sessionId: sessionOf(userId), deviceId: "phone" },
  deviceType: "ios" as const,
});
const connect = async (node: TestNode, userId: string, connectionId: string, gateway = "gate"): Promise<boolean> =>
  (await node.call("presence.connected", connectionOf(userId, connectionId, gateway))).accepted;
const disconnect = (node: TestNode, userId: string, connectionId: string): Promise<unknown> =>
  node.call("presence.disconnected", { userId, sessionId: sessionOf(userId), connectionId });
const isOnline = async (node: TestNode, userId: string): Promise<unknown> =>
  (await node.call("presence.of", { userIds: [userId] }))[0]?.["online"];

/** As if the gateway of this connection had been killed so long ago that the connection counts as gone. */
async function fallSilent({ redis }: Cluster, userId: string, connectionId: string): Promise<void> {
  const lastHeartbeat = Date.now() - PRESENCE_TTL_MS;
  await redis.command("HSET", presenceKey(userId), `h:${connectionId}`, String(lastHeartbeat));
  await redis.command("ZADD", presenceDueKey(bucketTag(userId)), String(lastHeartbeat + PRESENCE_TTL_MS), userId);
}

/** No departure is told of until the function that this gives is called, however long what is done before takes. */
function holdDepartures({ nodes }: Cluster): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const presence of nodes.map(hotPresenceOf)) {
    const take = presence.takeDeparture;
    presence.takeDeparture = async (...which) => {
      await promise;
      return take(...which);
    };
  }
  return resolve;
}

/** Both nodes have looked for departures since. */
async function assertNoMoreTold({ nodes, told }: Cluster, userId: string, expected: boolean[]): Promise<void> {
  for (const node of nodes) {
    const connectionId = randomUUID();
    await connect(node, cid, connectionId);
    await waitFor(() => told(cid).at(-1) === true, "someone else's arrival");
    await disconnect(node, cid, connectionId);
    await waitFor(() => told(cid).at(-1) === false, "someone else's departure");
  }
  assert.deepEqual(told(userId), expected);
}

describe("presence on several nodes that share Redis", { skip }, () => {
  it("tells once of the first connection and of the last one's end, whichever nodes hear of them", async () => {
    await using cluster = await startCluster();
    const [one, two] = cluster.nodes;
    await connect(one, bob, "b1");
    await waitFor(() => cluster.told(bob).length === 1); // who has gone again by then is told of no more
    await connect(two, bob, "b2");
    await disconnect(two, bob, "b1");
    assert.equal(await isOnline(one, bob), true);
    await disconnect(one, bob, "b2");
    assert.equal(await isOnline(two, bob), false);
    await waitFor(() => cluster.told(bob).length === 2);
    await assertNoMoreTold(cluster, bob, [true, false]);
  });

  it("says nothing of a user who is back on another node before the delay is over", async () => {
    await using cluster = await startCluster(200);
    const [one, two] = cluster.nodes;
    await connect(one, bob, "b1");
    await waitFor(() => cluster.told(bob).length === 1);
    const isBack = holdDepartures(cluster);
    await disconnect(one, bob, "b1");
    await connect(two, bob, "b2");
    isBack();
    await assertNoMoreTold(cluster, bob, [true]);
  });

  it("tells once of the users of a gateway that was killed", async () => {
    await using cluster = await startCluster();
    const [one, two] = cluster.nodes;
    for (const [node, userId] of [
      [one, ann],
      [two, bob],
    ] as const)
      await connect(node, userId, `${userId}-1`);
    await waitFor(() => cluster.told(ann).length + cluster.told(bob).length === 2);
    for (const userId of [ann, bob]) await fallSilent(cluster, userId, `${userId}-1`);
    for (const userId of [ann, bob]) {
      await waitFor(() => cluster.told(userId).length === 2);
      await assertNoMoreTold(cluster, userId, [true, false]);
    }
  });

  it("says nothing of the users of a killed gateway who came back to another, neither then nor when the first is missed", async () => {
    await using cluster = await startCluster();
    const [one, two] = cluster.nodes;
    await connect(one, bob, "b1", "killed");
    await waitFor(() => cluster.told(bob).length === 1);
    await connect(two, bob, "b2", "other");
    await fallSilent(cluster, bob, "b1");
    await assertNoMoreTold(cluster, bob, [true]);
    const [state] = await one.call("presence.of", { userIds: [bob] });
    const connections = state?.["connections"] as Record<string, unknown>[];
    assert.deepEqual(
      connections.map(({ connectionId, gatewayNodeId }) => [connectionId, gatewayNodeId]),
      [["b2", "other"]],
    );
  });

  it("tells of a departure that the node which heard of it did not live to tell", async () => {
    await using cluster = await startCluster(200);
    const [one, two] = cluster.nodes;
    await connect(one, bob, "b1");
    await waitFor(() => cluster.told(bob).length === 1);
    await disconnect(one, bob, "b1");
    await one.broker.stop();
    await waitFor(() => cluster.told(bob).length === 2);
    assert.equal(await isOnline(two, bob), false);
    assert.deepEqual(cluster.told(bob), [true, false]);
  });

  it("lets in who was connected to a gateway that is gone, though all connections seem taken", async () => {
    await using cluster = await startCluster();
    const [one, two] = cluster.nodes;
    const gateway = one.broker.nodeID;
    for (let count = 1; count <= 5; count++) assert.equal(await connect(one, bob, `b${count}`, gateway), true);
    assert.equal(await connect(two, bob, "b6", two.broker.nodeID), false);
    await one.broker.stop();
    await waitFor(() => two.broker.registry.nodes.get(gateway)?.available === false);
    for (let count = 6; count <= 10; count++) assert.equal(await connect(two, bob, `b${count}`, two.broker.nodeID), true);
    assert.equal(await connect(two, bob, "b11", two.broker.nodeID), false);
  });

  it("has everyone back with the next heartbeats when Redis was wiped", async () => {
    await using cluster = await startCluster();
    const [one, two] = cluster.nodes;
    await connect(one, bob, "b1");
    await cluster.redis.command("FLUSHALL");
    assert.equal(await isOnline(two, bob), false);
    const { gatewayNodeId, ...connection } = connectionOf(bob, "b1", "gate");
    await two.call("presence.heartbeat", { gatewayNodeId, connections: [connection] });
    assert.equal(await isOnline(one, bob), true);
    await disconnect(one, bob, "b1");
    await waitFor(() => cluster.told(bob).at(-1) === false);
  });

  it("refuses in time while Redis is away, and tells afterwards of those who left meanwhile", async () => {
    await using cluster = await startCluster();
    const [one, two] = cluster.nodes;
    await connect(one, bob, "b1");
    await waitFor(() => cluster.told(bob).length === 1);
    await cluster.redis.server.pause();
    for (const work of [() => connect(two, ann, "a1"), () => disconnect(two, bob, "b1")]) {
      const { outcome, tookMs } = await endingOf(work);
      assert.equal(outcome, "unavailable");
      assert.ok(tookMs < CALL_MS, `took ${tookMs} ms`);
    }
    await cluster.redis.server.resume();
    for (const node of cluster.nodes)
      await waitFor(async () => (await endingOf(() => isOnline(node, bob))).outcome === "done", "Redis", 10_000);
    await fallSilent(cluster, bob, "b1");
    await waitFor(() => cluster.told(bob).at(-1) === false);
    await assertNoMoreTold(cluster, bob, [true, false]);
  });
});
