import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import { ServiceBroker } from "moleculer";
import { buildConfig } from "../../config/env.ts";
import { REQUEST_TIMEOUT_MS } from "../../config/limits.ts";
import { toWireError } from "../../lib/errors.ts";
import { call } from "../../lib/service.ts";
import { readinessOf } from "../../mixins/health/index.ts";
import { stopReaching } from "../../mixins/reach.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import type { LogEntry } from "../../runtime/log-entry.ts";
import { createEdge, standInServices, type StandIns } from "../support/edge.ts";
import { createNode, type TestNode } from "../support/node.ts";
import { runProcess } from "../support/server-process.ts";
import { ownServers, reasonToSkip } from "../support/servers.ts";
import { waitFor } from "../support/wait.ts";

/**
 * By which a call must be beyond its time to be seen as late: what the quickest packet of two nodes that have just met took, on a
 * busy machine.
 */
const BUSY_MS = 500;

/** How a call ended: its answer or the type of its error for a client, and after how long. */
async function outcome(
  work: Promise<unknown>,
): Promise<{ answer?: unknown; error?: string; retryable?: boolean; tookMs: number }> {
  const startedAt = performance.now();
  try {
    return { answer: await work, tookMs: performance.now() - startedAt };
  } catch (error) {
    const { type, retryable } = toWireError(error);
    return { error: type, retryable, tookMs: performance.now() - startedAt };
  }
}

async function assertUnavailable(work: Promise<unknown>, withinMs: number): Promise<void> {
  const { error, retryable, tookMs } = await outcome(work);
  assert.deepEqual([error, retryable], ["UNAVAILABLE", true]);
  assert.ok(tookMs <= withinMs + 500, `it took ${tookMs} ms`);
}

/** Two nodes on this NATS that know each other: `near` has settings, `far` has user. */
async function createNodes(natsUrl: string, far: StandIns) {
  const options = { config: { natsUrl }, broker: { namespace: `outage-${randomUUID()}` } };
  const [near, farNode] = await Promise.all([
    createNode(standInServices({ "settings.get": () => "here" }, ["settings"]), options),
    createNode(standInServices(far, ["user"]), options),
  ]);
  await near.broker.waitForServices(["user"], 10_000, 20);
  const stop = async (): Promise<void> => void (await Promise.all([near.stop(), farNode.stop()]));
  return { near, far: farNode, [Symbol.asyncDispose]: stop };
}

const isUp = async ({ broker }: TestNode, part: string): Promise<boolean> => (await readinessOf(broker)).parts[part] === "up";
const getMany = ({ broker }: TestNode, timeout?: number): Promise<unknown> =>
  call(broker, "user.getMany", { userIds: ["1"] }, { timeout });

/** A broker that is not started, and what it logs. */
function createBroker(natsUrl: string): { broker: ServiceBroker; lines: string[] } {
  const lines: string[] = [];
  const config = buildConfig({ natsUrl, metricsPort: 0, port: 0, logLevel: "debug" });
  const writeLog = (entry: LogEntry): void => void lines.push(JSON.stringify(entry));
  const broker = new ServiceBroker({ ...brokerOptions(config, writeLog), namespace: `outage-${randomUUID()}` });
  return { broker, lines };
}
const warnings = (lines: readonly string[]): string[] =>
  lines.map((line) => JSON.parse(line) as LogEntry).flatMap(({ level, msg }) => (["warn", "error"].includes(level) ? [msg] : []));

