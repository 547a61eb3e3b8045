import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { MAX_COUNTED_UNREAD } from "../../contracts/limits.ts";
import { PersistRepository } from "../../services/persister/repository.ts";
import { errorType } from "../support/accounts.ts";
import { access, listed, markDelivered, markRead } from "../support/conversations.ts";
import { addToGroup, buildGroup, buildUser, startIm, type Im } from "../support/im.ts";
import { send, type Person, type Sent } from "../support/messages.ts";
import { buildFriends } from "../support/people.ts";
import { buildRecords } from "../support/records.ts";
import { waitFor } from "../support/wait.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

/** The cursors of senders are written behind: until they are, the database counts from an older one. */
async function cursorIsWritten(user: Person, conversationId: string): Promise<void> {
  const stored = (): Promise<{ read_seq: number }[]> =>
    im.sql.select("select read_seq from conversation_member where user_id = :userId and conversation_id = :conversationId", {
      userId: user.userId,
      conversationId,
    });
  await waitFor(
    async () => Number((await stored())[0]?.read_seq) === (await access(im, user, conversationId)).readSeq,
    "the cursor to be written",
  );
}

/** Unread counted from the rows alone. */
async function recount(user: Person, conversationId: string): Promise<number> {
  await cursorIsWritten(user, conversationId);
  const [row] = await im.sql.select<{ count: number }>(
    `select count(*) as count from message m, conversation_member c
     where c.user_id = :userId and c.conversation_id = :conversationId and m.conversation_id = c.conversation_id and m.seq > c.read_seq
       and m.seq >= c.min_seq and (c.active = 1 or m.seq <= c.max_seq) and m.sender_id <> :userId and m.recalled_at is null
       and m.type <> 'system' and m.type <> 'void'
       and not exists (select 1 from message_hidden h where h.user_id = :userId and h.conversation_id = m.conversation_id and h.seq = m.seq)`,
    { userId: user.userId, conversationId },
  );
  return Number(row!.count);
}

