import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message } from "../../contracts/entities.ts";
import { imError } from "../../lib/errors.ts";
import { dataOf } from "../support/client.ts";
import { intercept } from "../support/intercept.ts";
import { befriend, buildGroup, buildUser, startIm, text, type Im, type TestUser } from "../support/im.ts";
import { waitFor } from "../support/wait.ts";

async function twoFriends(im: Im): Promise<[TestUser, TestUser]> {
  const [owner, member] = [await buildUser(im), await buildUser(im)];
  await befriend(im, owner, member);
  return [owner, member];
}
const historyOf = async (user: TestUser, conversationId: string): Promise<number[]> => {
  const path = `/messages/conversations/${conversationId}/history?afterSeq=0`;
  return (await dataOf(user.rest.get<{ items: Message[] }>(path))).items.map(({ seq }) => seq);
};

test("one who left, joins and leaves again at once reads nothing that was said in between", async () => {
  await using im = await startIm();
  const [owner, member] = await twoFriends(im);
  const { groupId, conversationId } = await buildGroup(im, owner, [member], { joinMode: "open" });
  await dataOf(member.rest.delete(`/social/groups/${groupId}/members/${member.userId}`));
  await dataOf(owner.rest.post("/messages", text(conversationId)));
  // What the announcements come to when the joining was undone before it was announced: one message for each, bounds for the last.
  await im.node.call("conversation.left", { conversationId, userIds: [member.userId], seq: 3 });
  assert.deepEqual(await historyOf(member, conversationId), [1, 2]);
});

test("one who joins can send once the message says that they joined, and sees what they send", async () => {
  await using im = await startIm();
  const [owner, member] = await twoFriends(im);
  const { groupId, conversationId } = await buildGroup(im, owner, [], { joinMode: "open" });
  const early = text(conversationId);
  const codes: number[] = [];
  intercept(im.broker, "message.sendSystem", async (proceed) => {
    codes.push((await member.rest.post("/messages", early)).code);
    return proceed();
  });
  await dataOf(member.rest.post(`/social/groups/${groupId}/join`, {}));
  const { seq } = await dataOf(member.rest.post<Message>("/messages", early));
  assert.deepEqual(codes, [4001]);
  assert.ok((await historyOf(member, conversationId)).includes(seq));
});

test("one who is removed reads nothing that is said until the removal can be announced", async () => {
  await using im = await startIm();
  const [owner, member] = await twoFriends(im);
  const { groupId, conversationId } = await buildGroup(im, owner, [member]);
  await dataOf(owner.rest.post("/messages", text(conversationId)));
  const before = await historyOf(member, conversationId);
  let failures = 0;
  let isAway = true;
  intercept(im.broker, "message.sendSystem", async (proceed) => {
    if (!isAway) return proceed();
    failures++;
    throw imError("SEND_FAILED");
  });
  await dataOf(owner.rest.delete(`/social/groups/${groupId}/members/${member.userId}`));
  await dataOf(owner.rest.post("/messages", text(conversationId)));
  assert.ok(failures > 0);
  isAway = false; // not before: the announcement is tried again some milliseconds after it failed
  await waitFor(async () => (await historyOf(owner, conversationId)).length === before.length + 2, "the removal to be announced");
  assert.deepEqual(await historyOf(member, conversationId), before);
});

test("one who is removed while nothing can be announced is out all the same: no push, no reading", async () => {
  await using im = await startIm();
  const [owner, member] = await twoFriends(im);
  const { groupId, conversationId } = await buildGroup(im, owner, [member]);
  const device = await im.connect({ token: member.token });
  const before = await historyOf(member, conversationId);
  const { leases } = im.hot;
  const { acquire } = leases;
  (leases as { acquire: unknown }).acquire = () => Promise.reject(new Error("away"));
  await dataOf(owner.rest.delete(`/social/groups/${groupId}/members/${member.userId}`));
  const { seq } = await dataOf(owner.rest.post<Message>("/messages", text(conversationId)));
  assert.deepEqual(await historyOf(member, conversationId), before);
  (leases as { acquire: unknown }).acquire = acquire;
  await im.settled();
  assert.deepEqual(
    device.of<Message>("message:new").filter((message) => message.seq === seq),
    [],
  );
});
