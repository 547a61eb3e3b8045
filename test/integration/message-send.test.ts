import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Message } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import { directConversationId } from "../../lib/conversation-id.ts";
import { errorType } from "../support/accounts.ts";
import { befriend, buildGroup, clientMsgId, startIm, text, type Im, type TestUser } from "../support/im.ts";
import type { Person } from "../support/messages.ts";
import { buildFriends, buildUsers } from "../support/people.ts";
import { newId } from "../support/records.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

type Send = Params<"message.send">;
const send = (from: Person, params: Send) => im.node.as(from.userId, "message.send", params);
const refusal = (from: Person, params: Send) => errorType(send(from, params));
const historyOf = async (user: Person, conversationId: string): Promise<Message[]> =>
  (await im.node.as(user.userId, "message.history", { conversationId, limit: 100 })).items as Message[];

describe("sending: who may", () => {
  it("lets friends write to each other, and both read it", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const params = text(conversationId, "hi", { mentions: [b.userId] });
    const sent = await send(a, params);
    assert.equal(sent.seq, 1);
    const expected = { ...params, ...sent, senderId: a.userId, status: "persisted" };
    for (const user of [a, b]) assert.deepEqual(await historyOf(user, conversationId), [expected]);
  });

  it("gives strangers, the blocked, and those who write to nobody one and the same answer", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [stranger] = (await buildUsers(im, 1)) as [TestUser];
    await im.node.as(b.userId, "friend.block", { userId: a.userId });
    const ids = [conversationId, directConversationId(a.userId, stranger.userId), directConversationId(a.userId, newId())];
    const errors = await Promise.all(
      ids.map((id) => send(a, text(id)).catch((error: unknown) => error as Error & { type: string; data: unknown })),
    );
    assert.deepEqual(
      errors.map((error) => "type" in error && [error.type, error.message, error.data]),
      Array(3).fill(["CANNOT_MESSAGE", (errors[0] as Error).message, undefined]),
    );
    assert.equal(await refusal(b, text(conversationId)), "BLOCKED_BY_YOU");
    await im.node.as(b.userId, "friend.unblock", { userId: a.userId });
    assert.equal((await send(a, text(conversationId))).seq, 1);
  });

  it("stops when a friendship ends and goes on, in the same conversation, when there is one again", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    await send(a, text(conversationId));
    await im.node.as(b.userId, "friend.remove", { userId: a.userId });
    for (const user of [a, b]) assert.equal(await refusal(user, text(conversationId)), "CANNOT_MESSAGE");
    await befriend(im, b, a);
    assert.equal((await send(b, text(conversationId))).seq, 2);
  });

  it("knows no conversation of others, of oneself, or of an unknown kind", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [outsider] = (await buildUsers(im, 1)) as [TestUser];
    assert.equal(await refusal(outsider, text(conversationId)), "CONVERSATION_NOT_FOUND");
    assert.equal(await refusal(a, text(`d_${a.userId}_${a.userId}`)), "CONVERSATION_NOT_FOUND");
    const [low, high] = conversationId.slice(2).split("_");
    assert.equal(await refusal(a, text(`d_${high}_${low}`)), "CONVERSATION_NOT_FOUND", "the ids in the wrong order");
    assert.equal(await refusal(a, text("s_5")), "CONVERSATION_NOT_FOUND");
    assert.equal(await refusal(a, text("g_5")), "GROUP_NOT_FOUND");
    assert.deepEqual(await historyOf(b, conversationId), []);
  });

  it("knows no group for outsiders, and for those who left or were removed", async () => {
    const [owner, leaver, removed, outsider] = (await buildUsers(im, 4)) as [TestUser, TestUser, TestUser, TestUser];
    const { groupId, conversationId } = await buildGroup(im, owner, [leaver, removed]);
    await im.node.as(leaver.userId, "group.removeMember", { groupId, userId: leaver.userId });
    await im.node.as(owner.userId, "group.removeMember", { groupId, userId: removed.userId });
    for (const user of [leaver, removed, outsider]) assert.equal(await refusal(user, text(conversationId)), "GROUP_NOT_FOUND");
    await im.node.as(owner.userId, "group.dissolve", { groupId });
    assert.equal(await refusal(owner, text(conversationId)), "GROUP_NOT_FOUND");
  });

  it("refuses the muted from the answer to the muting on, until it ends", async () => {
    const [owner, member] = (await buildUsers(im, 2)) as [TestUser, TestUser];
    const { groupId, conversationId } = await buildGroup(im, owner, [member]);
    await im.node.as(owner.userId, "group.updateMember", { groupId, userId: member.userId, mutedUntil: Date.now() + 60_000 });
    assert.equal(await refusal(member, text(conversationId)), "MUTED");
    await im.node.as(owner.userId, "group.updateMember", { groupId, userId: member.userId, mutedUntil: null });
    await send(member, text(conversationId));
    await im.node.as(owner.userId, "group.muteAll", { groupId, all: true });
    assert.equal(await refusal(member, text(conversationId)), "MUTED");
    await send(owner, text(conversationId));
    await im.node.as(owner.userId, "group.muteAll", { groupId, all: false });
    await send(member, text(conversationId));
    await im.node.as(owner.userId, "group.updateMember", { groupId, userId: member.userId, mutedUntil: Date.now() - 1 });
    await send(member, text(conversationId));
  });

  it("starts a group with a system message of seq 1 and goes on behind it", async () => {
    const [owner, member] = (await buildUsers(im, 2)) as [TestUser, TestUser];
    const { conversationId } = await buildGroup(im, owner, [member]);
    assert.equal((await send(member, text(conversationId))).seq, 2);
    const [first] = await historyOf(owner, conversationId);
    assert.deepEqual([first!.seq, first!.type, first!.senderId, first!.content["event"]], [1, "system", "0", "group.created"]);
  });
});

