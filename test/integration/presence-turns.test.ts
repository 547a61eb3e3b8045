import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { PRESENCE_TTL_MS } from "../../config/limits.ts";
import { intercept } from "../support/intercept.ts";
import { ann, bob, hotPresenceOf, presenceNode, sessionOf, type World } from "../support/presence-node.ts";
import { waitFor } from "../support/wait.ts";

/** Turns of the event loop in which whoever could begin has begun. */
const LONG = 200;

const onlineTold = (world: World, userId: string): boolean[] => world.pushes(userId).map(({ online }) => online);

/**
 * Lets the first push after this one wait for others to begin beside it.
 * @returns how many were under way at once, at most
 */
function watchPushes({ node }: World, meanwhile: () => void): { most(): number } {
  let [running, most, isFirst] = [0, 0, true];
  intercept(node.broker, "socket.deliver", async (proceed) => {
    most = Math.max(most, ++running);
    if (isFirst) {
      isFirst = false;
      meanwhile();
      for (let turn = 0; turn < LONG && running === 1; turn++) await nextTurn();
    }
    const answer = await proceed();
    running--;
    return answer;
  });
  return { most: () => most };
}

describe("those who tell watchers on one node", () => {
  it("follow each other when a gateway's connections are brought back", async () => {
    await using world = await presenceNode();
    const pushes = watchPushes(world, () => {
      const connection = {
        userId: bob,
        sessionId: sessionOf(bob),
        connectionId: "b1",
        deviceId: "phone",
        deviceType: "ios" as const,
      };
      void world.node.call("presence.heartbeat", { gatewayNodeId: "gate", connections: [connection] });
    });
    await world.connect(ann, "a1");
    await waitFor(() => onlineTold(world, bob).length === 1, "bob to be told of");
    assert.deepEqual([onlineTold(world, ann), onlineTold(world, bob), pushes.most()], [[true], [true], 1]);
  });

  it("follow each other when it is looked for who left without a word", async () => {
    await using world = await presenceNode(0);
    await world.connect(bob, "b1");
    await waitFor(() => onlineTold(world, bob).length === 1, "bob to be told of");
    await hotPresenceOf(world.node).heartbeat("gate", [{ userId: bob, connectionId: "b1" }], Date.now() - PRESENCE_TTL_MS);
    const service = world.node.broker.getLocalService("presence") as unknown as { sweep(): void };
    const pushes = watchPushes(world, () => service.sweep());
    await world.connect(ann, "a1");
    await waitFor(() => onlineTold(world, bob).length === 2, "bob to be told of as gone");
    assert.deepEqual([onlineTold(world, ann), onlineTold(world, bob), pushes.most()], [[true], [true, false], 1]);
  });
});

describe("a node that stops", () => {
  it("tells of those who came and waited to be told of", async () => {
    const world = await presenceNode(60_000, 60_000, 60_000);
    await world.connect(ann, "a1");
    await waitFor(() => onlineTold(world, ann).length === 1, "the first to be told of at once");
    await world.connect(bob, "b1");
    await world.connect("12", "c1");
    await world.node.stop();
    assert.deepEqual([onlineTold(world, bob), onlineTold(world, "12")], [[true], [true]]);
  });
});
