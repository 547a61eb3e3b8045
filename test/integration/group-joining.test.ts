import assert from "node:assert/strict";
import test from "node:test";
import { INVITATION_TTL_MS } from "../../contracts/limits.ts";
import { isImError } from "../../lib/errors.ts";
import type { GroupDeps } from "../../services/group/deps.ts";
import { handleInvitation, listInvitations } from "../../services/group/invitations.ts";
import { inviteMembers } from "../../services/group/invite-members.ts";
import { joinGroup } from "../../services/group/join-group.ts";
import { createGroupWorld, refuses, userOf, type GroupWorld } from "../support/group-world.ts";

/** The use cases at another time. */
const at = (world: GroupWorld, now: number): GroupDeps => ({ ...world.deps, now: () => now });
const eventsOf = async (world: GroupWorld, subject: string): Promise<Record<string, unknown>[]> => {
  const rows = await world.deps.sql.select<{ payload: string }>(
    "select payload from outbox where subject = :subject order by position",
    { subject },
  );
  return rows.map(({ payload }) => JSON.parse(payload) as Record<string, unknown>);
};
const typesOf = (settled: PromiseSettledResult<unknown>[]): string[] =>
  settled.map((one) =>
    one.status === "fulfilled"
      ? "ok"
      : isImError(one.reason, "GROUP_FULL", "INVITE_CODE_INVALID")
        ? String(one.reason.type)
        : String(one.reason),
  );

test("an invitation waits for its invitee, who joins by accepting it", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", {}, { name: "Hikers" });
  world.neighbours.friends.add("1:2");
  assert.deepEqual(await world.as("1", "group.invite", { groupId, userIds: ["2", "3"] }), { joined: [], invited: ["2"] });
  const [invitation] = (await world.as("2", "group.invitations", {})).items;
  assert.deepEqual(invitation, {
    invitationId: invitation?.invitationId,
    group: { groupId, name: "Hikers", avatar: "", memberCount: 1, joinMode: "invite" },
    inviter: userOf("1"),
    status: "pending",
    expiresAt: invitation?.expiresAt,
  });
  const { invitationId } = invitation!;
  await refuses(world.as("3", "group.handleInvitation", { invitationId, action: "accept" }), "INVITATION_NOT_FOUND");
  assert.equal((await world.as("2", "group.handleInvitation", { invitationId, action: "accept" })).status, "accepted");
  await refuses(world.as("2", "group.handleInvitation", { invitationId, action: "accept" }), "INVITATION_HANDLED");
  assert.deepEqual((await world.as("2", "group.invitations", {})).items, []);
  assert.equal((await world.as("2", "group.mine", {})).items[0]?.groupId, groupId);
  assert.partialDeepStrictEqual(world.messages(groupId).at(-1), {
    event: "member.joined",
    actorId: "2",
    userIds: ["2"],
    inviterId: "1",
  });
  assert.deepEqual(await eventsOf(world, "im.group.invitation.sent"), [
    { invitationId, groupId, inviterId: "1", inviteeId: "2" },
  ]);
  assert.deepEqual(await eventsOf(world, "im.group.invitation.handled"), [
    { invitationId, groupId, inviterId: "1", inviteeId: "2", accepted: true },
  ]);
});

test("a rejected invitation makes no member, and one may be invited again", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1");
  world.neighbours.friends.add("1:2");
  await world.as("1", "group.invite", { groupId, userIds: ["2"] });
  const [first] = (await world.as("2", "group.invitations", {})).items;
  assert.equal(
    (await world.as("2", "group.handleInvitation", { invitationId: first!.invitationId, action: "reject" })).status,
    "rejected",
  );
  assert.equal(await world.node.call("group.memberCount", { groupId }), 1);
  await world.as("1", "group.invite", { groupId, userIds: ["2"] });
  assert.notEqual((await world.as("2", "group.invitations", {})).items[0]?.invitationId, first!.invitationId);
});

