import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Message } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
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

describe("sending: once", () => {
  it("answers a repeated clientMsgId like the first time and says that it is repeated, also after recall and edit", async () => {
    const { a, conversationId } = await buildFriends(im);
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
    const { a, b, conversationId } = await buildFriends(im);
    const [removed, member] = (await buildUsers(im, 2)) as [TestUser, TestUser];
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
    const { a, b, conversationId } = await buildFriends(im);
    const [known] = (await buildUsers(im, 1)) as [TestUser];
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
    const { a, b, conversationId } = await buildFriends(im);
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
    const { a, b, conversationId } = await buildFriends(im);
    const [c] = (await buildUsers(im, 1)) as [TestUser];
    const other = await befriend(im, a, c);
    const params = text(conversationId);
    const ids = [await send(a, params), await send(b, params), await send(a, { ...params, conversationId: other })].map(
      ({ messageId }) => messageId,
    );
    assert.equal(new Set(ids).size, 3);
  });

  it("takes one of many equal sends at once", async () => {
    const { a, conversationId } = await buildFriends(im);
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
    const members = await buildUsers(im, 5);
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
    const [owner] = (await buildUsers(im, 1)) as [TestUser];
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
    const [owner, muted] = (await buildUsers(im, 2)) as [TestUser, TestUser];
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
    const [owner, member, late] = (await buildUsers(im, 3)) as [TestUser, TestUser, TestUser];
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
    const { a, b, conversationId } = await buildFriends(im);
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
