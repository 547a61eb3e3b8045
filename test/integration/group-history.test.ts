import assert from "node:assert/strict";
import test from "node:test";
import type { Message } from "../../contracts/entities.ts";
import type { HotStoreVars } from "../../mixins/hot-store/index.ts";
import conversationService from "../../services/conversation/conversation.service.ts";
import messageService from "../../services/message/message.service.ts";
import persisterService from "../../services/persister/persister.service.ts";
import { createGroupWorld, refuses, type GroupWorld } from "../support/group-world.ts";
import { intercept } from "../support/intercept.ts";

/** The group service with the real conversation and message services. */
const createWorld = (): Promise<GroupWorld> =>
  createGroupWorld({ inPlace: [conversationService, messageService, persisterService] });
let sent = 0;
const send = (world: GroupWorld, userId: string, groupId: string): Promise<{ seq: number }> =>
  world.as(userId, "message.send", {
    conversationId: `g_${groupId}`,
    clientMsgId: `c${++sent}`,
    type: "text",
    content: { text: "Hello" },
  });
/** What a member sees: events of system messages, "text" for the others. */
const seenBy = async (world: GroupWorld, userId: string, groupId: string): Promise<string[]> => {
  const { items } = await world.as(userId, "message.history", { conversationId: `g_${groupId}`, limit: 100 });
  return (items as Message[]).map(({ seq, type, content }) => `${seq} ${type === "system" ? String(content["event"]) : type}`);
};

test("the creator's message is seq 1, newcomers see from their joining or everything, as the group says", async () => {
  await using world = await createWorld();
  for (const historyVisible of [false, true]) {
    const groupId = await world.group("1", { members: ["2"] }, { historyVisible, joinMode: "open" });
    await send(world, "2", groupId);
    await world.as("3", "group.join", { groupId });
    await send(world, "3", groupId);
    assert.deepEqual(await seenBy(world, "2", groupId), ["1 group.created", "2 text", "3 member.joined", "4 text"]);
    assert.deepEqual(
      await seenBy(world, "3", groupId),
      historyVisible ? await seenBy(world, "2", groupId) : ["3 member.joined", "4 text"],
    );
  }
});

test("one who was removed reads up to the message that says so, sends nothing, and sees from their return on", async () => {
  await using world = await createWorld();
  const groupId = await world.group("1", { members: ["2"] }, { joinMode: "open" });
  await world.as("1", "group.removeMember", { groupId, userId: "2" });
  await refuses(send(world, "2", groupId), "GROUP_NOT_FOUND");
  await send(world, "1", groupId);
  assert.deepEqual(await seenBy(world, "2", groupId), ["1 group.created", "2 member.removed"]);
  await world.as("2", "group.join", { groupId });
  assert.equal((await send(world, "2", groupId)).seq, 5);
  assert.deepEqual(await seenBy(world, "2", groupId), ["4 member.joined", "5 text"]);
});

test("who joined sends nothing before they may read it, however often their state is read meanwhile", async () => {
  await using world = await createWorld();
  const groupId = await world.group("1", { members: ["2"] }, { joinMode: "open" });
  await world.settled();
  const { hot } = world.node.broker.getLocalService("conversation") as unknown as HotStoreVars;
  const { promise: mayBeLetIn, resolve: letIn } = Promise.withResolvers<void>();
  const { promise: isJoining, resolve: joins } = Promise.withResolvers<void>();
  const restore = intercept(world.node.broker, "conversation.admit", async (proceed) => {
    joins();
    await mayBeLetIn;
    return proceed();
  });
  const joined = world.as("3", "group.join", { groupId });
  try {
    await isJoining;
    const conversationId = `g_${groupId}`;
    await world.node.call("conversation.refreshMembers", { conversationId, userIds: ["3"] });
    await refuses(send(world, "3", groupId), "GROUP_NOT_FOUND");
    await hot.conversations.invalidateMembers(conversationId);
    await refuses(send(world, "3", groupId), "GROUP_NOT_FOUND");
    await send(world, "2", groupId);
  } finally {
    letIn();
  }
  await joined;
  restore();
  await send(world, "3", groupId);
  assert.deepEqual(await seenBy(world, "3", groupId), ["3 member.joined", "4 text"]);
});

test("mutes of one and of all hold at once, and spare owner and admins", async () => {
  await using world = await createWorld();
  const groupId = await world.group("1", { admins: ["2"], members: ["3"] });
  await send(world, "3", groupId);
  await world.as("2", "group.updateMember", { groupId, userId: "3", mutedUntil: Date.now() + 60_000 });
  await refuses(send(world, "3", groupId), "MUTED");
  await world.as("2", "group.updateMember", { groupId, userId: "3", mutedUntil: null });
  await send(world, "3", groupId);
  await world.as("1", "group.muteAll", { groupId, all: true });
  await refuses(send(world, "3", groupId), "MUTED");
  await send(world, "2", groupId);
  await world.as("1", "group.updateMember", { groupId, userId: "2", role: "member" });
  await refuses(send(world, "2", groupId), "MUTED");
  await world.as("1", "group.muteAll", { groupId, all: false });
  await Promise.all([send(world, "2", groupId), send(world, "3", groupId)]);
});

test("a dissolved group takes no message; those who were in it read on up to its end", async () => {
  await using world = await createWorld();
  const groupId = await world.group("1", { members: ["2"] });
  await send(world, "2", groupId);
  await world.as("1", "group.dissolve", { groupId });
  for (const userId of ["1", "2"]) {
    await refuses(send(world, userId, groupId), "GROUP_NOT_FOUND");
    assert.deepEqual(await seenBy(world, userId, groupId), ["1 group.created", "2 text", "3 group.dissolved"]);
  }
  await refuses(seenBy(world, "3", groupId), "GROUP_NOT_FOUND");
});

test("a dissolved group is announced also when nobody had it loaded", async () => {
  await using world = await createWorld();
  const groupId = await world.group("1", { members: ["2"] });
  await world.settled();
  const { hot } = world.node.broker.getLocalService("conversation") as unknown as HotStoreVars;
  await hot.conversations.invalidateMembers(`g_${groupId}`);
  await world.as("1", "group.dissolve", { groupId });
  assert.deepEqual(await seenBy(world, "2", groupId), ["1 group.created", "2 group.dissolved"]);
});