describe("sending: what", () => {
  it("names the field that is wrong, and takes no seq for it", async () => {
    const { a, conversationId } = await buildFriends(im);
    const good = text(conversationId);
    const bad: [string, unknown][] = [
      ["conversationId", { ...good, conversationId: "x_1" }],
      ["clientMsgId", { ...good, clientMsgId: "a b" }],
      ["clientMsgId", { ...good, clientMsgId: "a".repeat(65) }],
      ["clientMsgId", { ...good, clientMsgId: undefined }],
      ["type", { ...good, type: "system", content: { event: "x", actorId: "1" } }],
      ["type", { ...good, type: "call", content: {} }],
      ["type", { ...good, type: "void" }],
      ["type", { ...good, type: "image", content: { fileId: "1", width: 1, height: 1, size: 1 } }],
      ["content", { ...good, content: "hello" }],
      ["content.text", { ...good, content: {} }],
      ["content.more", { ...good, content: { text: "x", more: 1 } }],
      ["senderId", { ...good, senderId: "5" }],
      ["seq", { ...good, seq: 5 }],
      ["replyTo", { ...good, replyTo: "abc" }],
      ["mentions.0", { ...good, mentions: ["everyone"] }],
      ["mentions", { ...good, mentions: ["all", "all"] }],
    ];
    for (const [field, params] of bad) {
      const error = await send(a, params as Send).catch(
        (failure: unknown) => failure as { type: string; data: { fields: { field: string }[] } },
      );
      assert.ok("type" in error && error.type === "VALIDATION", `${field}: ${JSON.stringify(error)}`);
      assert.ok(
        error.data.fields.some((one) => one.field === field),
        `${field}: ${JSON.stringify(error.data.fields)}`,
      );
    }
    assert.equal(await refusal(a, text(conversationId, "字".repeat(2_731))), "TEXT_TOO_LARGE");
    assert.equal((await send(a, good)).seq, 1);
  });

  it("gives every type back byte for byte", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const contents: Pick<Send, "type" | "content">[] = [
      { type: "text", content: { text: "\u0000 \ud800 😀 \u202e <script>alert(1)</script> __proto__ \\u0041 '\";--" } },
      { type: "markdown", content: { text: "**b**" } },
      { type: "location", content: { latitude: -0.000001, longitude: 179.999999, title: "t" } },
      { type: "card", content: { userId: b.userId } },
      { type: "custom", content: { kind: "poll", data: { options: ["a", 1e21, -0.5, null, true, { "": "x" }] } } },
    ];
    for (const one of contents) await send(a, { conversationId, clientMsgId: clientMsgId(), ...one });
    const seen = await historyOf(b, conversationId);
    assert.deepEqual(
      seen.map(({ type, content }) => ({ type, content })),
      contents,
    );
  });

  it("shares only contacts that exist", async () => {
    const { a, conversationId } = await buildFriends(im);
    const params: Send = { conversationId, clientMsgId: clientMsgId(), type: "card", content: { userId: newId() } };
    assert.equal(await refusal(a, params), "VALIDATION");
  });

  it("quotes a message of the same conversation that the sender can see", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const original = await send(a, text(conversationId, "the original words"));
    const reply = await send(b, text(conversationId, "indeed", { replyTo: original.messageId }));
    const [, shown] = await historyOf(a, conversationId);
    const { messageId, seq } = original;
    assert.deepEqual(shown!.replyTo, { messageId, seq, senderId: a.userId, type: "text", preview: "the original words" });
    assert.equal(shown!.messageId, reply.messageId);
  });

  it("does not quote messages of other conversations, recalled ones, deleted ones, and such as do not exist", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const { a: c, conversationId: elsewhere } = await buildFriends(im);
    const group = await buildGroup(im, a, [b]);
    const [other, own, recalled, deleted] = [
      await send(c, text(elsewhere)),
      await send(a, text(group.conversationId)),
      await send(a, text(conversationId)),
      await send(b, text(conversationId)),
    ];
    await im.node.as(a.userId, "message.recall", { messageId: recalled.messageId });
    await im.node.as(a.userId, "message.deleteForMe", { messageId: deleted.messageId });
    for (const { messageId } of [other, own, recalled, deleted, { messageId: newId() }]) {
      assert.equal(await refusal(a, text(conversationId, "x", { replyTo: messageId })), "VALIDATION");
    }
    await send(b, text(conversationId, "x", { replyTo: deleted.messageId }));
  });

  it("forwards what messages said when they were forwarded, in their order, with their senders", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const { a: c, b: d, conversationId: elsewhere } = await buildFriends(im);
    const to = await befriend(im, a, c);
    const [first, second] = [await send(a, text(conversationId, "one")), await send(b, text(conversationId, "two"))];
    const forward: Send = {
      conversationId: to,
      clientMsgId: clientMsgId(),
      type: "forward",
      content: { title: "Our chat", items: [second.messageId, first.messageId] },
    };
    await send(a, forward);
    await im.node.as(a.userId, "message.edit", { messageId: first.messageId, content: { text: "changed" } });
    const [shown] = await historyOf(c, to);
    const item = (user: TestUser, words: string, createdAt: number) => ({
      senderId: user.userId,
      senderName: user.username,
      type: "text",
      content: { text: words },
      createdAt,
    });
    assert.deepEqual(shown!.content, {
      title: "Our chat",
      items: [item(a, "one", first.createdAt), item(b, "two", second.createdAt)],
    });

    const foreign = await send(d, text(elsewhere));
    const refused = [[foreign.messageId], [first.messageId, shown!.messageId], [newId()]];
    for (const items of refused)
      assert.equal(await refusal(a, { ...forward, clientMsgId: clientMsgId(), content: { title: "t", items } }), "VALIDATION");
    await im.node.as(b.userId, "message.recall", { messageId: second.messageId });
    assert.equal(await refusal(a, { ...forward, clientMsgId: clientMsgId() }), "VALIDATION", "a recalled one");
  });
});
