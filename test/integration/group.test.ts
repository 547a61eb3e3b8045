import assert from "node:assert/strict";
import test from "node:test";
import type { Group } from "../../contracts/entities.ts";
import { GROUPS_CREATED_PER_DAY } from "../../config/limits.ts";
import { editMember } from "../../services/group/update-member.ts";
import { createGroupWorld, refuses } from "../support/group-world.ts";

test("the creator owns the new group; friends are invited, those who allow it join, strangers are left out", async () => {
  await using world = await createGroupWorld();
  world.neighbours.friends.add("1:2").add("1:5");
  world.neighbours.allows.add("1:3");
  world.neighbours.inactive.add("5");
  const { group, joined, invited } = await world.as("1", "group.create", {
    name: "Hikers",
    memberIds: ["1", "2", "3", "4", "5"],
  });
  assert.deepEqual([joined, invited], [["3"], ["2"]]);
  assert.deepEqual(group, {
    groupId: group.groupId,
    conversationId: `g_${group.groupId}`,
    name: "Hikers",
    avatar: "",
    announcement: "",
    ownerId: "1",
    memberCount: 2,
    maxMembers: 500,
    joinMode: "invite",
    historyVisible: false,
    memberInvite: true,
    mentionAllBy: "members",
    allMuted: false,
    myRole: "owner",
    version: group.version,
    createdAt: group.createdAt,
  });
  assert.deepEqual(await world.as("3", "group.get", { groupId: group.groupId }), { ...group, myRole: "member" });
  await refuses(world.as("2", "group.get", { groupId: group.groupId }), "GROUP_NOT_FOUND");
});

test("more people at once than the size allows make no group", async () => {
  await using world = await createGroupWorld();
  world.neighbours.allows.add("1:2").add("1:3");
  await refuses(world.as("1", "group.create", { name: "Pair", memberIds: ["2", "3"], maxMembers: 2 }), "GROUP_FULL");
  assert.deepEqual((await world.as("1", "group.mine", {})).items, []);
});

test("each edited field is one message, what stays as it was is none", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", { members: ["2"] });
  const edit = {
    name: "New",
    avatar: "https://example.com/a.png",
    announcement: "Hello\nall",
    maxMembers: 10,
    joinMode: "open",
    memberInvite: true,
  } as const;
  const group = await world.as("1", "group.update", { groupId, ...edit });
  assert.partialDeepStrictEqual(group, edit);
  assert.equal((await world.as("1", "group.update", { groupId, ...edit })).version, group.version);
  const { version } = group;
  assert.deepEqual(world.messages(groupId).slice(1), [
    { event: "group.renamed", actorId: "1", userIds: [], name: "New", version },
    { event: "group.avatar.changed", actorId: "1", userIds: [], avatar: "https://example.com/a.png", version },
    { event: "group.announcement.changed", actorId: "1", userIds: [], announcement: "Hello\nall", version },
    { event: "group.settings.changed", actorId: "1", userIds: [], maxMembers: 10, joinMode: "open", version },
  ]);
});

test("the size cannot be set below the number of members", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", { members: ["2", "3"] });
  await refuses(world.as("1", "group.update", { groupId, maxMembers: 2 }), "VALIDATION");
  assert.equal((await world.as("1", "group.update", { groupId, maxMembers: 3 })).maxMembers, 3);
});

test("mutes of all and of one are told once and reach whoever accepts messages", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", { members: ["2"] });
  const mutedUntil = Date.now() + 60_000;
  for (let i = 0; i < 2; i++) {
    assert.equal((await world.as("1", "group.muteAll", { groupId, all: true })).allMuted, true);
    assert.equal((await world.as("1", "group.updateMember", { groupId, userId: "2", mutedUntil })).mutedUntil, mutedUntil);
  }
  assert.deepEqual(await world.node.call("group.memberStates", { groupId }), {
    allMuted: true,
    dissolved: false,
    members: [
      { userId: "1", role: "owner", mutedUntil: null },
      { userId: "2", role: "member", mutedUntil },
    ],
  });
  assert.equal((await world.as("1", "group.updateMember", { groupId, userId: "2", mutedUntil: 5 })).mutedUntil, null);
  assert.equal((await world.as("1", "group.updateMember", { groupId, userId: "2", mutedUntil: null })).mutedUntil, null);
  assert.equal((await world.as("1", "group.muteAll", { groupId, all: false })).allMuted, false);
  const events = world.messages(groupId).map(({ event }) => event);
  assert.deepEqual(events, ["group.created", "group.muted", "member.muted", "member.unmuted", "group.unmuted"]);
});

