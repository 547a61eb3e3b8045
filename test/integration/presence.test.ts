import assert from "node:assert/strict";
import { describe, it } from "node:test";
import friend from "../../services/friend/friend.service.ts";
import presence from "../../services/presence/presence.service.ts";
import { befriend } from "../support/friend-node.ts";
import { createNeighbours } from "../support/neighbours.ts";
import { createNode } from "../support/node.ts";
import { ann, bob, cid, hidden, presenceNode, sessionOf, subscribe } from "../support/presence-node.ts";
import { waitFor } from "../support/wait.ts";

describe("subscribing", () => {
  it("shows friends and watches them; anyone else looks offline and is not watched", async () => {
    await using world = await presenceNode();
    await befriend(world.node, ann, bob);
    await world.connect(bob, "b1");
    await world.connect(bob, "b2");
    await world.connect(cid, "c1");
    const items = await subscribe(world, ann, [cid, bob, ann, "404"], "a1");
    assert.deepEqual(
      items.map(({ userId }) => userId),
      [cid, bob, ann, "404"],
    );
    assert.deepEqual(items[1]?.devices, [{ deviceId: "phone", deviceType: "ios" }]);
    assert.equal(items[1].online, true);
    assert.ok(items[1].lastSeenAt);
    for (const userId of [cid, ann, "404"])
      assert.deepEqual(
        items.find((item) => item.userId === userId),
        hidden(userId),
      );
    assert.deepEqual(world.around.watches, [{ connectionId: "a1", userIds: [bob], on: true }]);
  });

  it("shows nothing of a friend who hides it, or who has blocked me", async () => {
    await using world = await presenceNode();
    await befriend(world.node, ann, bob);
    await befriend(world.node, ann, cid);
    world.around.settings.set(bob, { showPresence: false });
    await world.node.as(cid, "friend.block", { userId: ann });
    for (const userId of [bob, cid]) await world.connect(userId, `${userId}-1`);
    assert.deepEqual(await subscribe(world, ann, [bob, cid], "a1"), [hidden(bob), hidden(cid)]);
    assert.deepEqual(world.around.watches, []);
  });

  it("can be taken back, and works without a socket for the answer alone", async () => {
    await using world = await presenceNode();
    await befriend(world.node, ann, bob);
    assert.equal((await subscribe(world, ann, [bob])).length, 1);
    assert.deepEqual(world.around.watches, []);
    const { items } = await world.node.as(ann, "presence.unsubscribe", { userIds: [bob, cid] }, { connectionId: "a1" });
    assert.deepEqual(items, [hidden(bob), hidden(cid)]);
    assert.deepEqual(world.around.watches, [{ connectionId: "a1", userIds: [bob, cid], on: false }]);
  });

  it("ends on every connection of both when the friendship ends", async () => {
    await using world = await presenceNode();
    await befriend(world.node, ann, bob);
    for (const connectionId of ["a1", "a2"]) await world.connect(ann, connectionId);
    await world.connect(bob, "b1");
    await world.node.as(ann, "friend.remove", { userId: bob });
    await waitFor(() => world.around.watches.length === 3);
    assert.deepEqual(world.around.watches, [
      { connectionId: "a1", userIds: [bob], on: false },
      { connectionId: "a2", userIds: [bob], on: false },
      { connectionId: "b1", userIds: [ann], on: false },
    ]);
  });

  it("ends for the one who is blocked, not for the other", async () => {
    await using world = await presenceNode();
    await befriend(world.node, ann, bob);
    await world.connect(ann, "a1");
    await world.connect(bob, "b1");
    await world.node.as(ann, "friend.block", { userId: bob });
    await waitFor(
      () => world.around.events.some(({ subject }) => subject === "im.friend.block.changed") && world.around.watches.length > 0,
    );
    assert.deepEqual(world.around.watches, [{ connectionId: "b1", userIds: [ann], on: false }]);
  });
});

