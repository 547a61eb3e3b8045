import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { HotStoreVars } from "../../mixins/hot-store/index.ts";
import auth from "../../services/auth/auth.service.ts";
import { buildUser, createAccountNode, errorType, signIn } from "../support/accounts.ts";
import { createNode, type TestNode } from "../support/node.ts";
import { endingOf, ownRedis } from "../support/redis.ts";
import type { OwnRedis } from "../support/redis.ts";
import { reasonToSkip } from "../support/servers.ts";
import { verifyType } from "../support/sessions.ts";
import { waitFor } from "../support/wait.ts";

const skip = await reasonToSkip("redis");
/** An ending reaches everyone within this time. */
const ENDING_MS = 5_000;
const CALL_MS = 2_000;

interface Cluster extends AsyncDisposable {
  readonly redis: OwnRedis;
  readonly nodes: readonly [TestNode, TestNode];
}

/** Two nodes with sign-in on each; they share Redis and the database, and do not know of each other. */
async function startCluster(): Promise<Cluster> {
  const owner = new AsyncDisposableStack();
  const redis = owner.use(await ownRedis());
  const dataDir = await mkdtemp(join(tmpdir(), "im-cluster-"));
  owner.defer(() => rm(dataDir, { recursive: true, force: true }));
  const options = { dataDir, config: { redisUrl: redis.url, jwtSecret: randomUUID() } };
  const first = owner.use(await createAccountNode([], options));
  const second = owner.use(await createNode([auth], options));
  return { redis, nodes: [first, second], [Symbol.asyncDispose]: () => owner.disposeAsync() };
}

const hotOf = ({ broker }: TestNode) => (broker.getLocalService("auth") as unknown as HotStoreVars).hot;

/** That the token is refused on each node, in time. */
async function assertEndedEverywhere({ nodes }: Cluster, token: string): Promise<void> {
  for (const node of nodes)
    await waitFor(async () => (await verifyType(node, token)) === "SESSION_ENDED", "the ending", ENDING_MS);
}

describe("sessions of several nodes that share Redis", { skip }, () => {
  it("are known on each, and end on each at once", async () => {
    await using cluster = await startCluster();
    const [first, second] = cluster.nodes;
    const { username } = await buildUser(first);
    const { accessToken, caller } = await signIn(first, username);
    assert.equal(await verifyType(second, accessToken), "");
    await second.as(caller, "auth.logout", {});
    assert.deepEqual(await Promise.all(cluster.nodes.map((node) => verifyType(node, accessToken))), [
      "SESSION_ENDED",
      "SESSION_ENDED",
    ]);
  });

  it("go on when Redis was wiped, and those that ended stay ended", async () => {
    await using cluster = await startCluster();
    const [first, second] = cluster.nodes;
    const { username } = await buildUser(first);
    const [live, ended] = [await signIn(first, username), await signIn(first, username)];
    await first.as(ended.caller, "auth.logout", {});
    await cluster.redis.command("FLUSHALL");
    for (const node of [second, first]) {
      assert.equal(await verifyType(node, live.accessToken), "");
      assert.equal(await verifyType(node, ended.accessToken), "SESSION_ENDED");
    }
    assert.ok(await hotOf(first).sessions.get(live.caller.sessionId), "it is kept hot again");
  });

  for (const [name, fail] of [
    ["killed", ({ server }: OwnRedis) => server.kill()],
    ["frozen", ({ server }: OwnRedis) => server.pause()],
  ] as const)
    it(`are checked, begun and ended in SQL while Redis is ${name}`, async () => {
      await using cluster = await startCluster();
      const [first, second] = cluster.nodes;
      const { username } = await buildUser(first);
      const { accessToken, caller } = await signIn(first, username);
      await fail(cluster.redis);
      const checked = await endingOf(() => second.call("auth.verify", { token: accessToken }));
      assert.equal(checked.outcome, "done");
      assert.ok(checked.tookMs < CALL_MS, `took ${checked.tookMs} ms`);
      assert.equal(await verifyType(second, (await signIn(first, username)).accessToken), "");
      await first.as(caller, "auth.logout", {});
      await assertEndedEverywhere(cluster, accessToken);
    });

  it("stay ended when Redis is back and has not heard of it", async () => {
    await using cluster = await startCluster();
    const [first, second] = cluster.nodes;
    const { username } = await buildUser(first);
    const { accessToken, caller } = await signIn(first, username);
    await cluster.redis.server.pause();
    await first.as(caller, "auth.logout", {});
    await assertEndedEverywhere(cluster, accessToken);
    await cluster.redis.server.resume();
    await waitFor(async () => (await endingOf(() => hotOf(second).ping())).outcome === "done", "Redis", 10_000);
    for (const node of cluster.nodes) assert.equal(await verifyType(node, accessToken), "SESSION_ENDED");
  });

  it("stay ended when Redis has lost the ending and kept the session", async () => {
    await using cluster = await startCluster();
    const [first, second] = cluster.nodes;
    const { username } = await buildUser(first);
    const { accessToken, caller } = await signIn(first, username);
    const { sessions } = hotOf(second);
    const live = await sessions.get(caller.sessionId);
    assert.ok(live && live !== "ended");
    await first.as(caller, "auth.logout", {});
    await cluster.redis.command("FLUSHALL");
    await sessions.put(live);
    await assertEndedEverywhere(cluster, accessToken);
    assert.deepEqual(await second.call("auth.endedAmong", { sessionIds: [caller.sessionId] }), [caller.sessionId]);
  });

  it("are found by gateways that no event has reached, also without Redis", async () => {
    await using cluster = await startCluster();
    const [first, second] = cluster.nodes;
    const { username } = await buildUser(first);
    const { caller } = await signIn(first, username);
    await cluster.redis.server.kill();
    await first.as(caller, "auth.logout", {});
    const ended = () => second.call("auth.endedAmong", { sessionIds: [caller.sessionId, "404"] });
    await waitFor(async () => (await ended()).length === 1, "the ending", ENDING_MS);
    assert.deepEqual(await ended(), [caller.sessionId]);
  });

  it("count wrong passwords together", async () => {
    const owner = new AsyncDisposableStack();
    await using _ = owner;
    const redis = owner.use(await ownRedis());
    const dataDir = await mkdtemp(join(tmpdir(), "im-cluster-"));
    owner.defer(() => rm(dataDir, { recursive: true, force: true }));
    const options = { dataDir, config: { redisUrl: redis.url, jwtSecret: randomUUID(), rateLimits: true } };
    const nodes = [owner.use(await createAccountNode([], options)), owner.use(await createAccountNode([], options))] as const;
    const { username } = await buildUser(nodes[0]);
    const tried: string[] = [];
    for (let i = 0; i < 11; i++)
      tried.push(await errorType(nodes[i % 2]!.call("auth.login", { username, password: "a-wrong-password" })));
    assert.deepEqual(tried, [...Array<string>(10).fill("WRONG_CREDENTIALS"), "RATE_LIMITED"]);
    await redis.server.kill();
    assert.equal(await errorType(nodes[0].call("auth.login", { username, password: "a-wrong-password" })), "WRONG_CREDENTIALS");
  });
});
