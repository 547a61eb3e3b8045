import assert from "node:assert/strict";
import { test } from "node:test";
import { conversationRoom, userRoom } from "../../lib/push.ts";
import { moveRoomsEverywhere, moveRoomsOfOne, type EverywhereDeps, type RoomChange } from "../../services/socket/rooms.ts";
import type { ImServer } from "../../services/socket/types.ts";
import { befriend, buildGroup, buildUser, startIm, type Im } from "../support/im.ts";
import { waitFor } from "../support/wait.ts";

const serverOf = (im: Im): ImServer => (im.broker.getLocalService("socket") as unknown as { io: ImServer }).io;
const roomsOf = (im: Im, id: string): string[] => [...serverOf(im).of("/").sockets.get(id)!.rooms];

test("a gateway that was cut off from the bus puts the rooms of its connections right", async () => {
  await using im = await startIm();
  const [a, b] = [await buildUser(im), await buildUser(im)];
  await befriend(im, a, b);
  const group = await buildGroup(im, a, [b]);
  const { socket } = await im.connect({ token: b.token });
  const id = socket.id!;
  const room = conversationRoom(group.conversationId);
  await waitFor(() => roomsOf(im, id).includes(room), "the room of the group");
  await im.node.as(b.userId, "presence.subscribe", { userIds: [a.userId] }, { connectionId: id });
  const connection = serverOf(im).of("/").sockets.get(id)!;
  await connection.leave(room); // a joining that was missed
  await connection.join([conversationRoom("g_404"), "p:404"]); // a leaving, and a friendship that ended
  await im.broker.broadcastLocal("$transporter.connected", { wasReconnect: true });
  const joined = (): string[] => roomsOf(im, id).filter((name) => /^[cp]:/.test(name));
  // Whom it watches is left first, and then asked for again.
  await waitFor(() => !joined().includes("p:404") && joined().includes(`p:${a.userId}`), "the rooms to be read again");
  assert.deepEqual(joined().sort(), [room, `p:${a.userId}`]);
});

/** A gateway whose neighbours answer so. */
async function withNeighbours(
  im: Im,
  answers: Record<string, { moved: number } | Error>,
): Promise<{ deps: EverywhereDeps; told: string[] }> {
  const told: string[] = [];
  const moveOn = (nodeId: string): Promise<{ moved: number }> => {
    told.push(nodeId);
    const answer = answers[nodeId]!;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { deps: { io: serverOf(im), others: () => Object.keys(answers), moveOn }, told };
}

test("rooms move on every gateway, or whoever asked for it hears that one was not told", async () => {
  await using im = await startIm();
  const a = await buildUser(im);
  const { socket } = await im.connect({ token: a.token });
  const change: RoomChange = { of: [userRoom(a.userId)], rooms: ["c:g_1"], enter: true };
  const whole = await withNeighbours(im, { two: { moved: 1 }, three: { moved: 0 } });
  await moveRoomsEverywhere(whole.deps, change);
  assert.deepEqual(whole.told, ["two", "three"]);
  assert.ok(roomsOf(im, socket.id!).includes("c:g_1"));
  const broken = await withNeighbours(im, { two: new Error("it is silent"), three: { moved: 0 } });
  await assert.rejects(moveRoomsEverywhere(broken.deps, { ...change, enter: false }), /it is silent/);
  assert.deepEqual(broken.told, ["two", "three"], "the others are told all the same");
  assert.ok(!roomsOf(im, socket.id!).includes("c:g_1"));
});

test("nobody at all is not everybody", async () => {
  await using im = await startIm();
  const a = await buildUser(im);
  const { socket } = await im.connect({ token: a.token });
  await im.node.call("socket.join", { userIds: [], conversationId: "g_1" });
  assert.ok(!roomsOf(im, socket.id!).includes("c:g_1"));
});

test("one connection is moved where it is, though other gateways are silent", async () => {
  await using im = await startIm();
  const change: RoomChange = { of: ["elsewhere"], rooms: ["p:1"], enter: true };
  const silent = new Error("it is silent");
  const there = await withNeighbours(im, { two: silent, three: { moved: 1 } });
  await moveRoomsOfOne(there.deps, change);
  const nowhere = await withNeighbours(im, { two: silent, three: { moved: 0 } });
  await assert.rejects(moveRoomsOfOne(nowhere.deps, change), /it is silent/);
  const gone = await withNeighbours(im, { two: { moved: 0 } });
  await moveRoomsOfOne(gone.deps, change);
});