describe("whoever begins to watch somebody who left a moment ago", () => {
  it("is shown what watchers were told, and misses neither the return nor the departure", async (t) => {
    await using world = await presenceNode(200);
    await befriend(world.node, ann, bob);
    await world.connect(bob, "b1");
    await waitFor(() => world.pushes(bob).length === 1);
    t.mock.timers.enable({ apis: ["setTimeout"] }); // what is done within the delay may take as long as it likes
    await world.disconnect(bob, "b1");
    assert.equal((await subscribe(world, ann, [bob], "a1"))[0]?.online, true);
    await world.connect(bob, "b2");
    assert.equal((await subscribe(world, ann, [bob], "a1"))[0]?.online, true);
    await world.disconnect(bob, "b2");
    t.mock.timers.tick(200);
    await waitFor(() => world.pushes(bob).length === 2);
    t.mock.timers.reset();
    assert.equal(world.pushes(bob)[1]?.online, false);
    assert.equal((await subscribe(world, ann, [bob], "a1"))[0]?.online, false);
  });
});

describe("hiding one's presence", () => {
  it("cuts every connection of the friends, who see the user go offline once", async () => {
    await using world = await presenceNode();
    const { around } = world;
    await befriend(world.node, ann, bob);
    await befriend(world.node, cid, bob);
    await world.connect(bob, "b1");
    await waitFor(() => world.pushes(bob).length === 1);
    for (const connectionId of ["a1", "a2"]) await world.connect(ann, connectionId);
    await world.connect(cid, "c1");
    around.settings.set(bob, { showPresence: false });
    await around.publish("im.user.settings.changed", { userId: bob, changed: ["language", "showPresence"] });
    await waitFor(() => around.watches.length === 3);
    assert.deepEqual(
      around.watches.map(({ connectionId, userIds, on }) => [connectionId, userIds, on]).sort(),
      ["a1", "a2", "c1"].map((connectionId) => [connectionId, [bob], false]),
    );
    assert.deepEqual(world.pushes(bob).slice(1), [hidden(bob)]);
  });

  it("is not what another change, or showing it again, does", async () => {
    await using world = await presenceNode();
    const { around } = world;
    for (const peer of [bob, cid]) await befriend(world.node, ann, peer);
    await world.connect(ann, "a1");
    await around.publish("im.user.settings.changed", { userId: bob, changed: ["showPresence"] });
    await around.settled();
    around.settings.set(bob, { showPresence: false });
    await around.publish("im.user.settings.changed", { userId: bob, changed: ["searchable"] });
    around.settings.set(cid, { showPresence: false });
    await around.publish("im.user.settings.changed", { userId: cid, changed: ["showPresence"] });
    await waitFor(() => around.watches.length > 0);
    assert.deepEqual(around.watches, [{ connectionId: "a1", userIds: [cid], on: false }]);
    assert.deepEqual(world.pushes(bob), []);
  });
});

describe("when a user was last seen", () => {
  it("is told to auth when the last connection closes", async () => {
    await using world = await presenceNode();
    const before = Date.now();
    for (const connectionId of ["b1", "b2"]) await world.connect(bob, connectionId);
    await world.disconnect(bob, "b1");
    assert.equal(world.seen.length, 0);
    await world.disconnect(bob, "b2");
    const [told] = world.seen;
    assert.equal(told?.sessionId, sessionOf(bob));
    assert.ok(told.at >= before);
    assert.equal(world.seen.length, 1);
  });

  it("is told of heartbeats once a minute, each session once", async () => {
    await using world = await presenceNode();
    const connections = ["b1", "b2"].map((connectionId) => ({ userId: bob, sessionId: sessionOf(bob), connectionId }));
    for (const more of [[], [{ userId: cid, sessionId: sessionOf(cid), connectionId: "c1" }]])
      await world.node.call("presence.heartbeat", { gatewayNodeId: "gate", connections: [...connections, ...more] });
    assert.deepEqual(
      world.seen.map(({ sessionId }) => sessionId),
      [sessionOf(bob), sessionOf(cid)],
    );
  });

  it("comes from auth where the hot store does not know, and only of those whom one may see", async () => {
    await using world = await presenceNode();
    for (const peer of [bob, cid]) await befriend(world.node, ann, peer);
    await befriend(world.node, ann, "12");
    world.around.settings.set(cid, { showPresence: false });
    for (const userId of [bob, cid, "12", "404"]) world.stored.set(userId, 1_000);
    await world.connect("12", "d1");
    const [of, secret, online, stranger] = await subscribe(world, ann, [bob, cid, "12", "404"]);
    assert.deepEqual(of, { ...hidden(bob), lastSeenAt: 1_000 });
    assert.deepEqual([secret, stranger], [hidden(cid), hidden("404")]);
    assert.ok((online?.lastSeenAt ?? 0) > 1_000);
    assert.deepEqual(world.askedFor, [[bob]]);
  });

  it("is unknown, and connections come and go all the same, while auth is away", async () => {
    await using node = await createNode([friend, presence, ...createNeighbours().services]);
    const { requestId } = await node.as(ann, "friend.request", { userId: bob });
    await node.as(bob, "friend.handleRequest", { requestId, action: "accept" });
    const connection = { userId: bob, sessionId: "1", connectionId: "b1" };
    await node.call("presence.connected", { ...connection, deviceId: "d", deviceType: "web", gatewayNodeId: "gate" });
    await node.call("presence.heartbeat", { gatewayNodeId: "gate", connections: [connection] });
    await node.call("presence.disconnected", connection);
    const { items } = await node.as(bob, "presence.subscribe", { userIds: [ann] });
    assert.deepEqual(items, [hidden(ann)]);
  });
});

