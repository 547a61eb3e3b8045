import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message } from "../../contracts/entities.ts";
import { buildGroup, buildUser, startIm, text } from "../support/im.ts";

test("who is removed from a group hears nothing of it from then on, on any of their devices", async () => {
  await using im = await startIm();
  const [owner, removed, member] = [await buildUser(im), await buildUser(im), await buildUser(im)];
  const { groupId, conversationId } = await buildGroup(im, owner, [removed, member]);
  const devices = [await im.connect({ token: removed.token }), await im.connect({ token: (await removed.signIn()).token })];
  const witness = await im.connect({ token: member.token });
  const sender = await im.connect({ token: owner.token });
  await sender.ok("message:send", text(conversationId, "before"));
  for (const device of devices) await device.next<Message>("message:new", ({ content }) => content["text"] === "before");

  assert.equal((await owner.rest.delete(`/social/groups/${groupId}/members/${removed.userId}`)).code, 0);
  const told: Message[] = [];
  for (const device of devices)
    told.push(await device.next<Message>("message:new", ({ content }) => content["event"] === "member.removed"));
  await im.settled();
  const { messageId } = await sender.ok<{ messageId: string }>("message:send", text(conversationId, "after"));
  await sender.ok("message:edit", { messageId, content: { text: "changed" } });
  await sender.ok("message:react", { messageId, emoji: "👍" });
  await sender.ok("typing", { conversationId, kind: "text" });
  await witness.next(
    "message:updated",
    ({ messageId: id, reactions }: Partial<Message>) => id === messageId && reactions?.length === 1,
  );
  await witness.next("typing");
  // Pushes of one connection keep their order: this comes after all that was wrongly pushed.
  const own = await buildGroup(im, removed);
  await im.settled();
  for (const [index, device] of devices.entries()) {
    await device.next<Message>("message:new", ({ conversationId: id }) => id === own.conversationId);
    const late = device.received.filter(
      ({ payload }) => payload["conversationId"] === conversationId && Number(payload["seq"]) > told[index]!.seq,
    );
    assert.deepEqual([late, device.of("typing")], [[], []]);
  }
});

test("who left in time and is let in again sees what was said while they were away only where the group shows it", async () => {
  await using im = await startIm();
  const [owner, member] = [await buildUser(im), await buildUser(im)];
  const { groupId, conversationId } = await buildGroup(im, owner, [member]);
  await owner.rest.post("/messages", text(conversationId, "before"));
  assert.equal((await member.rest.delete(`/social/groups/${groupId}/members/${member.userId}`)).code, 0);
  await im.settled();
  await owner.rest.post("/messages", text(conversationId, "away"));
  await im.node.as(owner.userId, "group.invite", { groupId, userIds: [member.userId] });
  await im.settled();
  await owner.rest.post("/messages", text(conversationId, "back"));
  const { data } = await member.rest.get<{ items: Message[] }>(`/messages/conversations/${conversationId}/history`);
  const words = data.items.flatMap(({ content }) => content["text"] ?? []);
  assert.ok(words.includes("back") && !words.includes("away"), JSON.stringify(words));
});
