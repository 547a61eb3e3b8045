import assert from "node:assert/strict";
import test from "node:test";
import type { Role } from "../../contracts/entities.ts";
import { routes } from "../../contracts/routes.ts";
import { mayDo, mayInvite, type Deed } from "../../services/group/permissions.ts";
import { createGroupWorld, refuses, type GroupWorld } from "../support/group-world.ts";

const roles: readonly Role[] = ["owner", "admin", "member"];
/** In each group: whom an actor of a role is, and who else has that role. */
const actorOf: Record<Role, string> = { owner: "1", admin: "2", member: "4" };
const targetOf: Record<Role, string> = { owner: "1", admin: "3", member: "5" };
const everybody = { admins: ["2", "3"], members: ["4", "5"] };
const stranger = "99";

type Act = (world: GroupWorld, groupId: string, actor: string, target: string) => Promise<unknown>;

const inGroup: Record<string, { deed: Deed; act: Act }> = {
  rename: { deed: "edit", act: ({ as }, groupId, actor) => as(actor, "group.update", { groupId, name: "Other" }) },
  announce: { deed: "edit", act: ({ as }, groupId, actor) => as(actor, "group.setAnnouncement", { groupId, text: "Hear" }) },
  "mute all": { deed: "muteAll", act: ({ as }, groupId, actor) => as(actor, "group.muteAll", { groupId, all: true }) },
  "read requests": { deed: "answerRequests", act: ({ as }, groupId, actor) => as(actor, "group.joinRequests", { groupId }) },
  dissolve: { deed: "dissolve", act: ({ as }, groupId, actor) => as(actor, "group.dissolve", { groupId }) },
  "set the own nickname": {
    deed: "setOwnNickname",
    act: ({ as }, groupId, actor) => as(actor, "group.updateMember", { groupId, userId: actor, nickname: "Me" }),
  },
};
const onMember: Record<string, { deed: Deed; act: Act }> = {
  kick: { deed: "kick", act: ({ as }, groupId, actor, userId) => as(actor, "group.removeMember", { groupId, userId }) },
  mute: {
    deed: "mute",
    act: ({ as }, groupId, actor, userId) =>
      as(actor, "group.updateMember", { groupId, userId, mutedUntil: Date.now() + 60_000 }),
  },
  "set the role of": {
    deed: "setRole",
    act: ({ as }, groupId, actor, userId) => as(actor, "group.updateMember", { groupId, userId, role: "admin" }),
  },
  "transfer to": { deed: "transfer", act: ({ as }, groupId, actor, userId) => as(actor, "group.transfer", { groupId, userId }) },
};

test("each role may do in a group what the matrix says", async () => {
  await using world = await createGroupWorld();
  for (const [name, { deed, act }] of Object.entries(inGroup)) {
    for (const role of roles) {
      const groupId = await world.group("1", everybody);
      const done = act(world, groupId, actorOf[role], "");
      if (mayDo(role, deed)) await assert.doesNotReject(done, `${role}: ${name}`);
      else await refuses(done, "ROLE_FORBIDS");
    }
  }
});

test("each role may do to another member what the matrix says", async () => {
  await using world = await createGroupWorld();
  for (const { deed, act } of Object.values(onMember)) {
    for (const role of roles) {
      for (const target of roles.filter((one) => actorOf[role] !== targetOf[one])) {
        const groupId = await world.group("1", everybody);
        const done = act(world, groupId, actorOf[role], targetOf[target]);
        if (mayDo(role, deed, target)) await assert.doesNotReject(done, `${role}: ${deed} ${target}`);
        else await refuses(done, "ROLE_FORBIDS");
      }
      await refuses(act(world, await world.group("1", everybody), actorOf[role], stranger), "NOT_A_MEMBER");
    }
  }
});

test("members invite and make links where the group lets them", async () => {
  await using world = await createGroupWorld();
  for (const memberInvite of [true, false]) {
    const groupId = await world.group("1", everybody, { memberInvite });
    for (const role of roles) {
      const invited = world.as(actorOf[role], "group.invite", { groupId, userIds: [stranger] });
      const linked = world.as(actorOf[role], "group.createInviteLink", { groupId });
      if (mayInvite(role, memberInvite)) await Promise.all([invited, linked]);
      else await Promise.all([refuses(invited, "ROLE_FORBIDS"), refuses(linked, "ROLE_FORBIDS")]);
    }
  }
});

