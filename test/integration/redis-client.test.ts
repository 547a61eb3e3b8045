import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { openRedisClient } from "../../mixins/hot-store/redis/client.ts";
import type { LuaScript, RedisClient } from "../../mixins/hot-store/redis/client.ts";
import { toHotStoreError } from "../../mixins/hot-store/redis/redis-errors.ts";
import { refuseUnfit } from "../../mixins/hot-store/redis/requirements.ts";
import { isImError } from "../../lib/errors.ts";
import { endingOf, logLines, ownRedis } from "../support/redis.ts";
import type { LogLines, OwnRedis } from "../support/redis.ts";
import { reasonToSkip } from "../support/servers.ts";
import { stopwatch } from "../support/stopwatch.ts";
import { waitFor } from "../support/wait.ts";

const skip = await reasonToSkip("redis");
const DEADLINE_MS = 2_000;
const OPEN_DEADLINE_MS = 5_000;
/** Of a call that has no connection to wait for. */
const AT_ONCE_MS = 250;

const ADD: LuaScript = { name: "test-add", source: "#!lua\nreturn redis.call('INCRBY', KEYS[1], ARGV[1])" };

interface Opened extends AsyncDisposable {
  readonly client: RedisClient;
  readonly log: LogLines;
}

async function open({ url }: { url: string }): Promise<Opened> {
  const log = logLines();
  const client = await openRedisClient({ url, logger: log, keyPrefix: `test:${randomUUID()}:` });
  return { client, log, [Symbol.asyncDispose]: () => client.close() };
}

/** The one line that an open which fails says. */
async function refusalOf(url: string): Promise<string> {
  const took = stopwatch();
  const log = logLines();
  const message = await openRedisClient({ url, logger: log }).then(
    () => assert.fail("it opened"),
    (error: unknown) => (error as Error).message,
  );
  assert.ok(took() < OPEN_DEADLINE_MS, "in time");
  assert.ok(!message.includes("\n") && message.includes(new URL(url).host), message);
  assert.deepEqual([log.warnings, log.infos], [[], []]);
  return message;
}

/** Every kind of call; each must end in time, and refuse in a way that another try can cure. */
async function assertRefused({ client }: Opened, withinMs = DEADLINE_MS): Promise<void> {
  const calls = [
    () => client.ping(),
    () => client.attempt((redis) => redis.set("x", 1)),
    () => client.run(ADD, ["n"], [1]),
    () => client.runAll([ADD, ADD].map((script) => ({ script, keys: ["n"], args: [1] }))),
  ];
  for (const { outcome, tookMs, error } of await Promise.all(calls.map(endingOf))) {
    assert.equal(outcome, "unavailable", String(error));
    assert.ok(tookMs < withinMs, `took ${tookMs} ms`);
  }
}

const worksAgain = ({ client }: Opened): Promise<unknown> =>
  waitFor(async () => (await endingOf(() => client.ping())).outcome === "done", "Redis to be used again", 10_000);

async function assertOneOutage({ log }: Opened, { server }: OwnRedis): Promise<void> {
  await waitFor(() => log.infos.length > 0, "the line of the end");
  const { host } = new URL(server.url);
  assert.equal(log.warnings.length, 1, log.warnings.join("\n"));
  assert.match(log.warnings[0]!, new RegExp(`^Redis at ${host} cannot be used: `));
  assert.equal(log.infos.length, 1, log.infos.join("\n"));
  assert.match(log.infos[0]!, new RegExp(`^Redis at ${host} can be used again`));
}

describe("opening a connection to Redis", { skip }, () => {
  it("says in one line that the server cannot be reached, without the password", async () => {
    const socket = createServer();
    const { port } = await new Promise<AddressInfo>((resolve) =>
      socket.listen(0, "127.0.0.1", () => resolve(socket.address() as AddressInfo)),
    );
    await new Promise((resolve) => socket.close(resolve));
    const message = await refusalOf(`redis://user:hunter2@127.0.0.1:${port}/0`);
    assert.match(message, /ECONNREFUSED/);
    assert.ok(!message.includes("hunter2"));
  });

  it("is given up in time at a server that says nothing", async () => {
    await using redis = await ownRedis();
    await redis.server.pause();
    assert.match(await refusalOf(redis.url), /no answer in time/);
  });

  it("names a wrong password and does not tell it", async () => {
    await using redis = await ownRedis();
    await redis.command("CONFIG", "SET", "requirepass", "right");
    const message = await refusalOf(redis.url.replace("redis://", "redis://:hunter2@"));
    assert.match(message, /WRONGPASS/);
    assert.ok(!message.includes("hunter2"));
    await using opened = await open({ url: redis.url.replace("redis://", "redis://:right@") });
    await opened.client.ping();
  });

  it("refuses a server that drops keys when its memory is full, and takes one whose memory has no limit", async () => {
    await using redis = await ownRedis();
    await redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    await (await open(redis)).client.close();
    await redis.command("CONFIG", "SET", "maxmemory", "100mb");
    assert.match(await refusalOf(redis.url), /maxmemory-policy allkeys-lru.*noeviction/);
    await redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
    await (await open(redis)).client.close();
  });

  it("refuses a replica", async () => {
    await using redis = await ownRedis();
    await redis.command("REPLICAOF", "127.0.0.1", "1");
    assert.match(await refusalOf(redis.url), /READONLY/);
  });

  it("warns once of a server that keeps nothing on its disk", async () => {
    await using redis = await ownRedis();
    await redis.command("CONFIG", "SET", "appendonly", "no");
    await using opened = await open(redis);
    assert.equal(opened.log.warnings.length, 1);
    assert.match(opened.log.warnings[0]!, /appendonly no.*lost/);
  });
});

