import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PRESENCE_TTL_MS } from "../../config/limits.ts";
import { befriend } from "../support/friend-node.ts";
import { intercept } from "../support/intercept.ts";
import { ann, bob, cid, hotPresenceOf, presenceNode, subscribe, type World } from "../support/presence-node.ts";
import { waitFor } from "../support/wait.ts";

const PEOPLE = Array.from({ length: 2_000 }, (_, i) => String(100_000 + i));
const TOLD_EVERY_MS = 20;
/** Pushes that are few beside 2,000 people. */
const FEW = 100;

const everybody = (work: (userId: string) => Promise<unknown>): Promise<unknown> => Promise.all(PEOPLE.map(work));
const toldOf = ({ around }: World): number =>
  around.deliveries.filter(({ room }) => room.startsWith("p:1") && room.length === "p:100000".length).length;

/** What was to be told before is told when this arrival is. */
async function settled(world: World): Promise<void> {
  await world.connect(cid, "c1");
  await waitFor(() => world.pushes(cid).length === 1, "an arrival afterwards");
}

describe("thousands who lose their connections at once", () => {
  it("make no event when they are back in time, on whichever gateway", async () => {
    await using world = await presenceNode(60_000, 5, TOLD_EVERY_MS);
    await everybody((userId) => world.connect(userId, `${userId}-1`));
    await waitFor(() => toldOf(world) === PEOPLE.length, "all arrivals");
    assert.ok(world.around.pushSizes.length <= FEW, `${world.around.pushSizes.length} pushes`);
    await everybody((userId) => world.disconnect(userId, `${userId}-1`));
    await everybody((userId) => world.connect(userId, `${userId}-2`));
    await settled(world);
    assert.equal(toldOf(world), PEOPLE.length);
  });

  it("make one event each when they are gone for longer, and one when they are back, in a few pushes", async () => {
    await using world = await presenceNode(5, 60_000, TOLD_EVERY_MS);
    await everybody((userId) => world.connect(userId, `${userId}-1`));
    await waitFor(() => toldOf(world) === PEOPLE.length, "all arrivals");
    await everybody((userId) => world.disconnect(userId, `${userId}-1`));
    await waitFor(() => toldOf(world) === 2 * PEOPLE.length, "all departures");
    await everybody((userId) => world.connect(userId, `${userId}-2`));
    await waitFor(() => toldOf(world) === 3 * PEOPLE.length, "all to be back");
    await settled(world);
    for (const userId of PEOPLE)
      assert.deepEqual(
        world.pushes(userId).map(({ online }) => online),
        [true, false, true],
      );
    assert.ok(world.around.pushSizes.length <= 3 * FEW, `${world.around.pushSizes.length} pushes`);
  });

  it("are told of as gone also when they left before anybody was told that they had come", async () => {
    await using world = await presenceNode(0);
    await befriend(world.node, ann, bob);
    // Nobody else is told of before watchers have heard of the first one.
    const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
    intercept(world.node.broker, "socket.deliver", async (proceed) => {
      await isOver;
      return proceed();
    });
    await world.connect(ann, "a1");
    await world.connect(bob, "b1");
    assert.equal((await subscribe(world, ann, [bob], "a1"))[0]?.online, true);
    await world.disconnect(bob, "b1");
    end();
    await waitFor(() => world.pushes(bob).length > 0, "the departure");
    assert.deepEqual(
      world.pushes(bob).map(({ online }) => online),
      [false],
    );
  });

  it("make no event when their gateway was killed and they came back to another, also when the first is missed", async () => {
    await using world = await presenceNode(0, 5);
    await befriend(world.node, ann, bob);
    await world.connect(bob, "b1");
    await waitFor(() => world.pushes(bob).length === 1);
    await world.connect(bob, "b2");
    const silentSince = Date.now() - PRESENCE_TTL_MS;
    await hotPresenceOf(world.node).heartbeat("gate", [{ userId: bob, connectionId: "b1" }], silentSince);
    await settled(world);
    assert.deepEqual(
      world.pushes(bob).map(({ online }) => online),
      [true],
    );
    assert.equal((await subscribe(world, ann, [bob]))[0]?.online, true);
  });
});

describe("when a user was last seen", () => {
  it("is the moment of the last disconnect, as auth is told", async () => {
    await using world = await presenceNode(0);
    await befriend(world.node, ann, bob);
    await world.connect(bob, "b1");
    await world.disconnect(bob, "b1");
    const view = async () => (await subscribe(world, ann, [bob]))[0];
    await waitFor(async () => (await view())?.online === false, "the departure to be told");
    assert.equal((await view())?.lastSeenAt, world.seen[0]?.at);
  });

  it("is the last heartbeat where a gateway was killed", async () => {
    await using world = await presenceNode(0, 5);
    await befriend(world.node, ann, bob);
    await world.connect(bob, "b1");
    await waitFor(() => world.pushes(bob).length === 1);
    const lastHeartbeat = Date.now() - PRESENCE_TTL_MS;
    await hotPresenceOf(world.node).heartbeat("gate", [{ userId: bob, connectionId: "b1" }], lastHeartbeat);
    await waitFor(() => world.pushes(bob).length === 2);
    const { online, lastSeenAt } = world.pushes(bob)[1]!;
    assert.deepEqual([online, lastSeenAt], [false, lastHeartbeat]);
    assert.deepEqual((await subscribe(world, ann, [bob]))[0]?.lastSeenAt, lastHeartbeat);
  });
});
