import assert from "node:assert/strict";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Redis } from "ioredis";
import { isDockerThere } from "../../scripts/servers/docker-engine.ts";
import { statusOf, takeDown } from "../../scripts/servers/index.ts";
import type { Status } from "../../scripts/servers/index.ts";
import { temporaryFolder } from "../support/server-process.ts";
import { reasonToSkip } from "../support/servers.ts";
import { runServers } from "../support/servers-command.ts";

/** A folder whose servers end and go with `await using`. */
async function serversFolder(): Promise<{ dir: string } & AsyncDisposable> {
  const { path, [Symbol.asyncDispose]: remove } = await temporaryFolder();
  const dir = join(path, "servers");
  return {
    dir,
    [Symbol.asyncDispose]: async () => {
      await takeDown(dir, { removeData: true }).finally(remove);
    },
  };
}

/** Does something as a client of the Redis at `url`. */
async function withRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, { maxRetriesPerRequest: 0 });
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

const redisIn = async (dir: string): Promise<Status> => {
  const status = (await statusOf(dir)).find(({ name }) => name === "redis");
  assert.ok(status);
  return status;
};

const damage = { skip: (await isDockerThere()) && "Docker holds the data that it damages" };

describe("npm run servers", { skip: await reasonToSkip("redis", "nats") }, () => {
  it("brings servers up that stay, says where they are, and ends them with their data kept", async () => {
    await using folder = await serversFolder();
    const { dir } = folder;
    const up = await runServers(["up", "redis", "nats", "--dir", dir]);
    assert.equal(up.code, 0, up.err);
    assert.match(up.out, /^redis started in .* s, nats started in/m);
    const { url, pid } = await redisIn(dir);
    assert.match(up.out, new RegExp(`^export IM_REDIS_URL=${url}$`, "m"));
    assert.match(up.out, /^export IM_NATS_URL=nats:\/\/127\.0\.0\.1:\d+$/m);
    await withRedis(url, (redis) => redis.set("kept", "yes"));

    const status = await runServers(["status", "--dir", dir]);
    const shownPid = pid === null ? "-" : `pid ${pid}`;
    assert.match(status.out, new RegExp(`^redis +answers +127\\.0\\.0\\.1:\\d+ +${shownPid} `, "m"));
    const again = await runServers(["up", "redis", "--dir", dir]);
    assert.match(again.out, /^redis ran already$/m);
    assert.equal((await redisIn(dir)).pid, pid);

    assert.match((await runServers(["down", "--dir", dir])).out, /^Stopped redis, nats; their data stays in/);
    assert.deepEqual(
      (await statusOf(dir)).map(({ name, state }) => [name, state]),
      [
        ["redis", "stopped"],
        ["nats", "stopped"],
      ],
    );
    assert.match((await runServers(["down", "--dir", dir])).out, /^Nothing runs\.$/m);

    assert.equal((await runServers(["up", "redis", "--dir", dir])).code, 0);
    assert.equal((await redisIn(dir)).url, url);
    assert.equal(await withRedis(url, (redis) => redis.get("kept")), "yes");
  });

  it("starts each server once when two call it at a time", async () => {
    await using folder = await serversFolder();
    const both = await Promise.all([1, 2].map(() => runServers(["up", "redis", "--dir", folder.dir])));
    assert.deepEqual(
      both.map(({ code }) => code),
      [0, 0],
    );
    const said = both.map(({ out }) => /^redis (started|ran already)/m.exec(out)?.[1]).sort();
    assert.deepEqual(said, ["ran already", "started"]);
  });

  it("says why a server does not start, with the end of its log, and leaves nothing of the call running", damage, async () => {
    await using folder = await serversFolder();
    const { dir } = folder;
    await runServers(["up", "redis", "--dir", dir]);
    await runServers(["down", "--dir", dir]);
    const log = join(dir, "redis/data/appendonlydir");
    for (const file of readdirSync(log)) writeFileSync(join(log, file), "not what Redis wrote");

    const { code, err } = await runServers(["up", "redis", "nats", "--dir", dir]);
    assert.equal(code, 1);
    assert.match(err, /^redis ended instead of getting ready\. The end of its log:\n {4}.*(AOF|append)/is);
    assert.deepEqual(
      (await statusOf(dir)).map(({ state }) => state),
      ["stopped", "stopped"],
    );
  });

  it("refuses a wrong call with its usage", async () => {
    const calls = [[], ["sideways"], ["up", "oracle"], ["status", "--colour"], ["up", "--dir"]];
    for (const { code, err, out } of await Promise.all(calls.map((args) => runServers(args)))) {
      assert.equal(code, 2);
      assert.match(err, /^Usage: npm run servers up\|down\|status /);
      assert.equal(out, "");
    }
  });

  it("says in a line that a folder cannot be used, and changes nothing in it", async () => {
    await using folder = await temporaryFolder();
    const damaged = join(folder.path, "damaged");
    const file = join(folder.path, "file");
    mkdirSync(damaged);
    writeFileSync(join(damaged, "state.json"), '{"engine":"process","secrets":{},"servers":{"redis":{"process":{"pid":-1}}}}');
    writeFileSync(file, "");
    const ends = await Promise.all([
      ...["up", "status", "down"].map((command) => runServers([command, "--dir", damaged])),
      runServers(["up", "--dir", file]),
    ]);
    for (const { code, err } of ends) {
      assert.equal(code, 1);
      assert.match(err, /^[^\n]*(damaged|file)[^\n]*\n$/);
    }
    assert.deepEqual(
      readdirSync(damaged).filter((name) => name !== "lock"),
      ["state.json"],
    );
  });

  it("says what to install where a program is missing and nothing can be fetched", async () => {
    await using folder = await temporaryFolder();
    symlinkSync(process.execPath, join(folder.path, "node"));
    const env = { PATH: folder.path };
    const { code, err } = await runServers(["up", "redis", "--dir", join(folder.path, "servers")], env);
    assert.equal(code, 1);
    assert.match(err, /^redis: not on this machine, and only root with apt-get installs packages; put redis-server on PATH/);
  });
});