describe("nodes while NATS is away", { skip: await reasonToSkip("nats") }, () => {
  it("start when it is there, and say until then in one line what is missing", async () => {
    await using servers = await ownServers("nats");
    const { host } = new URL(servers.nats.url);
    await servers.nats.kill();
    const { broker, lines } = createBroker(`nats://im:open-sesame@${host}`);
    const started = broker.start();
    await waitFor(() => lines.some((line) => line.includes("tried again")), "the first try");
    assert.deepEqual((await readinessOf(broker)).parts, { node: "down", bus: "down" });
    await servers.nats.restart();
    await started;
    assert.deepEqual(await readinessOf(broker), { ready: true, parts: { node: "up", bus: "up" } });
    assert.deepEqual(warnings(lines), [
      `The bus cannot be reached, it is tried again until it can: NATS at ${host} cannot be reached: connection refused`,
    ]);
    const options = JSON.stringify(await broker.call("$node.options"));
    assert.ok(options.includes('"transporter":{"type":"NATS"}'));
    await broker.stop();
    for (const text of [options, ...lines]) assert.ok(!text.includes("open-sesame"), text);
  });

  it("give up starting when they are told to stop", async () => {
    const { broker, lines } = createBroker("nats://127.0.0.1:1");
    const started = broker.start();
    await waitFor(() => lines.some((line) => line.includes("tried again")), "the first try");
    stopReaching(broker);
    await assert.rejects(started, /stopped before its bus could be reached/);
    await broker.stop();
  });

  it("answer what they can by themselves, fail all else at once, and find each other again (killed)", async () => {
    await using servers = await ownServers("nats");
    await using nodes = await createNodes(servers.nats.url, { "user.getMany": () => ["there"] });
    const { near, far } = nodes;
    assert.deepEqual(await getMany(near), ["there"]);
    await servers.nats.kill();
    await waitFor(async () => !(await isUp(near, "bus")), "readiness to say so");
    await assertUnavailable(getMany(near), 1_500); // three tries with back-off
    await assertUnavailable(call(near.broker, "user.getMany", { userIds: [] }, { retries: 0 }), 0);
    assert.equal(await call(near.broker, "settings.get", {}), "here");
    await servers.nats.restart();
    await waitFor(async () => (await isUp(near, "bus")) && (await isUp(far, "bus")), "both to be back", 10_000);
    await waitFor(async () => (await outcome(getMany(near, 1_000))).answer, "the other node", 10_000);
  });

  it("tell clients of REST that it is unavailable, and when to come again", async () => {
    await using servers = await ownServers("nats");
    const options = { config: { natsUrl: servers.nats.url }, broker: { namespace: `outage-${randomUUID()}` } };
    await using _far = await createNode(standInServices({}, ["user"]), options);
    await using edge = await createEdge({}, { ...options, services: ["auth"] });
    await edge.broker.waitForServices(["user"], 10_000, 20);
    assert.equal((await edge.ask("GET", "/api/v1/users/me")).status, 200);
    await assertUnavailable(call(edge.broker, "friend.list", {}), 1_500);
    await servers.nats.kill();
    await waitFor(async () => !(await isUp(edge, "bus")), "readiness to say so");
    const { status, code, data, headers } = await edge.ask("GET", "/api/v1/users/me");
    assert.deepEqual([status, code, data?.["retryable"], headers.get("retry-after")], [503, 9006, true, "1"]);
  });

  it("do not do late what a frozen NATS held back, whatever their clocks say", async () => {
    const done: unknown[] = [];
    await using servers = await ownServers("nats");
    await using nodes = await createNodes(servers.nats.url, {
      "user.getMany": (ctx) => [done.push(ctx.params["userIds"])],
    });
    const { near } = nodes;
    const get = (userId: string, timeout: number): Promise<unknown> =>
      call(near.broker, "user.getMany", { userIds: [userId] }, { timeout });
    await get("1", 5_000);
    await servers.nats.pause();
    const patient = get("3", 5_000);
    const tooLate = performance.now() + 1_000 + BUSY_MS;
    await assertUnavailable(get("2", 1_000), 1_000);
    await waitFor(() => performance.now() > tooLate, "the time of the call to be over");
    assert.equal(await call(near.broker, "settings.get", {}), "here");
    assert.equal(await isUp(near, "bus"), false);
    await servers.nats.resume();
    await patient;
    await get("4", 5_000);
    assert.deepEqual(done, [["1"], ["3"], ["4"]]);
  });

  it("stop in time", async () => {
    await using servers = await ownServers("nats");
    await using nodes = await createNodes(servers.nats.url, {});
    await servers.nats.pause();
    const frozen = performance.now();
    await nodes.near.stop();
    assert.ok(performance.now() - frozen < 5_000);
    await servers.nats.kill();
    await waitFor(async () => !(await isUp(nodes.far, "bus")), "the other to see it");
    const gone = performance.now();
    await nodes.far.stop();
    assert.ok(performance.now() - gone < 5_000);
  });
});

describe("a node that is killed with calls in flight", { skip: await reasonToSkip("nats") }, () => {
  it("leaves its callers with an answer in time, and others go on for it", { timeout: 60_000 }, async () => {
    await using servers = await ownServers("nats");
    const namespace = `killed-${randomUUID()}`;
    const natsUrl = servers.nats.url;
    await using near = await createNode([], { config: { natsUrl }, broker: { namespace } });
    const start = (name: string) => runProcess(["test/support/bus-node.ts", natsUrl, namespace, name]);
    await using victim = start("victim");
    await waitFor(() => victim.written.out.includes("up"), "the victim", 20_000);
    await near.broker.waitForServices(["user"], 10_000, 20);
    const inFlight = assertUnavailable(call(near.broker, "user.me", {}), REQUEST_TIMEOUT_MS);
    await waitFor(() => victim.written.out.includes("me"), "the call to arrive");
    victim.child.kill("SIGKILL");
    await inFlight;
    await using heir = start("heir");
    await waitFor(() => heir.written.out.includes("up"), "the heir", 20_000);
    const isHeir = async (): Promise<boolean> => String((await outcome(getMany(near, 500))).answer) === "heir";
    await waitFor(isHeir, "the heir to be called", 10_000);
    // Once calls to the victim were lost, none is sent there any more.
    const isLeft = async (): Promise<boolean> => {
      const ends = await Promise.all(Array.from({ length: 20 }, () => outcome(getMany(near, 500))));
      return ends.every(({ answer }) => String(answer) === "heir");
    };
    await waitFor(isLeft, "the circuit to open", 6_000);
  });
});