describe("unread", () => {
  it("counts what is after the cursor, not mine, not recalled, not deleted for me, and no system message", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sent: Sent[] = [];
    for (let i = 0; i < 6; i++) sent.push(await send(im, a, conversationId));
    const unread = async (): Promise<number> => (await listed(im, b, conversationId)).unread;
    assert.equal(await unread(), 6);
    await im.node.as(a.userId, "message.recall", { messageId: sent[1]!.messageId });
    await im.node.as(b.userId, "message.deleteForMe", { messageId: sent[2]!.messageId });
    assert.equal(await unread(), 4);
    await markRead(im, b, conversationId, 4);
    assert.equal(await unread(), 2);
    await im.node.as(a.userId, "message.recall", { messageId: sent[0]!.messageId });
    assert.equal(await unread(), 2, "one that was read already");
    assert.equal((await listed(im, a, conversationId)).unread, 0);
    assert.equal(await unread(), await recount(b, conversationId));
    await markRead(im, b, conversationId, 6);
    assert.equal(await unread(), 0);
  });

  it("is counted up to a bound, and what mentions me is looked for among as many", async () => {
    const records = buildRecords(MAX_COUNTED_UNREAD + 5);
    const { conversationId } = records[0]!;
    const mentioning = [records[2]!, records[4]!].map((record) => ({ ...record, mentions: ["42"] }));
    await new PersistRepository(im.sql).insertNew([...mentioning, ...records.filter((_, at) => at !== 2 && at !== 4)], 1);
    const summaryFrom = async (readSeq: number, userId: string) => {
      const items = [{ conversationId, minSeq: 1, maxSeq: null, readSeq }];
      const [summary] = await im.node.call("message.summaries", { userId, items });
      return [summary?.unread, summary?.mentioned];
    };
    assert.deepEqual(await summaryFrom(0, "42"), [MAX_COUNTED_UNREAD, false]);
    assert.deepEqual(await summaryFrom(6, "42"), [MAX_COUNTED_UNREAD - 1, false]);
    await im.sql.execute("update message set mentions = '[\"42\"]' where conversation_id = :conversationId and seq = 9", {
      conversationId,
    });
    assert.deepEqual(await summaryFrom(0, "42"), [MAX_COUNTED_UNREAD, true]);
  });

  it("agrees with a recount after many people have done many things at once", async () => {
    const members = await Promise.all([buildUser(im), buildUser(im), buildUser(im)]);
    const { conversationId } = await buildGroup(im, members[0], members.slice(1));
    const deeds = members.flatMap((user, who) =>
      Array.from({ length: 12 }, async (_, index) => {
        const { messageId, seq } = await send(im, user, conversationId);
        if (index % 4 === 1) await im.node.as(user.userId, "message.recall", { messageId });
        if (index % 4 === 2) await im.node.as(members[(who + 1) % 3]!.userId, "message.deleteForMe", { messageId });
        if (index % 4 === 3) await markRead(im, members[(who + 2) % 3]!, conversationId, Math.max(1, seq - 10));
      }),
    );
    await Promise.all(deeds);
    const pairs = async () =>
      Promise.all(
        members.map(async (user) => [(await listed(im, user, conversationId)).unread, await recount(user, conversationId)]),
      );
    for (const [unread, counted] of await pairs()) assert.equal(unread, counted);
  });

  it("says whether an unread message mentions me", async () => {
    const [owner, me, other] = await Promise.all([buildUser(im), buildUser(im), buildUser(im)]);
    const { conversationId } = await buildGroup(im, owner, [me, other]);
    const mentioned = async (user: Person): Promise<boolean> => (await listed(im, user, conversationId)).mentioned;
    await send(im, owner, conversationId);
    assert.equal(await mentioned(me), false);
    const one = await send(im, owner, conversationId, "hello", { mentions: [me.userId] });
    assert.deepEqual([await mentioned(me), await mentioned(other), await mentioned(owner)], [true, false, false]);
    await markRead(im, me, conversationId, one.seq);
    assert.equal(await mentioned(me), false);
    const all = await send(im, other, conversationId, "hello", { mentions: ["all"] });
    assert.deepEqual([await mentioned(me), await mentioned(owner), await mentioned(other)], [true, true, false]);
    await im.node.as(other.userId, "message.recall", { messageId: all.messageId });
    assert.equal(await mentioned(me), false);
  });

  it("starts at none for newcomers, also where they see the whole history", async () => {
    const [owner, late] = await Promise.all([buildUser(im), buildUser(im)]);
    const { groupId, conversationId } = await buildGroup(im, owner, [], { historyVisible: true });
    for (let i = 0; i < 3; i++) await send(im, owner, conversationId);
    await addToGroup(im, owner, groupId, [late]);
    assert.equal((await listed(im, late, conversationId)).unread, 0);
    await send(im, owner, conversationId);
    assert.equal((await listed(im, late, conversationId)).unread, 1);
  });

  it("shows the visible message of highest seq as the last one", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [first, second] = [await send(im, a, conversationId), await send(im, a, conversationId)];
    await im.node.as(b.userId, "message.deleteForMe", { messageId: second.messageId });
    assert.equal((await listed(im, b, conversationId)).lastMessage?.messageId, first.messageId);
    assert.equal((await listed(im, a, conversationId)).lastMessage?.messageId, second.messageId);
    await im.node.as(a.userId, "message.recall", { messageId: first.messageId });
    const last = (await listed(im, b, conversationId)).lastMessage!;
    assert.deepEqual([last.messageId, last.content], [first.messageId, {}]);
    for (let i = 0; i < 15; i++) {
      const { messageId } = await send(im, a, conversationId);
      await im.node.as(b.userId, "message.deleteForMe", { messageId });
    }
    assert.equal(
      (await listed(im, b, conversationId)).lastMessage?.messageId,
      first.messageId,
      "however many are hidden behind it",
    );
  });
});