test("the owner cannot leave, the others can", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", everybody);
  await refuses(world.as("1", "group.removeMember", { groupId, userId: "1" }), "OWNER_MUST_TRANSFER");
  for (const userId of ["2", "4"]) assert.equal(await world.as(userId, "group.removeMember", { groupId, userId }), null);
  assert.equal(await world.node.call("group.memberCount", { groupId }), 3);
});

test("nobody sets another one's nickname, nobody changes nothing", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", everybody);
  await refuses(world.as("1", "group.updateMember", { groupId, userId: "4", nickname: "Loser" }), "ROLE_FORBIDS");
  await refuses(world.as("1", "group.updateMember", { groupId, userId: "4", role: "admin", nickname: "Loser" }), "ROLE_FORBIDS");
  await refuses(world.as("1", "group.updateMember", { groupId, userId: "4" }), "VALIDATION");
  const { items } = await world.as("4", "group.members", { groupId });
  assert.deepEqual(
    items.map(({ role, nickname }) => [role, nickname]),
    [
      ["owner", ""],
      ["admin", ""],
      ["admin", ""],
      ["member", ""],
      ["member", ""],
    ],
  );
});

/** Every published action that names a group, as somebody from outside calls it. */
const fromOutside: Record<string, Act> = {
  "group.get": ({ as }, groupId, actor) => as(actor, "group.get", { groupId }),
  "group.update": ({ as }, groupId, actor) => as(actor, "group.update", { groupId, name: "Mine" }),
  "group.dissolve": ({ as }, groupId, actor) => as(actor, "group.dissolve", { groupId }),
  "group.members": ({ as }, groupId, actor) => as(actor, "group.members", { groupId }),
  "group.invite": ({ as }, groupId, actor) => as(actor, "group.invite", { groupId, userIds: [actor] }),
  "group.updateMember": ({ as }, groupId, actor, userId) => as(actor, "group.updateMember", { groupId, userId, role: "admin" }),
  "group.removeMember": ({ as }, groupId, actor, userId) => as(actor, "group.removeMember", { groupId, userId }),
  "group.transfer": ({ as }, groupId, actor) => as(actor, "group.transfer", { groupId, userId: actor }),
  "group.muteAll": ({ as }, groupId, actor) => as(actor, "group.muteAll", { groupId, all: true }),
  "group.setAnnouncement": ({ as }, groupId, actor) => as(actor, "group.setAnnouncement", { groupId, text: "Hear" }),
  "group.join": ({ as }, groupId, actor) => as(actor, "group.join", { groupId }),
  "group.joinRequests": ({ as }, groupId, actor) => as(actor, "group.joinRequests", { groupId }),
  "group.handleJoinRequest": ({ as }, groupId, actor) =>
    as(actor, "group.handleJoinRequest", { groupId, requestId: "7", action: "accept" }),
  "group.createInviteLink": ({ as }, groupId, actor) => as(actor, "group.createInviteLink", { groupId }),
};

test("an outsider gets the same 404 for a group, a dissolved one and none, whatever they try, and nothing changes", async () => {
  const published = routes.filter(({ path }) => path.startsWith("/social/groups/{groupId}")).map(({ action }) => action);
  assert.deepEqual(Object.keys(fromOutside).sort(), [...new Set<string>(published)].sort());
  await using world = await createGroupWorld();
  const groupId = await world.group("1", everybody);
  const dissolved = await world.group("1", { members: ["4", stranger] });
  await world.as("1", "group.dissolve", { groupId: dissolved });
  const removed = await world.group("1", { members: ["4", stranger] });
  await world.as("1", "group.removeMember", { groupId: removed, userId: stranger });
  const before = await world.as("1", "group.get", { groupId });
  for (const act of Object.values(fromOutside)) {
    for (const id of [groupId, dissolved, removed, "123456789"]) await refuses(act(world, id, stranger, "4"), "GROUP_NOT_FOUND");
  }
  assert.deepEqual(await world.as("1", "group.get", { groupId }), before);
});

test("everything answers 404 after dissolving, for those who were members too", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", everybody);
  await world.as("1", "group.dissolve", { groupId });
  for (const act of Object.values(fromOutside))
    for (const actor of ["1", "2", "4"]) await refuses(act(world, groupId, actor, "5"), "GROUP_NOT_FOUND");
});

test("outsiders see the card of a group that can be joined", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", everybody, { joinMode: "approval", avatar: "https://example.com/a.png" });
  assert.deepEqual(await world.as(stranger, "group.get", { groupId }), {
    groupId,
    name: "Group",
    avatar: "https://example.com/a.png",
    memberCount: 5,
    joinMode: "approval",
  });
});