describe("coming and going", () => {
  it("is told once for the first connection and once for the last", async () => {
    await using world = await presenceNode(10);
    await world.connect(bob, "b1", "phone");
    await world.connect(bob, "b2", "laptop");
    await world.disconnect(bob, "b1");
    await world.disconnect(bob, "b2");
    await world.disconnect(bob, "b2");
    await waitFor(() => world.pushes(bob).some(({ online }) => !online));
    assert.deepEqual(
      world.pushes(bob).map(({ online }) => online),
      [true, false],
    );
    assert.deepEqual(
      world
        .pushes(bob)[0]
        ?.devices.map(({ deviceId }) => deviceId)
        .includes("phone"),
      true,
    );
    const gone = world.pushes(bob)[1];
    assert.deepEqual(gone?.devices, []);
    assert.ok(gone.lastSeenAt);
    await waitFor(() => world.hints.length === 2);
    assert.deepEqual(
      world.hints.map(({ userId, online }) => [userId, online]),
      [
        [bob, true],
        [bob, false],
      ],
    );
  });

  it("is not told when the user is back before the delay is over", async () => {
    await using world = await presenceNode();
    await world.connect(bob, "b1");
    await waitFor(() => world.pushes(bob).length === 1);
    await world.disconnect(bob, "b1");
    await world.connect(bob, "b2");
    await world.connect(cid, "c1");
    await waitFor(() => world.pushes(cid).length === 1);
    assert.equal(world.pushes(bob).length, 1);
  });

  it("is told to nobody by those who hide it", async () => {
    await using world = await presenceNode(10);
    world.around.settings.set(bob, { showPresence: false });
    await world.connect(bob, "b1");
    await world.disconnect(bob, "b1");
    await world.connect(cid, "c1");
    await waitFor(() => world.pushes(cid).length === 1);
    await world.disconnect(cid, "c1");
    await waitFor(() => world.pushes(cid).length === 2);
    assert.deepEqual(world.pushes(bob), []);
  });
});

describe("connections", () => {
  it("are at most as many as allowed, and free again when one closes", async () => {
    await using world = await presenceNode();
    for (let count = 1; count <= 5; count++) assert.equal(await world.connect(bob, `b${count}`), true);
    assert.equal(await world.connect(bob, "b6"), false);
    await world.disconnect(bob, "b1");
    assert.equal(await world.connect(bob, "b6"), true);
  });

  it("are shown to operators with gateway and heartbeat, also of those who hide their presence", async () => {
    await using world = await presenceNode();
    world.around.settings.set(bob, { showPresence: false });
    await world.connect(bob, "b1");
    const connections = [{ userId: bob, sessionId: sessionOf(bob), connectionId: "b1" }];
    await world.node.call("presence.heartbeat", { gatewayNodeId: "gate", connections });
    const [of, other] = await world.node.call("presence.of", { userIds: [bob, cid] });
    assert.ok(of);
    assert.equal(of["online"], true);
    const [connection] = of["connections"] as Record<string, unknown>[];
    assert.deepEqual(
      [connection?.["connectionId"], connection?.["gatewayNodeId"], typeof connection?.["heartbeatAt"]],
      ["b1", "gate", "number"],
    );
    assert.deepEqual(other, { userId: cid, online: false, isShown: false, lastSeenAt: null, connections: [] });
  });
});