test("a mute that is over is shown as none, and can be set again", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", { members: ["2"] });
  const mutedUntil = Date.now() + 60_000;
  await world.as("1", "group.updateMember", { groupId, userId: "2", mutedUntil });
  const later = { ...world.deps, now: () => mutedUntil };
  const member = await editMember({ ...later, calls: world.node.broker }, { groupId, userId: "2" }, "2", { nickname: "Two" });
  assert.deepEqual([member.nickname, member.mutedUntil], ["Two", null]);
});

test("a mute survives leaving and coming back", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", { members: ["2"] }, { joinMode: "open" });
  const mutedUntil = Date.now() + 60_000;
  await world.as("1", "group.updateMember", { groupId, userId: "2", mutedUntil });
  await world.as("2", "group.updateMember", { groupId, userId: "2", nickname: "Two" });
  await world.as("2", "group.removeMember", { groupId, userId: "2" });
  await world.as("2", "group.join", { groupId });
  const { items } = await world.as("2", "group.members", { groupId });
  assert.partialDeepStrictEqual(items[1], { userId: "2", role: "member", nickname: "", mutedUntil });
});

test("transferring makes the old owner an admin and the new one free of mutes", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", { members: ["2"] });
  await world.as("1", "group.updateMember", { groupId, userId: "2", mutedUntil: Date.now() + 60_000 });
  const group = await world.as("1", "group.transfer", { groupId, userId: "2" });
  assert.deepEqual([group.ownerId, group.myRole], ["2", "admin"]);
  const states = await world.node.call("group.memberStates", { groupId });
  assert.deepEqual(states?.members, [
    { userId: "2", role: "owner", mutedUntil: null },
    { userId: "1", role: "admin", mutedUntil: null },
  ]);
  assert.deepEqual(await world.node.call("group.ownedBy", { userId: "2" }), [groupId]);
  assert.deepEqual(await world.node.call("group.ownedBy", { userId: "1" }), []);
  assert.partialDeepStrictEqual(world.messages(groupId).at(-1), {
    event: "group.owner.changed",
    actorId: "1",
    userIds: ["2"],
    previousOwnerId: "1",
  });
});

test("nobody can transfer to a user who is gone", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", { members: ["2"] });
  world.neighbours.inactive.add("2");
  await refuses(world.as("1", "group.transfer", { groupId, userId: "2" }), "NOT_A_MEMBER");
});

test("pages of members hold owner and admins first, everybody once", async () => {
  await using world = await createGroupWorld();
  const members = Array.from({ length: 7 }, (_, i) => String(100 + i));
  const groupId = await world.group("50", { admins: ["60", "7"], members });
  const seen: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await world.as("50", "group.members", { groupId, limit: 3, cursor });
    seen.push(...page.items.map(({ userId }) => userId));
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  assert.deepEqual(seen, ["50", "7", "60", ...members]);
  await refuses(world.as("50", "group.members", { groupId, cursor: "x.1" }), "VALIDATION");
});

test("the list brings what changed since a version, and what was left", async () => {
  await using world = await createGroupWorld();
  const [a, b, c] = [
    await world.group("1", { members: ["2"] }),
    await world.group("1", { members: ["2"] }),
    await world.group("1", { members: ["2"] }),
  ];
  const idsOf = (items: Group[]): string[] => items.map(({ groupId }) => groupId);
  const first = await world.as("2", "group.mine", {});
  assert.deepEqual([idsOf(first.items), first.removed], [[a, b, c], []]);
  const same = await world.as("2", "group.mine", { sinceVersion: first.version });
  assert.deepEqual([same.items, same.removed, same.version], [[], [], first.version]);
  await world.as("1", "group.update", { groupId: a, name: "Renamed" });
  await world.as("1", "group.removeMember", { groupId: b, userId: "2" });
  await world.as("1", "group.dissolve", { groupId: c });
  const delta = await world.as("2", "group.mine", { sinceVersion: first.version });
  assert.deepEqual([idsOf(delta.items), delta.removed], [[a], [b, c]]);
  assert.notEqual(delta.version, first.version);
  const [last] = (await world.as("2", "group.mine", { sinceVersion: delta.version })).items;
  assert.equal(last, undefined);
});

