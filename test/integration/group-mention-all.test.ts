import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Group, MentionAllBy } from "../../contracts/entities.ts";
import { MENTION_ALL_GROUP } from "../../contracts/limits.ts";
import { refuses, type GroupWorld } from "../support/group-world.ts";
import { buildGroup, buildUser, clientMsgId, startIm, text } from "../support/im.ts";
import { createLargeWorld, crowd, largeGroup, say } from "../support/large-group.ts";

let world: GroupWorld;
before(async () => void (world = await createLargeWorld()));
after(() => world[Symbol.asyncDispose]());

const all = { mentions: ["all"] };
const viewOf = async (groupId: string, by = "1"): Promise<Group> => (await world.as(by, "group.get", { groupId })) as Group;
const setTo = (groupId: string, mentionAllBy: MentionAllBy) => world.as("1", "group.update", { groupId, mentionAllBy });

describe("mentioning all of a group", () => {
  it("is for everybody in a small group, and for owner and admins where the group says so", async () => {
    const groupId = await world.group("1", { admins: ["2"], members: ["3"] });
    const conversationId = `g_${groupId}`;
    assert.equal((await viewOf(groupId, "3")).mentionAllBy, "members");
    await say(world, "3", conversationId, all);
    assert.equal((await setTo(groupId, "admins")).mentionAllBy, "admins");
    const head = (await say(world, "3", conversationId, { mentions: ["1"] })).seq;
    await refuses(say(world, "3", conversationId, all), "ROLE_FORBIDS");
    await refuses(say(world, "3", conversationId, { mentions: ["1", "all"] }), "ROLE_FORBIDS");
    assert.equal((await say(world, "2", conversationId, all)).seq, head + 1);
    assert.equal((await say(world, "1", conversationId, all)).seq, head + 2);
    await setTo(groupId, "members");
    assert.equal((await say(world, "3", conversationId, all)).seq, head + 4);
  });

  it("is one setting among those that members are told of, and can be said when the group is made", async () => {
    const groupId = await world.group("1", { members: ["2"] }, { mentionAllBy: "admins" });
    assert.equal((await viewOf(groupId)).mentionAllBy, "admins");
    await refuses(world.as("2", "group.update", { groupId, mentionAllBy: "members" }), "ROLE_FORBIDS");
    const { version } = await setTo(groupId, "members");
    const { items } = await world.as("1", "message.history", { conversationId: `g_${groupId}` });
    assert.deepEqual((items.at(-1) as { content: unknown }).content, {
      ...{ event: "group.settings.changed", actorId: "1", userIds: [], mentionAllBy: "members", version },
    });
  });

  it("gives what was sent before its answer again, whatever the group says since", async () => {
    const groupId = await world.group("1", { members: ["2"] });
    const conversationId = `g_${groupId}`;
    const repeated = { ...all, clientMsgId: clientMsgId() };
    const sent = await say(world, "2", conversationId, repeated);
    await setTo(groupId, "admins");
    assert.deepEqual(await say(world, "2", conversationId, repeated), sent);
  });

  it("is for owner and admins in a group that grew large, unless it says otherwise", async () => {
    const { groupId, conversationId } = await largeGroup(world, MENTION_ALL_GROUP);
    const [member] = crowd(1) as [string];
    assert.equal((await viewOf(groupId)).mentionAllBy, "members");
    await say(world, member, conversationId, all);
    const { group } = await world.as("7", "group.join", { groupId });
    assert.equal(group?.mentionAllBy, "admins");
    await refuses(say(world, member, conversationId, all), "ROLE_FORBIDS");
    await say(world, "1", conversationId, all);
    await setTo(groupId, "members");
    await say(world, member, conversationId, all);
  });

  it("tells an outsider nothing", async () => {
    const groupId = await world.group("1", { members: ["2"] }, { mentionAllBy: "admins" });
    for (const id of [`g_${groupId}`, "g_999"]) await refuses(say(world, "9", id, all), "GROUP_NOT_FOUND");
  });
});

describe("mentioning all over REST and sockets", () => {
  it("answers a member who may not with 403 and 4003, and keeps nothing of it", async () => {
    await using im = await startIm();
    const [owner, member] = [await buildUser(im), await buildUser(im)];
    const { groupId, conversationId, mentionAllBy } = await buildGroup(im, owner, [member]);
    assert.equal(mentionAllBy, "members");
    const changed = await owner.rest.put<Group>(`/social/groups/${groupId}`, { mentionAllBy: "admins" });
    assert.deepEqual([changed.status, changed.data.mentionAllBy], [200, "admins"]);
    const wrong = await owner.rest.put(`/social/groups/${groupId}`, { mentionAllBy: "nobody" });
    assert.deepEqual([wrong.status, wrong.code], [400, 9001]);
    const refused = await member.rest.post("/messages", text(conversationId, "all!", all));
    assert.deepEqual([refused.status, refused.code], [403, 4003]);
    const client = await im.connect({ token: member.token });
    assert.equal((await client.send("message:send", text(conversationId, "all!", all))).code, 4003);
    const { seq } = await client.ok<{ seq: number }>("message:send", text(conversationId));
    assert.equal(seq, 3);
  });
});
