import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Message } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import { directConversationId } from "../../lib/conversation-id.ts";
import { errorType } from "../support/accounts.ts";
import {
  addToGroup,
  befriend,
  buildGroup,
  buildUser,
  clientMsgId,
  startIm,
  text,
  type Im,
  type TestUser,
} from "../support/im.ts";
import { newId } from "../support/records.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

type Send = Params<"message.send">;
const send = (from: Pick<TestUser, "userId">, params: Send) => im.node.as(from.userId, "message.send", params);
const refusal = (from: Pick<TestUser, "userId">, params: Send) => errorType(send(from, params));
const historyOf = async (user: Pick<TestUser, "userId">, conversationId: string): Promise<Message[]> =>
  (await im.node.as(user.userId, "message.history", { conversationId, limit: 100 })).items as Message[];
const people = (count: number): Promise<TestUser[]> => Promise.all(Array.from({ length: count }, () => buildUser(im)));
async function friends(): Promise<{ a: TestUser; b: TestUser; conversationId: string }> {
  const [a, b] = (await people(2)) as [TestUser, TestUser];
  return { a, b, conversationId: await befriend(im, a, b) };
}

describe("sending: who may", () => {
  it("lets friends write to each other, and both read it", async () => {
    const { a, b, conversationId } = await friends();
    const params = text(conversationId, "hi", { mentions: [b.userId] });
    const sent = await send(a, params);
    assert.equal(sent.seq, 1);
    const expected = { ...params, ...sent, senderId: a.userId, status: "persisted" };
    for (const user of [a, b]) assert.deepEqual(await historyOf(user, conversationId), [expected]);
  });

  it("gives strangers, the blocked, and those who write to nobody one and the same answer", async () => {
    const { a, b, conversationId } = await friends();
    const [stranger] = (await people(1)) as [TestUser];
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
    const { a, b, conversationId } = await friends();
    await send(a, text(conversationId));
    await im.node.as(b.userId, "friend.remove", { userId: a.userId });
    for (const user of [a, b]) assert.equal(await refusal(user, text(conversationId)), "CANNOT_MESSAGE");
    await befriend(im, b, a);
    assert.equal((await send(b, text(conversationId))).seq, 2);
  });

  it("knows no conversation of others, of oneself, or of an unknown kind", async () => {
    const { a, b, conversationId } = await friends();
    const [outsider] = (await people(1)) as [TestUser];
    assert.equal(await refusal(outsider, text(conversationId)), "CONVERSATION_NOT_FOUND");
    assert.equal(await refusal(a, text(`d_${a.userId}_${a.userId}`)), "CONVERSATION_NOT_FOUND");
    const [low, high] = conversationId.slice(2).split("_");
    assert.equal(await refusal(a, text(`d_${high}_${low}`)), "CONVERSATION_NOT_FOUND", "the ids in the wrong order");
    assert.equal(await refusal(a, text("s_5")), "CONVERSATION_NOT_FOUND");
    assert.equal(await refusal(a, text("g_5")), "GROUP_NOT_FOUND");
    assert.deepEqual(await historyOf(b, conversationId), []);
  });

  it("knows no group for outsiders, and for those who left or were removed", async () => {
    const [owner, leaver, removed, outsider] = (await people(4)) as [TestUser, TestUser, TestUser, TestUser];
    const { groupId, conversationId } = await buildGroup(im, owner, [leaver, removed]);
    await im.node.as(leaver.userId, "group.removeMember", { groupId, userId: leaver.userId });
    await im.node.as(owner.userId, "group.removeMember", { groupId, userId: removed.userId });
    for (const user of [leaver, removed, outsider]) assert.equal(await refusal(user, text(conversationId)), "GROUP_NOT_FOUND");
    await im.node.as(owner.userId, "group.dissolve", { groupId });
    assert.equal(await refusal(owner, text(conversationId)), "GROUP_NOT_FOUND");
  });

  it("refuses the muted from the answer to the muting on, until it ends", async () => {
    const [owner, member] = (await people(2)) as [TestUser, TestUser];
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
    const [owner, member] = (await people(2)) as [TestUser, TestUser];
    const { conversationId } = await buildGroup(im, owner, [member]);
    assert.equal((await send(member, text(conversationId))).seq, 2);
    const [first] = await historyOf(owner, conversationId);
    assert.deepEqual([first!.seq, first!.type, first!.senderId, first!.content["event"]], [1, "system", "0", "group.created"]);
  });
});