test("a version that the list never gave brings everything", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1");
  for (const sinceVersion of ["x", "999999", "0"]) {
    const { items } = await world.as("1", "group.mine", { sinceVersion });
    assert.deepEqual(
      items.map((group) => group.groupId),
      [groupId],
    );
  }
  assert.deepEqual(await world.as("2", "group.mine", {}), { items: [], removed: [], version: "0" });
});

test("others ask for groups by id, members and counts", async () => {
  await using world = await createGroupWorld();
  const [a, b] = [await world.group("1", { members: ["2"] }), await world.group("3")];
  const groups = await world.node.call("group.getMany", { userId: "2", groupIds: [a, b, "999"] });
  assert.deepEqual(
    groups.map(({ groupId, myRole }) => [groupId, myRole]),
    [[a, "member"]],
  );
  assert.deepEqual(await world.node.call("group.memberStates", { groupId: a, userIds: ["2", "9"] }), {
    allMuted: false,
    dissolved: false,
    members: [{ userId: "2", role: "member", mutedUntil: null }],
  });
  assert.equal(await world.node.call("group.memberStates", { groupId: "999" }), null);
  assert.deepEqual(
    [await world.node.call("group.memberCount", { groupId: a }), await world.node.call("group.memberCount", { groupId: "999" })],
    [2, 0],
  );
  await world.as("1", "group.dissolve", { groupId: a });
  assert.deepEqual(await world.node.call("group.memberStates", { groupId: a }), {
    allMuted: false,
    dissolved: true,
    members: [],
  });
  assert.equal(await world.node.call("group.memberCount", { groupId: a }), 0);
});

test("the export has memberships past and present, invitations and requests of one user alone", async () => {
  await using world = await createGroupWorld();
  const [a, b] = [await world.group("1", { members: ["2"] }), await world.group("3", {}, { joinMode: "approval" })];
  world.neighbours.friends.add("1:4");
  await world.as("1", "group.invite", { groupId: a, userIds: ["4"] });
  await world.as("2", "group.join", { groupId: b, message: "Please" });
  await world.as("2", "group.removeMember", { groupId: a, userId: "2" });
  const exported = await world.node.call("group.exportOf", { userId: "2" });
  assert.partialDeepStrictEqual(exported, {
    groups: [{ groupId: a, role: "member" }],
    invitations: [],
    joinRequests: [{ groupId: b, message: "Please" }],
  });
  assert.partialDeepStrictEqual(await world.node.call("group.exportOf", { userId: "4" }), {
    groups: [],
    invitations: [{ groupId: a, inviterId: "1" }],
  });
});

test("a day has room for a bounded number of new groups", async () => {
  await using world = await createGroupWorld({ config: { rateLimits: true } });
  for (let i = 0; i < GROUPS_CREATED_PER_DAY; i++) await world.as("1", "group.create", { name: "Group" });
  await refuses(world.as("1", "group.create", { name: "Group" }), "QUOTA_EXCEEDED");
  await world.as("2", "group.create", { name: "Group" });
});

test("a user who is gone leaves all groups; one that they own goes to the first admin, an empty one ends", async () => {
  await using world = await createGroupWorld();
  const [member, owner, alone] = [
    await world.group("2", { members: ["1"] }),
    await world.group("1", { admins: ["4"], members: ["2"] }),
    await world.group("1"),
  ];
  world.neighbours.friends.add("2:1");
  await world.group("2").then((groupId) => world.as("2", "group.invite", { groupId, userIds: ["1"] }));
  await world.deps.sql.transaction((tx) =>
    world.deps.outbox.add(tx, { subject: "im.user.deleted", key: "1", payload: { userId: "1", groupIds: [] } }),
  );
  await world.settled();
  assert.equal(await world.node.call("group.memberCount", { groupId: member }), 1);
  assert.partialDeepStrictEqual(await world.as("4", "group.get", { groupId: owner }), {
    ownerId: "4",
    myRole: "owner",
    memberCount: 2,
  });
  assert.equal((await world.node.call("group.memberStates", { groupId: alone }))?.dissolved, true);
  assert.deepEqual(
    world
      .messages(owner)
      .map(({ event }) => event)
      .slice(-2),
    ["group.owner.changed", "member.left"],
  );
  assert.deepEqual(
    [(await world.as("1", "group.mine", {})).items, (await world.as("1", "group.invitations", {})).items],
    [[], []],
  );
});