test("one who is invited already stays invited, silently", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", { members: ["3"] });
  world.neighbours.friends.add("1:2").add("3:2");
  for (const inviter of ["1", "1", "3"])
    assert.deepEqual((await world.as(inviter, "group.invite", { groupId, userIds: ["2"] })).invited, ["2"]);
  assert.equal((await world.as("2", "group.invitations", {})).items.length, 1);
  assert.equal((await eventsOf(world, "im.group.invitation.sent")).length, 1);
});

test("members are not invited again", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", { members: ["2"] });
  world.neighbours.friends.add("1:2");
  assert.deepEqual(await world.as("1", "group.invite", { groupId, userIds: ["1", "2"] }), { joined: [], invited: [] });
});

test("an invitation expires, and a new one takes its place", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1");
  world.neighbours.friends.add("1:2");
  await world.as("1", "group.invite", { groupId, userIds: ["2"] });
  const [old] = (await world.as("2", "group.invitations", {})).items;
  const later = at(world, old!.expiresAt);
  assert.ok(old!.expiresAt > Date.now() + INVITATION_TTL_MS - 60_000);
  assert.deepEqual((await listInvitations(later, { userId: "2" })).items, []);
  await refuses(
    handleInvitation(later, { userId: "2", invitationId: old!.invitationId, action: "accept" }),
    "INVITATION_HANDLED",
  );
  assert.deepEqual(await inviteMembers(later, { groupId, userId: "1", userIds: ["2"] }), { joined: [], invited: ["2"] });
  const [fresh] = (await listInvitations(later, { userId: "2" })).items;
  assert.notEqual(fresh?.invitationId, old?.invitationId);
  assert.equal(
    (await handleInvitation(later, { userId: "2", invitationId: fresh!.invitationId, action: "accept" })).status,
    "accepted",
  );
});

test("an invitation into a group that was dissolved is gone", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1");
  world.neighbours.friends.add("1:2");
  await world.as("1", "group.invite", { groupId, userIds: ["2"] });
  const [invitation] = (await world.as("2", "group.invitations", {})).items;
  await world.as("1", "group.dissolve", { groupId });
  assert.deepEqual((await world.as("2", "group.invitations", {})).items, []);
  await refuses(
    world.as("2", "group.handleInvitation", { invitationId: invitation!.invitationId, action: "accept" }),
    "GROUP_NOT_FOUND",
  );
});

test("pages of invitations go from new to old, each once", async () => {
  await using world = await createGroupWorld();
  const groupIds: string[] = [];
  world.neighbours.friends.add("1:2");
  for (let i = 0; i < 5; i++)
    groupIds.unshift((await world.as("1", "group.create", { name: "Group", memberIds: ["2"] })).group.groupId);
  const first = await world.as("2", "group.invitations", { limit: 3 });
  const second = await world.as("2", "group.invitations", { limit: 3, cursor: first.nextCursor! });
  assert.deepEqual(
    [...first.items, ...second.items].map(({ group }) => group.groupId),
    groupIds,
  );
  assert.equal(second.nextCursor, null);
});

test("a full group takes and invites nobody", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", { members: ["2"] }, { maxMembers: 3, joinMode: "open" });
  world.neighbours.friends.add("1:3").add("1:4");
  world.neighbours.allows.add("1:5").add("1:6");
  await world.as("1", "group.invite", { groupId, userIds: ["3"] });
  await refuses(world.as("1", "group.invite", { groupId, userIds: ["5", "6"] }), "GROUP_FULL");
  await world.as("7", "group.join", { groupId });
  const [{ invitationId } = { invitationId: "" }] = (await world.as("3", "group.invitations", {})).items;
  await refuses(world.as("3", "group.handleInvitation", { invitationId, action: "accept" }), "GROUP_FULL");
  await refuses(world.as("1", "group.invite", { groupId, userIds: ["4"] }), "GROUP_FULL");
  assert.equal((await world.as("3", "group.invitations", {})).items.length, 1);
  assert.equal(await world.node.call("group.memberCount", { groupId }), 3);
});