describe("sending: what", () => {
  it("names the field that is wrong, and takes no seq for it", async () => {
    const { a, conversationId } = await friends();
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
    const { a, b, conversationId } = await friends();
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
    const { a, conversationId } = await friends();
    const params: Send = { conversationId, clientMsgId: clientMsgId(), type: "card", content: { userId: newId() } };
    assert.equal(await refusal(a, params), "VALIDATION");
  });

  it("quotes a message of the same conversation that the sender can see", async () => {
    const { a, b, conversationId } = await friends();
    const original = await send(a, text(conversationId, "the original words"));
    const reply = await send(b, text(conversationId, "indeed", { replyTo: original.messageId }));
    const [, shown] = await historyOf(a, conversationId);
    const { messageId, seq } = original;
    assert.deepEqual(shown!.replyTo, { messageId, seq, senderId: a.userId, type: "text", preview: "the original words" });
    assert.equal(shown!.messageId, reply.messageId);
  });

  it("does not quote messages of other conversations, recalled ones, deleted ones, and such as do not exist", async () => {
    const { a, b, conversationId } = await friends();
    const { a: c, conversationId: elsewhere } = await friends();
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
    const { a, b, conversationId } = await friends();
    const { a: c, b: d, conversationId: elsewhere } = await friends();
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

describe("sending: once", () => {
  it("answers a repeated clientMsgId like the first time and says that it is repeated, also after recall and edit", async () => {
    const { a, conversationId } = await friends();
    const params = text(conversationId);
    const first = await send(a, params);
    assert.deepEqual(await send(a, params), first);
    await im.node.as(a.userId, "message.edit", { messageId: first.messageId, content: { text: "edited" } });
    assert.deepEqual(await send(a, params), first);
    await im.node.as(a.userId, "message.recall", { messageId: first.messageId });
    assert.deepEqual(await send(a, params), first);
    assert.equal((await historyOf(a, conversationId)).length, 1);
  });

  it("answers so to who may not send any more as well, from a hot store that knows nothing of it", async () => {
    const { a, b, conversationId } = await friends();
    const [removed, member] = (await people(2)) as [TestUser, TestUser];
    const group = await buildGroup(im, b, [removed, member]);
    const sends: [TestUser, Send][] = [
      [a, text(conversationId)],
      [removed, text(group.conversationId)],
      [member, text(group.conversationId)],
    ];
    const first = await Promise.all(sends.map(([from, params]) => send(from, params)));
    await im.node.as(b.userId, "friend.remove", { userId: a.userId });
    await im.node.as(b.userId, "group.removeMember", { groupId: group.groupId, userId: removed.userId });
    await im.node.as(b.userId, "group.dissolve", { groupId: group.groupId });
    await im.settled();
    for (const id of [conversationId, group.conversationId]) await im.hot.conversations.invalidateMembers(id);
    assert.deepEqual(await Promise.all(sends.map(([from, params]) => send(from, params))), first);
    for (const [from, params] of sends) assert.notEqual(await refusal(from, { ...params, clientMsgId: clientMsgId() }), "");
  });

  it("answers so although what the message named is gone", async () => {
    const { a, b, conversationId } = await friends();
    const [known] = (await people(1)) as [TestUser];
    const original = await send(b, text(conversationId));
    const reply = text(conversationId, "x", { replyTo: original.messageId });
    const forward: Send = {
      conversationId,
      clientMsgId: clientMsgId(),
      type: "forward",
      content: { title: "t", items: [original.messageId] },
    };
    const card: Send = { conversationId, clientMsgId: clientMsgId(), type: "card", content: { userId: known.userId } };
    const first = [await send(a, reply), await send(a, forward), await send(a, card)];
    await im.node.as(b.userId, "message.recall", { messageId: original.messageId });
    await im.node.as(known.userId, "user.deleteMe", {});
    assert.deepEqual([await send(a, reply), await send(a, forward), await send(a, card)], first);
    assert.equal(await refusal(a, { ...reply, content: { text: "other" } }), "IDEMPOTENCY_CONFLICT");
    assert.equal(await refusal(a, { ...reply, clientMsgId: clientMsgId() }), "VALIDATION");
  });

  it("refuses the same clientMsgId with another type, content, reply or mentions", async () => {
    const { a, b, conversationId } = await friends();
    const original = await send(b, text(conversationId));
    const params = text(conversationId, "same", { mentions: [b.userId] });
    const first = await send(a, params);
    const others: Partial<Send>[] = [
      { type: "markdown" },
      { content: { text: "other" } },
      { replyTo: original.messageId },
      { mentions: ["all"] },
      { mentions: undefined },
      { mentions: [b.userId, a.userId] },
    ];
    for (const other of others)
      assert.equal(await refusal(a, { ...params, ...other }), "IDEMPOTENCY_CONFLICT", JSON.stringify(other));
    assert.deepEqual(await send(a, params), first);
  });

  it("takes the same clientMsgId of two people, and in two conversations, for different messages", async () => {
    const { a, b, conversationId } = await friends();
    const [c] = (await people(1)) as [TestUser];
    const other = await befriend(im, a, c);
    const params = text(conversationId);
    const ids = [await send(a, params), await send(b, params), await send(a, { ...params, conversationId: other })].map(
      ({ messageId }) => messageId,
    );
    assert.equal(new Set(ids).size, 3);
  });

  it("takes one of many equal sends at once", async () => {
    const { a, conversationId } = await friends();
    const params = text(conversationId);
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(a, params)));
    assert.equal(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1);
    assert.equal((await send(a, text(conversationId))).seq, 2);
  });

  it("knows each clientMsgId after a restart", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "im-restart-"));
    const params: Send[] = [];
    let sender = "";
    let sent: unknown[];
    {
      await using first = await startIm({}, { dataDir });
      const [a, b] = [await buildUser(first), await buildUser(first)];
      const conversationId = await befriend(first, a, b);
      sender = a.userId;
      for (let i = 0; i < 3; i++) params.push(text(conversationId, `m${i}`));
      sent = await Promise.all(params.map((one) => first.node.as(sender, "message.send", one)));
    }
    {
      await using second = await startIm({}, { dataDir });
      assert.deepEqual(await Promise.all(params.map((one) => second.node.as(sender, "message.send", one))), sent);
      assert.equal(
        await errorType(second.node.as(sender, "message.send", { ...params[0]!, content: { text: "other" } })),
        "IDEMPOTENCY_CONFLICT",
      );
      const next = await second.node.as(sender, "message.send", text(params[0]!.conversationId));
      assert.equal(next.seq, 4);
    }
    await rm(dataDir, { recursive: true, force: true });
  });
});

