import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceSchema } from "moleculer";
import { broadcast } from "../../lib/service.ts";
import { pushGuardDefaults } from "../../services/socket/push-guard.ts";
import socket from "../../services/socket/socket.service.ts";
import { buildUser, startIm } from "../support/im.ts";
import { ownServers, reasonToSkip } from "../support/servers.ts";
import { waitFor } from "../support/wait.ts";

const settings = { ...pushGuardDefaults, syncSpreadMs: 20 } as ServiceSchema["settings"];

test("clients hear that another gateway could not push to theirs, and nothing when it was theirs that could not", async () => {
  await using im = await startIm({}, { services: [{ ...socket, settings }] });
  const user = await buildUser(im);
  const clients = await Promise.all(Array.from({ length: 3 }, () => im.connect({ token: user.token })));
  await broadcast(im.broker, "pushes.missed", { gatewayNodeId: im.broker.nodeID });
  await broadcast(im.broker, "pushes.missed", { gatewayNodeId: "another" });
  await waitFor(() => clients.every((client) => client.of("sync:needed").length > 0), "all to be told");
  await clients[0]!.send("typing", {});
  for (const client of clients) assert.deepEqual(client.of("sync:needed"), [{ reason: "missed" }]);
});

test(
  "clients hear that their gateway was parted from the others",
  { skip: await reasonToSkip("redis"), timeout: 60_000 },
  async () => {
    await using servers = await ownServers("redis");
    await using im = await startIm({ redisUrl: servers.redis.url }, { services: [{ ...socket, settings }] });
    const user = await buildUser(im);
    const client = await im.connect({ token: user.token });
    assert.deepEqual(client.of("sync:needed"), []);
    await servers.redis.kill();
    await servers.redis.restart();
    await client.next("sync:needed", ({ reason }) => reason === "missed");
  },
);