describe("cursors", () => {
  it("move forward only, and no further than there are messages", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    assert.equal(await markRead(im, b, conversationId, 5), 0);
    for (let i = 0; i < 5; i++) await send(im, a, conversationId);
    assert.equal(await markDelivered(im, b, conversationId, 2), 2);
    assert.equal(await markRead(im, b, conversationId, 3), 3);
    assert.deepEqual(
      await access(im, b, conversationId).then(({ readSeq, deliveredSeq }) => [readSeq, deliveredSeq]),
      [3, 3],
      "reading is having got",
    );
    assert.equal(await markRead(im, b, conversationId, 1), 3);
    assert.equal(await markDelivered(im, b, conversationId, 1), 3);
    assert.equal(await markRead(im, b, conversationId, 0), 3);
    assert.equal(await markDelivered(im, b, conversationId, 99), 5);
    assert.equal(await markRead(im, b, conversationId, Number.MAX_SAFE_INTEGER), 5);
    for (const seq of [-1, 1.5, "1", null])
      assert.equal(await errorType(markRead(im, b, conversationId, seq as number)), "VALIDATION");
  });

  it("keep the highest of many that come at once", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    for (let i = 0; i < 20; i++) await send(im, a, conversationId);
    const seqs = Array.from({ length: 20 }, (_, index) => ((index * 7) % 20) + 1);
    const answers = await Promise.all(seqs.map((seq) => (seq % 2 === 0 ? markRead : markDelivered)(im, b, conversationId, seq)));
    for (const [index, answer] of answers.entries())
      assert.ok(answer >= seqs[index]! && answer <= 20, `${seqs[index]} → ${answer}`);
    assert.deepEqual(await access(im, b, conversationId).then(({ readSeq, deliveredSeq }) => [readSeq, deliveredSeq]), [20, 20]);
  });

  it("move without a receipt for whom one has blocked, or ended the friendship with", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    await send(im, a, conversationId);
    await send(im, a, conversationId);
    await send(im, a, conversationId);
    await using sender = await im.connect({ token: a.token });
    assert.equal(await markRead(im, b, conversationId, 1), 1);
    await sender.next("receipt:read", ({ seq }) => seq === 1);
    await im.node.as(b.userId, "friend.block", { userId: a.userId });
    assert.equal(await markRead(im, b, conversationId, 2), 2);
    await im.node.as(b.userId, "friend.unblock", { userId: a.userId });
    await im.node.as(b.userId, "friend.remove", { userId: a.userId });
    await im.settled();
    assert.equal(await markRead(im, b, conversationId, 3), 3);
    await sender.ok("presence:subscribe", { userIds: [] }).catch(() => undefined); // what came before it has been received
    assert.deepEqual(
      sender.of<{ seq: number }>("receipt:read").map(({ seq }) => seq),
      [1],
    );
  });

  it("follow what one sends oneself", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    await send(im, b, conversationId);
    await send(im, a, conversationId);
    await waitFor(async () => (await access(im, a, conversationId)).readSeq === 2, "the sender's cursor");
    assert.equal((await listed(im, a, conversationId)).unread, 0);
    assert.equal((await listed(im, a, conversationId)).readSeq, 2);
    assert.equal((await access(im, b, conversationId)).readSeq, 1);
  });

  it("are put back by nothing that comes late", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const { a: c, conversationId: other } = await buildFriends(im);
    for (let i = 0; i < 5; i++) await send(im, a, conversationId);
    await send(im, c, other);
    await markRead(im, b, conversationId, 5);
    const late = { conversationId, userId: b.userId, seq: 2 };
    await im.node.call("conversation.sent", { items: [late, { conversationId: other, userId: c.userId, seq: 1 }] });
    await cursorIsWritten(c, other);
    assert.deepEqual(await access(im, b, conversationId).then(({ readSeq, deliveredSeq }) => [readSeq, deliveredSeq]), [5, 5]);
  });

  it("stay within what those may see who have left", async () => {
    const [owner, member] = await Promise.all([buildUser(im), buildUser(im)]);
    const { groupId, conversationId } = await buildGroup(im, owner, [member]);
    await send(im, owner, conversationId);
    await im.node.as(owner.userId, "group.removeMember", { groupId, userId: member.userId });
    await im.settled();
    for (let i = 0; i < 3; i++) await send(im, owner, conversationId);
    assert.equal(await markRead(im, member, conversationId, 99), 3);
    assert.equal((await listed(im, member, conversationId)).unread, 0);
  });

  it("survive a cold hot store", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    for (let i = 0; i < 3; i++) await send(im, a, conversationId);
    await markRead(im, b, conversationId, 2);
    await im.hot.conversations.invalidateMembers(conversationId);
    assert.equal(await markRead(im, b, conversationId, 9), 3);
    assert.equal((await send(im, b, conversationId)).seq, 4);
  });
});