test("people who join at one time never exceed the size", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", {}, { maxMembers: 5, joinMode: "open" });
  const settled = await Promise.allSettled(
    Array.from({ length: 12 }, (_, i) => world.as(String(10 + i), "group.join", { groupId })),
  );
  assert.deepEqual(typesOf(settled).sort(), [...Array<string>(8).fill("GROUP_FULL"), ...Array<string>(4).fill("ok")]);
  assert.equal(await world.node.call("group.memberCount", { groupId }), 5);
  assert.equal((await world.node.call("group.memberStates", { groupId }))?.members.length, 5);
});

test("one person who joins many times at one time is counted once", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", {}, { joinMode: "open" });
  const settled = await Promise.allSettled(Array.from({ length: 5 }, () => world.as("2", "group.join", { groupId })));
  assert.equal(settled.filter(({ status }) => status === "fulfilled").length, 1);
  for (const one of settled) if (one.status === "rejected") assert.ok(isImError(one.reason, "ALREADY_MEMBER"));
  assert.equal(await world.node.call("group.memberCount", { groupId }), 2);
});

test("an invite link lets people in whatever the join mode, as often as it says", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1");
  const { inviteCode, ...link } = await world.as("1", "group.createInviteLink", { groupId, maxUses: 3 });
  assert.deepEqual(link, { expiresAt: null, maxUses: 3, uses: 0 });
  assert.match(inviteCode, /^[A-Za-z0-9_-]{16,64}$/);
  const settled = await Promise.allSettled(
    Array.from({ length: 8 }, (_, i) => world.as(String(10 + i), "group.join", { groupId, inviteCode })),
  );
  assert.deepEqual(typesOf(settled).sort(), [...Array<string>(5).fill("INVITE_CODE_INVALID"), ...Array<string>(3).fill("ok")]);
  assert.equal(await world.node.call("group.memberCount", { groupId }), 4);
});

test("a join by link gives the group; those who are members spend no use", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", { members: ["2"] });
  const { inviteCode } = await world.as("2", "group.createInviteLink", { groupId, maxUses: 1 });
  await refuses(world.as("1", "group.join", { groupId, inviteCode }), "ALREADY_MEMBER");
  const { joined, requestId, group } = await world.as("3", "group.join", { groupId, inviteCode });
  assert.deepEqual([joined, requestId], [true, null]);
  assert.deepEqual(group, await world.as("3", "group.get", { groupId }));
});

test("a code that is unknown, expired, of another group or of one kicked out is refused alike", async () => {
  await using world = await createGroupWorld();
  const [groupId, other] = [await world.group("1", { members: ["2"] }), await world.group("1")];
  const expiresAt = Date.now() + 1_000;
  const { inviteCode: expiring } = await world.as("1", "group.createInviteLink", { groupId, expiresAt });
  const { inviteCode: foreign } = await world.as("1", "group.createInviteLink", { groupId: other });
  const { inviteCode: ofKicked } = await world.as("2", "group.createInviteLink", { groupId });
  await world.as("1", "group.removeMember", { groupId, userId: "2" });
  await refuses(joinGroup(at(world, expiresAt), { groupId, userId: "3", inviteCode: expiring }), "INVITE_CODE_INVALID");
  for (const inviteCode of [foreign, ofKicked, "nonsense"])
    await refuses(world.as("2", "group.join", { groupId, inviteCode }), "INVITE_CODE_INVALID");
  await refuses(world.as("2", "group.join", { groupId: "999", inviteCode: "nonsense" }), "INVITE_CODE_INVALID");
});

