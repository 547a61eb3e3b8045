import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Message } from "../../contracts/entities.ts";
import { errorType } from "../support/accounts.ts";
import { refuseText } from "../support/faults.ts";
import { addToGroup, buildUser, startIm, text, type Im } from "../support/im.ts";
import { react, recall, rowsOf, send, shown, type Person, type Sent } from "../support/messages.ts";
import { buildCrew, buildFriends } from "../support/people.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

type Position = { afterSeq?: number; beforeSeq?: number; limit?: number };
const thread = (by: Person, { messageId }: Pick<Sent, "messageId">, position: Position = {}) =>
  im.node.as(by.userId, "message.thread", { messageId, ...position });
const seqs = (items: readonly { seq: number }[]): number[] => items.map(({ seq }) => seq);

/** Two friends, and a thread with two messages. */
async function createThread() {
  const { a, b, conversationId } = await buildFriends(im);
  const root = await send(im, a, conversationId, "root");
  const first = await send(im, b, conversationId, "first", { threadId: root.messageId });
  const second = await send(im, a, conversationId, "second", { threadId: root.messageId });
  return { a, b, conversationId, root, first, second };
}

describe("a thread", () => {
  it("is told by its messages, and counted where it begins", async () => {
    const { a, b, root, first, second } = await createThread();
    for (const user of [a, b]) {
      const [begin, inside] = [await shown(im, user, root), await shown(im, user, first)];
      assert.deepEqual(begin!.thread, { count: 2, lastSeq: second.seq, lastAt: second.createdAt });
      assert.deepEqual([inside!.threadId, inside!.thread, begin!.threadId], [root.messageId, undefined, undefined]);
    }
    assert.equal((await react(im, b, root, "👍")).thread?.count, 2, "in the answer to a change");
    const { items } = await im.node.as(b.userId, "conversation.list", {});
    assert.equal(items[0]?.lastMessage?.threadId, root.messageId);
  });

  it("is paged ascending in both directions, with the message at which it begins", async () => {
    const { a, b, conversationId, root, first, second } = await createThread();
    await send(im, b, conversationId, "elsewhere");
    const third = await send(im, b, conversationId, "third", { threadId: root.messageId, replyTo: first.messageId });
    const all = await thread(b, root);
    assert.deepEqual(seqs(all.items), seqs([first, second, third]));
    assert.deepEqual([all.root, all.minSeq, all.maxSeq], [await shown(im, b, root), 1, third.seq]);
    assert.deepEqual(all.items[2], await shown(im, b, third));
    assert.deepEqual(seqs((await thread(a, root, { limit: 2 })).items), seqs([second, third]));
    assert.deepEqual(seqs((await thread(a, root, { afterSeq: 0, limit: 2 })).items), seqs([first, second]));
    assert.deepEqual(seqs((await thread(a, root, { afterSeq: second.seq })).items), [third.seq]);
    assert.deepEqual(seqs((await thread(a, root, { beforeSeq: third.seq, limit: 1 })).items), [second.seq]);
    assert.deepEqual((await thread(a, root, { beforeSeq: 1 })).items, []);
    assert.deepEqual((await thread(a, third)).items, [], "none begins inside of one");
    assert.equal(await errorType(thread(a, root, { afterSeq: 1, beforeSeq: 3 })), "VALIDATION");
    assert.equal(await errorType(thread(a, root, { limit: 101 })), "VALIDATION");
  });

  it("asks once for what is on its way to SQL, however much of it is shown", async (t) => {
    const { b, root, second } = await createThread();
    const asked = t.mock.method(im.hot.conversations, "unpersisted");
    assert.equal((await thread(b, root)).root.thread?.lastSeq, second.seq);
    assert.equal(asked.mock.callCount(), 1);
  });

  it("begins at no message that is elsewhere, unseen, recalled, of the system, or in a thread itself", async () => {
    const { a, b, conversationId, root, first } = await createThread();
    const other = await buildFriends(im);
    const elsewhere = await send(im, other.a, other.conversationId);
    const [recalled, hidden] = [await send(im, a, conversationId), await send(im, b, conversationId)];
    await recall(im, a, recalled);
    await im.node.as(a.userId, "message.deleteForMe", { messageId: hidden.messageId });
    const { owner, conversationId: group } = await buildCrew(im);
    const [system] = (await im.node.as(owner.userId, "message.history", { conversationId: group, limit: 1 })).items;
    for (const { messageId } of [elsewhere, recalled, hidden, first, { messageId: "1" }])
      assert.equal(await errorType(send(im, a, conversationId, "x", { threadId: messageId })), "VALIDATION", messageId);
    const inGroup = { threadId: (system as Message).messageId };
    assert.equal(await errorType(send(im, owner, group, "x", inGroup)), "VALIDATION");
    await send(im, b, conversationId, "theirs", { threadId: hidden.messageId });
    const outsider = await buildUser(im);
    assert.equal(
      await errorType(send(im, outsider, conversationId, "x", { threadId: root.messageId })),
      "CONVERSATION_NOT_FOUND",
    );
  });

  it("belongs to what a repeated clientMsgId must repeat, and is answered again when its beginning is gone", async () => {
    const { a, b, conversationId, root } = await createThread();
    const params = text(conversationId, "once", { threadId: root.messageId });
    const sent = await im.node.as(b.userId, "message.send", params);
    const { threadId: _threadId, ...without } = params;
    assert.equal(await errorType(im.node.as(b.userId, "message.send", without)), "IDEMPOTENCY_CONFLICT");
    await recall(im, a, root);
    assert.deepEqual(await im.node.as(b.userId, "message.send", params), sent);
    const plain = text(conversationId, "plain");
    await im.node.as(b.userId, "message.send", plain);
    const moved = { ...plain, threadId: sent.messageId };
    assert.equal(await errorType(im.node.as(b.userId, "message.send", moved)), "IDEMPOTENCY_CONFLICT");
  });

  it("loses what is recalled from its count and not from its page, and stays when its beginning is recalled", async () => {
    const { a, b, root, first, second } = await createThread();
    await recall(im, a, second);
    assert.deepEqual((await shown(im, b, root))!.thread, { count: 1, lastSeq: first.seq, lastAt: first.createdAt });
    assert.deepEqual(
      (await thread(b, root)).items.map(({ content }) => content),
      [{ text: "first" }, {}],
    );
    await recall(im, a, root);
    assert.deepEqual([(await shown(im, b, root))!.content, (await shown(im, b, root))!.thread?.count], [{}, 1]);
    await recall(im, b, first);
    assert.equal((await shown(im, b, root))!.thread, undefined);
  });

  it("hides from one what they deleted, and from everybody else nothing", async () => {
    const { a, b, root, first, second } = await createThread();
    await im.node.as(b.userId, "message.deleteForMe", { messageId: second.messageId });
    assert.deepEqual((await shown(im, b, root))!.thread, { count: 1, lastSeq: first.seq, lastAt: first.createdAt });
    assert.deepEqual(seqs((await thread(b, root)).items), [first.seq]);
    assert.deepEqual(seqs((await thread(a, root)).items), seqs([first, second]));
    assert.equal((await shown(im, a, root))!.thread?.count, 2);
    await im.node.as(b.userId, "message.deleteForMe", { messageId: root.messageId });
    assert.equal(await errorType(thread(b, root)), "MESSAGE_NOT_FOUND");
  });

  it("is as long as one's rights: outsiders, newcomers and those who have left", async () => {
    const { owner, member, groupId, conversationId } = await buildCrew(im);
    const [outsider, newcomer] = [await buildUser(im), await buildUser(im)];
    const root = await send(im, owner, conversationId, "root");
    const before = await send(im, member, conversationId, "before", { threadId: root.messageId });
    await im.node.as(owner.userId, "group.removeMember", { groupId, userId: member.userId });
    await im.settled();
    const later = await send(im, owner, conversationId, "later", { threadId: root.messageId });
    await addToGroup(im, owner, groupId, [newcomer]);
    assert.deepEqual(seqs((await thread(owner, root)).items), seqs([before, later]));
    assert.deepEqual(seqs((await thread(member, root)).items), [before.seq]);
    assert.deepEqual((await shown(im, member, root))!.thread, { count: 1, lastSeq: before.seq, lastAt: before.createdAt });
    assert.equal((await im.node.as(member.userId, "message.deleteForMe", { messageId: root.messageId })).thread?.count, 1);
    assert.equal(await errorType(send(im, member, conversationId, "x", { threadId: root.messageId })), "GROUP_NOT_FOUND");
    for (const who of [outsider, newcomer]) assert.equal(await errorType(thread(who, root)), "MESSAGE_NOT_FOUND");
    assert.equal(await errorType(send(im, newcomer, conversationId, "x", { threadId: root.messageId })), "VALIDATION");
  });

  it("keeps its messages when they are driven again, and stands in the export", async () => {
    const { a, conversationId, root } = await createThread();
    const lift = await refuseText(im.sql, "unwelcome");
    const params = text(conversationId, "unwelcome", { threadId: root.messageId });
    assert.equal(await errorType(im.node.as(a.userId, "message.send", params)), "SEND_FAILED");
    await lift();
    assert.deepEqual(await im.node.call("persister.redrive", { limit: 10 }), { redriven: 1 });
    assert.deepEqual((await thread(a, root)).items.at(-1)?.content, { text: "unwelcome" });
    const exported = await im.node.call("message.exportOf", { userId: a.userId, limit: 100 });
    assert.deepEqual(
      exported.map(({ threadId }) => threadId),
      [undefined, root.messageId, root.messageId],
    );
  });

  it("keeps the places of those whose account is deleted", async () => {
    const { a, b, root, second } = await createThread();
    await im.node.as(b.userId, "user.deleteMe", {});
    await im.settled();
    assert.deepEqual((await shown(im, a, root))!.thread, { count: 1, lastSeq: second.seq, lastAt: second.createdAt });
    assert.deepEqual(
      (await thread(a, root)).items.map(({ content }) => content),
      [{}, { text: "second" }],
    );
    assert.equal((await rowsOf(im, "message", root)).length, 1);
  });
});
