import { expect, test } from "vitest";
import { allMessages, befriend, makeGroup, sharedWorld, waitFor } from "./support/world.ts";

test("who is removed, leaves or is left by all sees at once that nothing follows, and it goes on when they come back", async () => {
  await using world = await sharedWorld();
  const owner = await world.newcomer();
  const member = await world.newcomer();
  await befriend(owner, member);
  const conversationId = await makeGroup(owner, [member]);
  const { groupId } = await waitFor(() => owner.groups[0], "the group in the list");
  const userId = member.me!.userId;
  const isActive = (): boolean | undefined => member.conversation(conversationId)?.active;
  await owner.send({ conversationId, content: { text: "hello" } });
  await waitFor(() => member.conversation(conversationId)?.lastMessage?.content["text"] === "hello", "the message");

  await owner.call("group.removeMember", { groupId, userId });
  await waitFor(() => isActive() === false, "the removal to be known");
  await owner.send({ conversationId, content: { text: "without them" } });
  await waitFor(() => owner.conversation(conversationId)?.lastMessage?.seq != null, "the server to have it");
  await owner.call("group.invite", { groupId, userIds: [userId] });
  await waitFor(() => isActive() === true, "the conversation to go on");
  await owner.send({ conversationId, content: { text: "welcome back" } });
  await waitFor(() => member.conversation(conversationId)?.lastMessage?.content["text"] === "welcome back", "what follows");
  const texts = (await allMessages(member, conversationId)).map(({ content }) => content["text"]);
  expect(texts).not.toContain("without them");

  await member.call("group.removeMember", { groupId, userId });
  await waitFor(() => isActive() === false, "the own leave to be known");
  await owner.call("group.invite", { groupId, userIds: [userId] });
  await waitFor(() => isActive() === true, "the conversation to go on once more");
  await owner.call("group.dissolve", { groupId });
  await waitFor(
    () => isActive() === false && owner.conversation(conversationId)?.active === false,
    "the end to be known to both",
  );
});
