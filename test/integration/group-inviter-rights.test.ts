import assert from "node:assert/strict";
import { test } from "node:test";
import { createGroupWorld, refuses, type GroupWorld } from "../support/group-world.ts";

/** Each ends the right of user 2, an admin or a member, to invite into a group of user 1. */
const endings = {
  "has left": {
    role: "member",
    end: (world, groupId) => world.as("2", "group.removeMember", { groupId, userId: "2" }),
    restore: async (world, groupId) => {
      world.neighbours.allows.add("1:2");
      await world.as("1", "group.invite", { groupId, userIds: ["2"] });
    },
  },
  "is no admin any more where only admins invite": {
    role: "admin",
    end: (world, groupId) => world.as("1", "group.updateMember", { groupId, userId: "2", role: "member" }),
    restore: (world, groupId) => world.as("1", "group.updateMember", { groupId, userId: "2", role: "admin" }),
  },
  "may not since the group changed its setting": {
    role: "member",
    end: (world, groupId) => world.as("1", "group.update", { groupId, memberInvite: false }),
    restore: (world, groupId) => world.as("1", "group.update", { groupId, memberInvite: true }),
  },
} as const satisfies Record<
  string,
  {
    role: "admin" | "member";
    end(world: GroupWorld, groupId: string): Promise<unknown>;
    restore(world: GroupWorld, groupId: string): Promise<unknown>;
  }
>;

const waitingFor = async (world: GroupWorld, userId: string): Promise<string[]> =>
  (await world.as(userId, "group.invitations", {})).items.map(({ invitationId }) => invitationId);

for (const [how, { role, end, restore }] of Object.entries(endings)) {
  const build = (world: GroupWorld): Promise<string> =>
    role === "admin" ? world.group("1", { admins: ["2"] }, { memberInvite: false }) : world.group("1", { members: ["2"] });

  test(`the invitation of one who ${how} lets nobody in`, async () => {
    await using world = await createGroupWorld();
    const groupId = await build(world);
    world.neighbours.friends.add("2:3");
    await world.as("2", "group.invite", { groupId, userIds: ["3"] });
    const [invitationId] = await waitingFor(world, "3");
    await end(world, groupId);
    assert.deepEqual(await waitingFor(world, "3"), []);
    for (const action of ["accept", "reject"] as const)
      await refuses(world.as("3", "group.handleInvitation", { invitationId: invitationId!, action }), "INVITATION_HANDLED");
    assert.equal((await world.node.call("group.memberStates", { groupId, userIds: ["3"] }))?.members.length, 0);
  });

  test(`one invited by somebody who ${how} can be invited by another`, async () => {
    await using world = await createGroupWorld();
    const groupId = await build(world);
    world.neighbours.friends.add("2:3").add("1:3");
    await world.as("2", "group.invite", { groupId, userIds: ["3"] });
    const [old] = await waitingFor(world, "3");
    await end(world, groupId);
    assert.deepEqual(await world.as("1", "group.invite", { groupId, userIds: ["3"] }), { joined: [], invited: ["3"] });
    const [invitationId, ...others] = await waitingFor(world, "3");
    assert.deepEqual(others, []);
    assert.notEqual(invitationId, old);
    const accepted = await world.as("3", "group.handleInvitation", { invitationId: invitationId!, action: "accept" });
    assert.equal(accepted.inviter.userId, "1");
    await refuses(world.as("3", "group.handleInvitation", { invitationId: old!, action: "accept" }), "INVITATION_HANDLED");
  });

  test(`the invite link of one who ${how} lets nobody in, spends no use, and does again when they may again`, async () => {
    await using world = await createGroupWorld();
    const groupId = await build(world);
    const { inviteCode } = await world.as("2", "group.createInviteLink", { groupId, maxUses: 1 });
    await end(world, groupId);
    await refuses(world.as("3", "group.join", { groupId, inviteCode }), "INVITE_CODE_INVALID");
    await restore(world, groupId);
    assert.equal((await world.as("3", "group.join", { groupId, inviteCode })).joined, true);
  });
}

test("invitations and links of owner and admins stay good where members may not invite, and after a transfer", async () => {
  await using world = await createGroupWorld();
  const groupId = await world.group("1", { admins: ["2"] });
  world.neighbours.friends.add("1:3").add("2:4");
  await world.as("1", "group.invite", { groupId, userIds: ["3"] });
  await world.as("2", "group.invite", { groupId, userIds: ["4"] });
  const { inviteCode } = await world.as("1", "group.createInviteLink", { groupId });
  await world.as("1", "group.update", { groupId, memberInvite: false });
  await world.as("1", "group.transfer", { groupId, userId: "2" });
  for (const userId of ["3", "4"]) {
    const [invitationId] = await waitingFor(world, userId);
    await world.as(userId, "group.handleInvitation", { invitationId: invitationId!, action: "accept" });
  }
  assert.equal((await world.as("5", "group.join", { groupId, inviteCode })).joined, true);
});