describe("what INFO says of a server", () => {
  const refuse = (info: Record<string, string>) => () =>
    refuseUnfit(
      Object.entries({ redis_version: "7.0.15", aof_enabled: "1", ...info })
        .map(([field, value]) => `${field}:${value}\r\n`)
        .join(""),
      "host:1",
      logLines(),
    );

  it("refuses those before 7.0 and nodes of a Redis Cluster", () => {
    assert.throws(refuse({ redis_version: "6.2.14" }), /version 6\.2\.14, and 7\.0 or later/);
    assert.throws(refuse({ redis_mode: "cluster" }), /Redis Cluster/);
    for (const version of ["7.0.0", "7.2.4", "8.0.1", "10.0.0"]) refuse({ redis_version: version, redis_mode: "standalone" })();
  });
});

describe("errors of Redis", () => {
  const reply = (message: string): Error => Object.assign(new Error(message), { name: "ReplyError" });

  it("are retryable when the server cannot do it now, and stay what they are when the call is wrong", () => {
    for (const message of ["READONLY You can't", "MISCONF Redis is", "OOM command not", "LOADING Redis is", "BUSY Redis is"])
      assert.ok(isImError(toHotStoreError(reply(message)), "UNAVAILABLE"), message);
    for (const message of ["WRONGTYPE Operation", "ERR wrong number of arguments"]) {
      const error = reply(message);
      assert.equal(toHotStoreError(error), error);
    }
    assert.ok(isImError(toHotStoreError(new Error("Command timed out")), "UNAVAILABLE"));
  });
});

describe("a connection to Redis", { skip }, () => {
  it("fails in time while the server is killed, and is back by itself", async () => {
    await using redis = await ownRedis();
    await using opened = await open(redis);
    await redis.server.kill();
    await assertRefused(opened);
    await assertRefused(opened, AT_ONCE_MS);
    await redis.server.restart();
    await worksAgain(opened);
    await assertOneOutage(opened, redis);
  });

  it("fails in time while the server is frozen, at once after the first time, and is back by itself", async () => {
    await using redis = await ownRedis();
    await using opened = await open(redis);
    await redis.server.pause();
    await assertRefused(opened);
    await waitFor(
      async () => (await endingOf(() => opened.client.ping())).tookMs < AT_ONCE_MS,
      "calls to fail without a wait",
      10_000,
    );
    await redis.server.resume();
    await worksAgain(opened);
    await assertOneOutage(opened, redis);
  });

  it("does nothing twice over outages", async () => {
    await using redis = await ownRedis();
    await using opened = await open(redis);
    const { client } = opened;
    const add = () => endingOf(() => client.run(ADD, ["n"], [1]));
    const endings = [await add()];
    for (const [fail, heal] of [
      [() => redis.server.pause(), () => redis.server.resume()],
      [() => redis.server.kill(), () => redis.server.restart()],
    ] as const) {
      const running = Promise.all(Array.from({ length: 20 }, add));
      const failing = fail();
      endings.push(...(await Promise.all([running, add(), failing]))[0]);
      await heal();
      await worksAgain(opened);
      endings.push(await add());
    }
    const count = Number(await client.attempt((server) => server.get("n")));
    const done = endings.filter(({ outcome }) => outcome === "done").length;
    assert.ok(count >= done && count <= endings.length + 2, `${done} done of ${endings.length}, counted ${count}`);
  });

  it("refuses writes while the server only reads, and goes on when it does no more", async () => {
    await using redis = await ownRedis();
    await using opened = await open(redis);
    await redis.command("REPLICAOF", "127.0.0.1", "1");
    await assertRefused(opened);
    await redis.command("REPLICAOF", "NO", "ONE");
    await worksAgain(opened);
    await assertOneOutage(opened, redis);
  });

  it("refuses writes while the server has no memory left, and goes on when it has", async () => {
    await using redis = await ownRedis();
    await using opened = await open(redis);
    await redis.command("CONFIG", "SET", "maxmemory", "1");
    await assertRefused(opened);
    await redis.command("CONFIG", "SET", "maxmemory", "0");
    await worksAgain(opened);
    await assertOneOutage(opened, redis);
  });

  it("runs its scripts on a server that has forgotten them", async () => {
    await using redis = await ownRedis();
    await using opened = await open(redis);
    const { client } = opened;
    assert.equal(await client.run(ADD, ["n"], [1]), 1);
    await redis.command("SCRIPT", "FLUSH");
    assert.equal(await client.run(ADD, ["n"], [1]), 2);
    await redis.command("SCRIPT", "FLUSH");
    assert.deepEqual(await client.runAll([1, 2].map((points) => ({ script: ADD, keys: ["n"], args: [points] }))), [3, 5]);
  });

  it("ends what runs when it is closed, and says no more", async () => {
    await using redis = await ownRedis();
    const { client, log } = await open(redis);
    await redis.server.pause();
    const running = endingOf(() => client.run(ADD, ["n"], [1]));
    await client.close();
    assert.equal((await running).outcome, "unavailable");
    assert.equal((await endingOf(() => client.ping())).outcome, "unavailable");
    assert.deepEqual([log.warnings, log.infos], [[], []]);
  });
});