describe("sending: seqs", () => {
  it("gives many senders at once seqs without hole or repetition, each sender's in the order of sending", async () => {
    const members = await people(5);
    const [owner, ...others] = members as [TestUser, ...TestUser[]];
    const { conversationId } = await buildGroup(im, owner, others);
    const sends = members.map((user) =>
      Array.from({ length: 40 }, () => send(user, text(conversationId)).then(({ seq }) => seq)),
    );
    const bySender = await Promise.all(sends.map((one) => Promise.all(one)));
    for (const seqs of bySender)
      assert.deepEqual(
        seqs,
        seqs.toSorted((a, b) => a - b),
      );
    assert.deepEqual(
      bySender.flat().toSorted((a, b) => a - b),
      Array.from({ length: 200 }, (_, index) => index + 2),
    );
    const rows = await im.sql.select<{ seq: number }>(
      "select seq from message where conversation_id = :conversationId order by seq",
      { conversationId },
    );
    assert.deepEqual(
      rows.map(({ seq }) => Number(seq)),
      Array.from({ length: 201 }, (_, index) => index + 1),
    );
  });

  it("gives a system message one, once for its clientMsgId, also in a group that is dissolved", async () => {
    const [owner] = (await people(1)) as [TestUser];
    const { groupId, conversationId } = await buildGroup(im, owner);
    const system = { conversationId, clientMsgId: clientMsgId(), content: { event: "tested", actorId: owner.userId } };
    const first = await im.node.call("message.sendSystem", system);
    assert.equal(first.seq, 2);
    assert.deepEqual(await im.node.call("message.sendSystem", system), first);
    await im.node.as(owner.userId, "group.dissolve", { groupId });
    await im.settled();
    await im.hot.conversations.invalidateMembers(conversationId);
    assert.deepEqual(await im.node.call("message.sendSystem", system), first);
    assert.equal((await im.node.call("message.sendSystem", { ...system, clientMsgId: clientMsgId() })).seq, 4);
    assert.equal(await errorType(im.node.call("message.sendSystem", { ...system, conversationId: "g_5" })), "GROUP_NOT_FOUND");
  });

  it("leaves no seq out for a message that was refused", async () => {
    const [owner, muted] = (await people(2)) as [TestUser, TestUser];
    const { groupId, conversationId } = await buildGroup(im, owner, [muted]);
    await im.node.as(owner.userId, "group.updateMember", { groupId, userId: muted.userId, mutedUntil: Date.now() + 60_000 });
    const before = (await send(owner, text(conversationId))).seq;
    const outcomes = await Promise.allSettled([muted, owner, muted, owner].map((user) => send(user, text(conversationId))));
    assert.deepEqual(
      outcomes.map((one) => (one.status === "fulfilled" ? one.value.seq : null)),
      [null, before + 1, null, before + 2],
    );
  });

  it("shows newcomers who join while others write nothing that was acknowledged before, and all from then on", async () => {
    const [owner, member, late] = (await people(3)) as [TestUser, TestUser, TestUser];
    const { groupId, conversationId } = await buildGroup(im, owner, [member]);
    const { seq: before } = await send(member, text(conversationId));
    const writing = Array.from({ length: 30 }, () => send(member, text(conversationId)));
    await addToGroup(im, owner, groupId, [late]);
    await Promise.all(writing);
    const { seq: last } = await send(late, text(conversationId));
    const seen = await historyOf(late, conversationId);
    const from = seen[0]!.seq;
    assert.ok(from > before);
    assert.deepEqual(
      seen.map(({ seq }) => seq),
      Array.from({ length: last - from + 1 }, (_, at) => from + at),
    );
    assert.ok(seen.some(({ type, content }) => type === "system" && content["event"] === "member.joined"));
  });
});

describe("explaining a message", () => {
  it("tells where it stands, each step with its time, and nothing of an unknown one", async () => {
    const { a, b, conversationId } = await friends();
    const { messageId, seq, createdAt } = await send(a, text(conversationId));
    await im.node.as(b.userId, "conversation.markRead", { conversationId, seq });
    const life = (await im.node.call("message.explain", { messageId }))!;
    assert.deepEqual(
      [life["messageId"], life["conversationId"], life["seq"], life["senderId"], life["persistStatus"], life["acceptedAt"]],
      [messageId, conversationId, seq, a.userId, "PERSISTED", createdAt],
    );
    assert.ok((life["persistedAt"] as number) >= createdAt);
    assert.deepEqual(
      (life["readBy"] as { userId: string }[]).map(({ userId }) => userId),
      [b.userId],
    );
    assert.equal(await im.node.call("message.explain", { messageId: newId() }), null);
  });
});
