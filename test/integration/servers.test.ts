import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { KIND_NAMES, statusOf } from "../../scripts/servers/index.ts";
import type { KindName, Status } from "../../scripts/servers/index.ts";
import { isFree } from "../../scripts/servers/ports.ts";
import { removeAbandonedServers } from "../../scripts/servers/temporary.ts";
import { runProcess } from "../support/server-process.ts";
import { ownServers, reasonToSkip } from "../support/servers.ts";
import { waitFor } from "../support/wait.ts";

const SETTINGS = ["IM_MYSQL_URL", "IM_REDIS_URL", "IM_NATS_URL", "IM_KAFKA_BROKERS"];

async function statesIn(dir: string): Promise<Record<string, Status["state"]>> {
  return Object.fromEntries((await statusOf(dir)).map(({ name, state }) => [name, state]));
}

const all = (state: Status["state"]): Record<string, string> => Object.fromEntries(KIND_NAMES.map((name) => [name, state]));

describe("servers of a test", { skip: await reasonToSkip(...KIND_NAMES) }, () => {
  it("are killed, frozen and brought back, each on its port, and go with their data", async () => {
    const own = await ownServers(...KIND_NAMES);
    {
      await using servers = own;
      const each = (work: (server: (typeof own)[KindName]) => Promise<void>): Promise<unknown> =>
        Promise.all(KIND_NAMES.map((name) => work(servers[name])));
      assert.deepEqual(Object.keys(servers.env), SETTINGS);
      assert.deepEqual(await statesIn(servers.dir), all("answers"));

      await each((server) => server.pause());
      assert.deepEqual(await statesIn(servers.dir), all("silent"));
      await each(async (server) => assert.equal(await server.isRunning(), true));
      await each((server) => server.resume());
      await waitFor(
        async () => Object.values(await statesIn(servers.dir)).every((state) => state === "answers"),
        "an answer",
        20_000,
      );

      const urls = KIND_NAMES.map((name) => servers[name].url);
      const ports = (await statusOf(servers.dir)).map(({ port }) => port);
      await each((server) => server.kill());
      assert.deepEqual(await Promise.all(ports.map(isFree)), [true, true, true, true]);
      assert.deepEqual(await statesIn(servers.dir), all("stopped"));
      await each((server) => server.restart());
      assert.deepEqual(await statesIn(servers.dir), all("answers"));
      assert.deepEqual(
        KIND_NAMES.map((name) => servers[name].url),
        urls,
      );

      await servers.redis.pause(); // frozen ones end too
      await servers.nats.pause();
    }
    assert.equal(existsSync(own.dir), false);
    for (const name of KIND_NAMES)
      await assert.rejects(own[name].isRunning(), { message: new RegExp(`^${name} was never started`) });
  });

  it("end with the next run when their owner was killed, and stay while it lives", async () => {
    const code = `
      import { startServers } from "./scripts/servers/index.ts";
      import { temporaryServersFolder } from "./scripts/servers/temporary.ts";
      const servers = await startServers({ dir: await temporaryServersFolder(), kinds: ["redis"] });
      console.log(JSON.stringify({ dir: servers.dir, pid: servers.redis.pid }));
      setInterval(() => undefined, 1_000);`;
    await using owner = runProcess(["--input-type=module-typescript", "-e", code]);
    const line = await waitFor(() => /^\{.*\}$/m.exec(owner.written.out)?.[0], "the servers of the owner", 30_000);
    const { dir } = JSON.parse(line) as { dir: string };

    await removeAbandonedServers();
    assert.deepEqual(await statesIn(dir), { redis: "answers" });
    owner.child.kill("SIGKILL");
    await owner.ended;
    assert.deepEqual(await statesIn(dir), { redis: "answers" });
    await Promise.all([removeAbandonedServers(), removeAbandonedServers()]);
    assert.equal(existsSync(dir), false);
  });
});
