import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { announceChange, type Announcement } from "../../services/group/announce-change.ts";
import { AnnouncementQueue } from "../../services/group/announcement-queue.ts";
import { createGroupWorld, type GroupWorld } from "../support/group-world.ts";
import { waitFor } from "../support/wait.ts";

/** What the neighbours were told, pushes as the room they go to. */
const tale = (world: GroupWorld, from = 0): string[] =>
  world.told.slice(from).map(({ action, params }) => {
    const { userIds, content, deliveries } = params as {
      userIds?: string[];
      content?: { event: string };
      deliveries?: { room: string; event: string }[];
    };
    if (deliveries) return `push ${deliveries.map(({ room, event }) => `${event} ${room}`).join(", ")}`;
    return [action, content?.event ?? userIds?.join(",")].join(" ");
  });

/** What is told of a new group of users 1 and 2. */
const taleOfTwo = (groupId: string): string[] => [
  "conversation.admit 1,2",
  "socket.join 1,2",
  "message.sendSystem group.created",
  "conversation.joined 1,2",
  "conversation.refreshMembers 1,2",
  "socket.join 1,2",
  `push group:updated c:g_${groupId}`,
];

test("those who join can send, are in the room and then read the message that says so, from which on they see", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", { members: ["2"] });
  assert.deepEqual(tale(world), taleOfTwo(groupId));
  assert.partialDeepStrictEqual(world.told[3]?.params, { conversationId: `g_${groupId}`, seq: 1, historyVisible: false });
});

test("one who is removed cannot send before the message says so, reads it, and hears no more", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", { members: ["2"] });
  const from = world.told.length;
  await world.as("1", "group.removeMember", { groupId, userId: "2" });
  assert.deepEqual(tale(world, from), [
    "conversation.leaving 2",
    "message.sendSystem member.removed",
    "conversation.left 2",
    "socket.leave 2",
    `push group:updated c:g_${groupId}, group:updated u:2`,
  ]);
  assert.equal(world.told[from + 2]?.params["seq"], 2);
});

test("a mute is in force before its message", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", { members: ["2"] });
  const from = world.told.length;
  await world.as("1", "group.updateMember", { groupId, userId: "2", mutedUntil: Date.now() + 60_000 });
  assert.deepEqual(tale(world, from), [
    "conversation.refreshMembers 1,2",
    "message.sendSystem member.muted",
    `push group:updated c:g_${groupId}`,
  ]);
});

test("a nickname is no message, but members hear that the group changed", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", { members: ["2"] });
  const [from, { version }] = [world.told.length, await world.as("2", "group.mine", {})];
  await world.as("2", "group.updateMember", { groupId, userId: "2", nickname: "Two" });
  assert.deepEqual(tale(world, from), [`push group:updated c:g_${groupId}`]);
  assert.equal((await world.as("2", "group.mine", { sinceVersion: version })).items.length, 1);
});

test("the durable event does not announce again what this node has announced", async () => {
  await using world = await createGroupWorld();
  await world.group("1", { members: ["2"] });
  const told = world.told.length;
  await world.settled();
  assert.equal(world.told.length, told);
});

test("a change holds when the message service is away, and is announced when it is back", async () => {
  await using world = await createGroupWorld({ messagesAreUp: false });
  const groupId = await world.group("1", { members: ["2"] });
  await world.as("2", "group.removeMember", { groupId, userId: "2" });
  assert.equal(await world.node.call("group.memberCount", { groupId }), 1);
  assert.deepEqual(world.messages(groupId), []);
  // Of user 2: the creation, which could not be announced either, is tried again at any time, and tells of user 1.
  const moves = world.told.filter(({ action, params }) => /^socket\./.test(action) && String(params["userIds"]).includes("2"));
  assert.equal(moves.at(-1)?.action, "socket.leave");
  world.neighbours.messagesAreUp = true;
  await world.settled();
  assert.deepEqual(
    world.messages(groupId).map(({ event }) => event),
    ["group.created", "member.left"],
  );
  const bounds = world.told.filter(({ action }) => action === "conversation.joined" || action === "conversation.left");
  assert.deepEqual(
    bounds.map(({ action, params }) => [action, params["userIds"], params["seq"]]),
    [
      ["conversation.joined", ["1"], 1],
      ["conversation.left", ["2"], 2],
    ],
  );
});

test("a change that was committed before a crash is announced after the next start", async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), "im-group-"));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  let groupId: string;
  {
    await using world = await createGroupWorld({ dataDir, messagesAreUp: false });
    groupId = await world.group("1", { members: ["2"] });
  }
  await using world = await createGroupWorld({ dataDir });
  await waitFor(() => world.told.some(({ action }) => action === "socket.deliver"), "the announcement");
  assert.deepEqual(tale(world), taleOfTwo(groupId));
});

test("a change that comes late undoes no later one", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", { members: ["2"] }, { joinMode: "open" });
  await world.as("1", "group.removeMember", { groupId, userId: "2" });
  const rows = await world.deps.sql.select<{ event_id: string; payload: string }>(
    "select event_id, payload from outbox where subject in ('im.group.changed', 'im.group.member.joined', 'im.group.member.left') order by position",
  );
  const announcements = rows.map(({ event_id: eventId, payload }) => ({
    eventId,
    ...(JSON.parse(payload) as Pick<Announcement, "groupId" | "change">),
  }));
  const again = async (announcement: Announcement): Promise<string[]> => {
    const from = world.told.length;
    await announceChange({ ...world.deps, queue: new AnnouncementQueue() }, announcement);
    return tale(world, from);
  };
  const [created, removed] = announcements;
  assert.deepEqual((await again(created!)).slice(0, 5), [
    "conversation.admit 1",
    "socket.join 1",
    "message.sendSystem group.created",
    "conversation.joined 1",
    "conversation.refreshMembers 1",
  ]);
  await world.as("2", "group.join", { groupId });
  assert.deepEqual(await again(removed!), ["message.sendSystem member.removed", `push group:updated c:g_${groupId}`]);
  const seqs = world.told.filter(({ action }) => action === "conversation.joined").map(({ params }) => params["seq"]);
  assert.deepEqual(seqs, [1, 1, 3]);
});

test("5,000 members are told in few calls, and the message does not name them", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", {}, { maxMembers: 5_000 });
  for (let from = 0; from < 4_999; from += 500) {
    const userIds = Array.from({ length: Math.min(500, 4_999 - from) }, (_, i) => String(10_000 + from + i));
    for (const userId of userIds) world.neighbours.allows.add(`1:${userId}`);
    assert.equal((await world.as("1", "group.invite", { groupId, userIds })).joined.length, userIds.length);
  }
  const joined = world.messages(groupId).at(-1);
  assert.deepEqual([joined?.userIds?.length, joined?.["userCount"]], [50, 499]);
  const from = world.told.length;
  await world.as("1", "group.dissolve", { groupId });
  await world.settled();
  const { version, ...message } = world.messages(groupId).at(-1)!;
  assert.deepEqual(message, { event: "group.dissolved", actorId: "1", name: "Group" });
  assert.equal(typeof version, "string");
  const left = world.told.slice(from).filter(({ action }) => action === "conversation.left");
  assert.deepEqual(
    left.map(({ params }) => (params["userIds"] as string[]).length),
    Array<number>(10).fill(500),
  );
  assert.ok(world.told.length - from < 50);
});
