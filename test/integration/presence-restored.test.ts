import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PRESENCE_TTL_MS } from "../../config/limits.ts";
import { bob, cid, hotPresenceOf, presenceNode, sessionOf } from "../support/presence-node.ts";
import type { World } from "../support/presence-node.ts";
import { waitFor } from "../support/wait.ts";

const onlineTold = (world: World, userId: string): boolean[] => world.pushes(userId).map(({ online }) => online);

/** As if the gateway had said nothing for so long that its connection counts as gone. */
const fallSilent = (world: World, userId: string, connectionId: string): Promise<unknown> =>
  hotPresenceOf(world.node).heartbeat("gate", [{ userId, connectionId }], Date.now() - PRESENCE_TTL_MS);

const heartbeat = ({ node }: World, userId: string, connectionId: string, device: object): Promise<unknown> =>
  node.call("presence.heartbeat", {
    gatewayNodeId: "gate",
    connections: [{ userId, sessionId: sessionOf(userId), connectionId, ...device }],
  });

const phone = { deviceId: "phone", deviceType: "ios" };

describe("a gateway that stops without a word", () => {
  it("leaves its users offline, of which watchers hear once", async () => {
    await using world = await presenceNode(0, 5);
    for (const userId of [bob, cid]) await world.connect(userId, `${userId}-1`);
    await waitFor(() => world.pushes(bob).length + world.pushes(cid).length === 2);
    await fallSilent(world, bob, `${bob}-1`);
    await waitFor(() => world.pushes(bob).length === 2);
    await world.disconnect(bob, `${bob}-1`);
    await world.disconnect(cid, `${cid}-1`);
    await waitFor(() => world.pushes(cid).length === 2);
    assert.deepEqual(
      [onlineTold(world, bob), onlineTold(world, cid)],
      [
        [true, false],
        [true, false],
      ],
    );
    await waitFor(() => world.hints.filter(({ userId, online }) => userId === bob && !online).length === 1);
  });

  it("brings its users back with the heartbeats when it goes on", async () => {
    await using world = await presenceNode(0, 5);
    await world.connect(bob, "b1");
    await waitFor(() => world.pushes(bob).length === 1);
    await fallSilent(world, bob, "b1");
    await waitFor(() => world.pushes(bob).length === 2);
    await heartbeat(world, bob, "b1", phone);
    await waitFor(() => world.pushes(bob).length === 3);
    assert.deepEqual(onlineTold(world, bob), [true, false, true]);
    assert.deepEqual(world.pushes(bob)[2]?.devices, [phone]);
    const [state] = await world.node.call("presence.of", { userIds: [bob] });
    const [connection] = state?.["connections"] as Record<string, unknown>[];
    assert.deepEqual([connection?.["gatewayNodeId"], connection?.["sessionId"]], ["gate", sessionOf(bob)]);
  });

  it("does not bring back a connection that closed meanwhile, nor one that it says too little of", async () => {
    await using world = await presenceNode();
    await world.connect(bob, "b1");
    await world.disconnect(bob, "b1");
    await heartbeat(world, bob, "b1", phone);
    await heartbeat(world, cid, "c1", {});
    const states = await world.node.call("presence.of", { userIds: [bob, cid] });
    assert.deepEqual(
      states.map(({ online }) => online),
      [false, false],
    );
  });

  it("keeps more connections of a user than are let in, since it has let them in", async () => {
    await using world = await presenceNode();
    for (let count = 1; count <= 5; count++) await world.connect(bob, `b${count}`);
    await heartbeat(world, bob, "lost", phone);
    const [state] = await world.node.call("presence.of", { userIds: [bob] });
    assert.equal((state?.["connections"] as unknown[]).length, 6);
  });
});