test("a request waits for owner or admins, once; accepting it makes a member", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", { admins: ["2"], members: ["3"] }, { joinMode: "approval" });
  const { requestId, ...rest } = await world.as("9", "group.join", { groupId, message: "Hi" });
  assert.deepEqual(rest, { joined: false, group: null });
  await refuses(world.as("9", "group.join", { groupId }), "JOIN_PENDING");
  assert.deepEqual(await eventsOf(world, "im.group.join.requested"), [
    { requestId, groupId, userId: "9", approverIds: ["1", "2"] },
  ]);
  const { items } = await world.as("2", "group.joinRequests", { groupId });
  assert.partialDeepStrictEqual(items, [
    { requestId, groupId, user: userOf("9"), message: "Hi", status: "pending", handledAt: null },
  ]);
  const handle = { groupId, requestId: requestId!, action: "accept" } as const;
  await refuses(world.as("3", "group.handleJoinRequest", handle), "ROLE_FORBIDS");
  await refuses(world.as("1", "group.handleJoinRequest", { ...handle, requestId: "7" }), "JOIN_REQUEST_NOT_FOUND");
  assert.equal((await world.as("2", "group.handleJoinRequest", handle)).status, "accepted");
  await refuses(world.as("1", "group.handleJoinRequest", handle), "JOIN_REQUEST_HANDLED");
  assert.partialDeepStrictEqual(await world.as("9", "group.get", { groupId }), { myRole: "member", memberCount: 4 });
  assert.deepEqual(await eventsOf(world, "im.group.join.handled"), [
    { requestId, groupId, userId: "9", actorId: "2", accepted: true },
  ]);
});

test("a rejected request makes no member, and one may ask again", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", {}, { joinMode: "approval" });
  const { requestId } = await world.as("9", "group.join", { groupId });
  const rejected = await world.as("1", "group.handleJoinRequest", { groupId, requestId: requestId!, action: "reject" });
  assert.equal(rejected.status, "rejected");
  assert.notEqual(rejected.handledAt, null);
  assert.equal(await world.node.call("group.memberCount", { groupId }), 1);
  assert.notEqual((await world.as("9", "group.join", { groupId })).requestId, requestId);
});

test("a request for another group cannot be answered here", async () => {
  await using world = await createGroupWorld();
  const [mine, theirs] = [await world.group("1"), await world.group("2", {}, { joinMode: "approval" })];
  const { requestId } = await world.as("9", "group.join", { groupId: theirs });
  await refuses(
    world.as("1", "group.handleJoinRequest", { groupId: mine, requestId: requestId!, action: "accept" }),
    "JOIN_REQUEST_NOT_FOUND",
  );
});

test("whoever joins otherwise has no invitation and no request waiting any more", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", {}, { joinMode: "approval" });
  world.neighbours.friends.add("1:2");
  await world.as("1", "group.invite", { groupId, userIds: ["2"] });
  await world.as("2", "group.join", { groupId });
  const { inviteCode } = await world.as("1", "group.createInviteLink", { groupId });
  await world.as("2", "group.join", { groupId, inviteCode });
  assert.deepEqual((await world.as("2", "group.invitations", {})).items, []);
  assert.deepEqual((await world.as("1", "group.joinRequests", { groupId })).items, []);
});

test("a day has room for 200 invitations, those that wait already not counted", async () => {
  await using world = await createGroupWorld({ config: { rateLimits: true } });
  const groupId = await world.group("1");
  const userIds = Array.from({ length: 201 }, (_, i) => String(1_000 + i));
  for (const userId of userIds) world.neighbours.friends.add(`1:${userId}`);
  await refuses(world.as("1", "group.invite", { groupId, userIds }), "QUOTA_EXCEEDED");
  assert.equal((await world.as("1", "group.invite", { groupId, userIds: userIds.slice(1) })).invited.length, 200);
  assert.equal((await world.as("1", "group.invite", { groupId, userIds: userIds.slice(1) })).invited.length, 200);
  await refuses(world.as("1", "group.invite", { groupId, userIds: userIds.slice(0, 1) }), "QUOTA_EXCEEDED");
});
