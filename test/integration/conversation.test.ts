import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Conversation } from "../../contracts/entities.ts";
import { MAX_COUNTED_UNREAD } from "../../contracts/limits.ts";
import type { Params, Result } from "../../contracts/index.ts";
import { directConversationId } from "../../lib/conversation-id.ts";
import { PersistRepository } from "../../services/persister/repository.ts";
import { errorType } from "../support/accounts.ts";
import { addToGroup, befriend, buildGroup, buildUser, startIm, text, type Im, type TestUser } from "../support/im.ts";
import { buildRecords } from "../support/records.ts";
import { waitFor } from "../support/wait.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

type Person = Pick<TestUser, "userId">;
type Sent = Result<"message.send">;

const person = (): Promise<TestUser> => buildUser(im);
const send = (from: Person, conversationId: string, more: Parameters<typeof text>[2] = {}): Promise<Sent> =>
  im.node.as(from.userId, "message.send", text(conversationId, "hello", more));
const list = async (user: Person): Promise<Conversation[]> =>
  (await im.node.as(user.userId, "conversation.list", { limit: 100 })).items;
const listed = async (user: Person, conversationId: string): Promise<Conversation> => {
  const found = (await list(user)).find((one) => one.conversationId === conversationId);
  assert.ok(found, `${conversationId} is not listed`);
  return found;
};
const update = (user: Person, conversationId: string, change: Omit<Params<"conversation.update">, "conversationId">) =>
  im.node.as(user.userId, "conversation.update", { conversationId, ...change });
const markRead = async (user: Person, conversationId: string, seq: number) =>
  (await im.node.as(user.userId, "conversation.markRead", { conversationId, seq })).seq;
const markDelivered = async (user: Person, conversationId: string, seq: number) =>
  (await im.node.as(user.userId, "conversation.markDelivered", { conversationId, seq })).seq;
const clear = (user: Person, conversationId: string) => im.node.as(user.userId, "conversation.clear", { conversationId });
const access = (user: Person, conversationId: string) =>
  im.node.call("conversation.access", { conversationId, userId: user.userId });

async function friends(): Promise<{ a: TestUser; b: TestUser; conversationId: string }> {
  const [a, b] = [await person(), await person()];
  return { a, b, conversationId: await befriend(im, a, b) };
}

/** The cursors of senders are written behind: until they are, the database counts from an older one. */
async function cursorIsWritten(user: Person, conversationId: string): Promise<void> {
  const stored = (): Promise<{ read_seq: number }[]> =>
    im.sql.select("select read_seq from conversation_member where user_id = :userId and conversation_id = :conversationId", {
      userId: user.userId,
      conversationId,
    });
  await waitFor(
    async () => Number((await stored())[0]?.read_seq) === (await access(user, conversationId)).readSeq,
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

describe("the list of conversations", () => {
  it("shows each with its peer or group, last message, unread and cursors", async () => {
    const { a, b, conversationId } = await friends();
    const group = await buildGroup(im, b, [a], { name: "Crew" });
    await send(b, conversationId);
    const last = await send(b, conversationId);
    const direct = await listed(a, conversationId);
    assert.deepEqual(
      { ...direct, peer: direct.peer?.userId, lastMessage: direct.lastMessage?.messageId },
      {
        conversationId,
        type: "direct",
        peer: b.userId,
        lastMessage: last.messageId,
        maxSeq: 2,
        readSeq: 0,
        unread: 2,
        mentioned: false,
        pinned: false,
        muted: false,
        hidden: false,
        draft: "",
      },
    );
    const inGroup = await listed(a, group.conversationId);
    assert.deepEqual(
      [inGroup.type, inGroup.group?.name, inGroup.group?.myRole, inGroup.unread, inGroup.maxSeq],
      ["group", "Crew", "member", 0, 1],
    );
    assert.equal(inGroup.lastMessage?.type, "system");
  });

  it("holds a conversation once it has a message, a draft or a pin", async () => {
    const { a, b, conversationId } = await friends();
    const isListed = async (user: Person): Promise<boolean> =>
      (await list(user)).some((one) => one.conversationId === conversationId);
    await im.node.as(a.userId, "conversation.open", { userId: b.userId });
    assert.equal(await isListed(a), false);
    await update(a, conversationId, { muted: true });
    assert.equal(await isListed(a), false);
    await update(a, conversationId, { draft: "dear" });
    assert.deepEqual([await isListed(a), await isListed(b)], [true, false]);
    await update(a, conversationId, { draft: "" });
    assert.equal(await isListed(a), false);
    await update(a, conversationId, { pinned: true });
    assert.equal(await isListed(a), true);
    await update(a, conversationId, { pinned: false });
    await send(b, conversationId);
    assert.deepEqual([await isListed(a), await isListed(b)], [true, true]);
  });

  it("is ordered by pin, then by last message, and pages without skip or repetition", async () => {
    const me = await person();
    const ids: string[] = [];
    for (let i = 0; i < 7; i++) {
      const other = await person();
      ids.push(await befriend(im, me, other));
      await send(other, ids[i]!);
      await im.sql.execute("update message set created_at = :at where conversation_id = :id", {
        at: 1_000 * (i < 5 ? i + 1 : 5),
        id: ids[i]!,
      });
    }
    await update(me, ids[1]!, { pinned: true });
    const sameTime = [ids[4]!, ids[5]!, ids[6]!].toSorted();
    const expected = [ids[1], ...sameTime, ids[3], ids[2], ids[0]];
    assert.deepEqual(
      (await list(me)).map(({ conversationId }) => conversationId),
      expected,
    );
    const paged: string[] = [];
    let cursor: string | undefined;
    do {
      const { items, nextCursor }: Result<"conversation.list"> = await im.node.as(me.userId, "conversation.list", {
        limit: 2,
        ...(cursor && { cursor }),
      });
      assert.ok(items.length <= 2);
      paged.push(...items.map(({ conversationId }) => conversationId));
      cursor = nextCursor ?? undefined;
    } while (cursor !== undefined);
    assert.deepEqual(paged, expected);
    assert.equal(await errorType(im.node.as(me.userId, "conversation.list", { cursor: "abc" })), "VALIDATION");
  });

  it("does not list what somebody else has", async () => {
    const { conversationId } = await friends();
    const outsider = await person();
    assert.deepEqual(await list(outsider), []);
    const attempts = [
      update(outsider, conversationId, { pinned: true }),
      clear(outsider, conversationId),
      markRead(outsider, conversationId, 1),
      markDelivered(outsider, conversationId, 1),
    ];
    assert.deepEqual(await Promise.all(attempts.map(errorType)), Array(4).fill("CONVERSATION_NOT_FOUND"));
    assert.equal(await errorType(update(outsider, "g_5", { pinned: true })), "GROUP_NOT_FOUND");
    assert.deepEqual(await list(outsider), []);
  });

  it("opens a conversation with a friend, and answers as sending would with others", async () => {
    const { a, b, conversationId } = await friends();
    const opened = await im.node.as(a.userId, "conversation.open", { userId: b.userId });
    assert.deepEqual(
      [opened.conversationId, opened.peer?.userId, opened.lastMessage, opened.maxSeq],
      [conversationId, b.userId, null, 0],
    );
    const stranger = await person();
    const open = (userId: string) => errorType(im.node.as(a.userId, "conversation.open", { userId }));
    assert.deepEqual(
      [await open(stranger.userId), await open("5"), await open(a.userId)],
      ["CANNOT_MESSAGE", "CANNOT_MESSAGE", "CANNOT_ADD_SELF"],
    );
    await im.node.as(b.userId, "friend.block", { userId: a.userId });
    assert.equal(await open(b.userId), "CANNOT_MESSAGE");
    assert.equal(await errorType(im.node.as(b.userId, "conversation.open", { userId: a.userId })), "BLOCKED_BY_YOU");
  });
});

describe("unread", () => {
  it("counts what is after the cursor, not mine, not recalled, not deleted for me, and no system message", async () => {
    const { a, b, conversationId } = await friends();
    const sent: Sent[] = [];
    for (let i = 0; i < 6; i++) sent.push(await send(a, conversationId));
    const unread = async (): Promise<number> => (await listed(b, conversationId)).unread;
    assert.equal(await unread(), 6);
    await im.node.as(a.userId, "message.recall", { messageId: sent[1]!.messageId });
    await im.node.as(b.userId, "message.deleteForMe", { messageId: sent[2]!.messageId });
    assert.equal(await unread(), 4);
    await markRead(b, conversationId, 4);
    assert.equal(await unread(), 2);
    await im.node.as(a.userId, "message.recall", { messageId: sent[0]!.messageId });
    assert.equal(await unread(), 2, "one that was read already");
    assert.equal((await listed(a, conversationId)).unread, 0);
    assert.equal(await unread(), await recount(b, conversationId));
    await markRead(b, conversationId, 6);
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
    const members = await Promise.all([person(), person(), person()]);
    const { conversationId } = await buildGroup(im, members[0], members.slice(1));
    const deeds = members.flatMap((user, who) =>
      Array.from({ length: 12 }, async (_, index) => {
        const { messageId, seq } = await send(user, conversationId);
        if (index % 4 === 1) await im.node.as(user.userId, "message.recall", { messageId });
        if (index % 4 === 2) await im.node.as(members[(who + 1) % 3]!.userId, "message.deleteForMe", { messageId });
        if (index % 4 === 3) await markRead(members[(who + 2) % 3]!, conversationId, Math.max(1, seq - 10));
      }),
    );
    await Promise.all(deeds);
    const pairs = async () =>
      Promise.all(
        members.map(async (user) => [(await listed(user, conversationId)).unread, await recount(user, conversationId)]),
      );
    for (const [unread, counted] of await pairs()) assert.equal(unread, counted);
  });

  it("says whether an unread message mentions me", async () => {
    const [owner, me, other] = await Promise.all([person(), person(), person()]);
    const { conversationId } = await buildGroup(im, owner, [me, other]);
    const mentioned = async (user: Person): Promise<boolean> => (await listed(user, conversationId)).mentioned;
    await send(owner, conversationId);
    assert.equal(await mentioned(me), false);
    const one = await send(owner, conversationId, { mentions: [me.userId] });
    assert.deepEqual([await mentioned(me), await mentioned(other), await mentioned(owner)], [true, false, false]);
    await markRead(me, conversationId, one.seq);
    assert.equal(await mentioned(me), false);
    const all = await send(other, conversationId, { mentions: ["all"] });
    assert.deepEqual([await mentioned(me), await mentioned(owner), await mentioned(other)], [true, true, false]);
    await im.node.as(other.userId, "message.recall", { messageId: all.messageId });
    assert.equal(await mentioned(me), false);
  });

  it("starts at none for newcomers, also where they see the whole history", async () => {
    const [owner, late] = await Promise.all([person(), person()]);
    const { groupId, conversationId } = await buildGroup(im, owner, [], { historyVisible: true });
    for (let i = 0; i < 3; i++) await send(owner, conversationId);
    await addToGroup(im, owner, groupId, [late]);
    assert.equal((await listed(late, conversationId)).unread, 0);
    await send(owner, conversationId);
    assert.equal((await listed(late, conversationId)).unread, 1);
  });

  it("shows the visible message of highest seq as the last one", async () => {
    const { a, b, conversationId } = await friends();
    const [first, second] = [await send(a, conversationId), await send(a, conversationId)];
    await im.node.as(b.userId, "message.deleteForMe", { messageId: second.messageId });
    assert.equal((await listed(b, conversationId)).lastMessage?.messageId, first.messageId);
    assert.equal((await listed(a, conversationId)).lastMessage?.messageId, second.messageId);
    await im.node.as(a.userId, "message.recall", { messageId: first.messageId });
    const last = (await listed(b, conversationId)).lastMessage!;
    assert.deepEqual([last.messageId, last.content], [first.messageId, {}]);
    for (let i = 0; i < 15; i++) {
      const { messageId } = await send(a, conversationId);
      await im.node.as(b.userId, "message.deleteForMe", { messageId });
    }
    assert.equal((await listed(b, conversationId)).lastMessage?.messageId, first.messageId, "however many are hidden behind it");
  });
});

describe("what is mine alone", () => {
  it("pins, mutes and keeps a draft, and changes nothing that is not named", async () => {
    const { a, b, conversationId } = await friends();
    await send(a, conversationId);
    const pick = ({ pinned, muted, hidden, draft }: Conversation) => ({ pinned, muted, hidden, draft });
    assert.deepEqual(pick(await update(a, conversationId, { pinned: true, draft: "a\nb 😀" })), {
      pinned: true,
      muted: false,
      hidden: false,
      draft: "a\nb 😀",
    });
    assert.deepEqual(pick(await update(a, conversationId, { muted: true })), {
      pinned: true,
      muted: true,
      hidden: false,
      draft: "a\nb 😀",
    });
    assert.deepEqual(pick(await update(a, conversationId, {})), { pinned: true, muted: true, hidden: false, draft: "a\nb 😀" });
    assert.deepEqual(pick(await listed(b, conversationId)), { pinned: false, muted: false, hidden: false, draft: "" });
    assert.equal(await errorType(update(a, conversationId, { draft: "x".repeat(2_001) })), "VALIDATION");
    assert.equal(await errorType(update(a, conversationId, { pinned: 1 } as never)), "VALIDATION");
  });

  it("forgets what a deleted account had begun to write", async () => {
    const { a, conversationId } = await friends();
    await update(a, conversationId, { draft: "never to be sent" });
    await im.node.as(a.userId, "user.deleteMe", {});
    await im.settled();
    const rows = await im.sql.select("select draft from conversation_member where user_id = :userId", { userId: a.userId });
    assert.deepEqual(rows, [{ draft: "" }]);
  });

  it("hides until the next message", async () => {
    const { a, b, conversationId } = await friends();
    await send(a, conversationId);
    assert.equal((await update(b, conversationId, { hidden: true })).hidden, true);
    assert.deepEqual([(await listed(b, conversationId)).hidden, (await listed(a, conversationId)).hidden], [true, false]);
    await send(a, conversationId);
    assert.equal((await listed(b, conversationId)).hidden, false);
    await update(b, conversationId, { hidden: true });
    assert.equal((await update(b, conversationId, { hidden: false })).hidden, false);
  });

  it("clears for oneself alone, for good, and what comes next is seen", async () => {
    const { a, b, conversationId } = await friends();
    for (let i = 0; i < 4; i++) await send(a, conversationId);
    await clear(b, conversationId);
    const history = async (user: Person) => im.node.as(user.userId, "message.history", { conversationId });
    const cleared = await history(b);
    assert.deepEqual([cleared.items, cleared.minSeq, cleared.maxSeq], [[], 5, 4]);
    const { unread, lastMessage, readSeq } = await listed(b, conversationId);
    assert.deepEqual([unread, lastMessage, readSeq], [0, null, 4]);
    assert.equal((await history(a)).items.length, 4);
    await clear(b, conversationId);
    await send(a, conversationId);
    assert.deepEqual(
      (await history(b)).items.map(({ seq }) => seq),
      [5],
    );
    assert.equal((await listed(b, conversationId)).unread, 1);
  });

  it("works before the first message, and after one has left", async () => {
    const { a, conversationId } = await friends();
    await clear(a, conversationId);
    assert.equal((await update(a, conversationId, { pinned: true })).maxSeq, 0);
    assert.equal((await update(a, conversationId, { hidden: true })).hidden, true);
    const owner = await person();
    const { groupId, conversationId: group } = await buildGroup(im, owner, [a]);
    await im.node.as(a.userId, "group.removeMember", { groupId, userId: a.userId });
    await im.settled();
    await send(owner, group);
    await clear(a, group);
    const left = await listed(a, group);
    assert.deepEqual([left.maxSeq, left.lastMessage, left.unread], [2, null, 0]);
    const { items } = await im.node.as(owner.userId, "message.history", { conversationId: group });
    assert.equal(items.length, 3);
  });
});

describe("cursors", () => {
  it("move forward only, and no further than there are messages", async () => {
    const { a, b, conversationId } = await friends();
    assert.equal(await markRead(b, conversationId, 5), 0);
    for (let i = 0; i < 5; i++) await send(a, conversationId);
    assert.equal(await markDelivered(b, conversationId, 2), 2);
    assert.equal(await markRead(b, conversationId, 3), 3);
    assert.deepEqual(
      await access(b, conversationId).then(({ readSeq, deliveredSeq }) => [readSeq, deliveredSeq]),
      [3, 3],
      "reading is having got",
    );
    assert.equal(await markRead(b, conversationId, 1), 3);
    assert.equal(await markDelivered(b, conversationId, 1), 3);
    assert.equal(await markRead(b, conversationId, 0), 3);
    assert.equal(await markDelivered(b, conversationId, 99), 5);
    assert.equal(await markRead(b, conversationId, Number.MAX_SAFE_INTEGER), 5);
    for (const seq of [-1, 1.5, "1", null])
      assert.equal(await errorType(markRead(b, conversationId, seq as number)), "VALIDATION");
  });

  it("keep the highest of many that come at once", async () => {
    const { a, b, conversationId } = await friends();
    for (let i = 0; i < 20; i++) await send(a, conversationId);
    const seqs = Array.from({ length: 20 }, (_, index) => ((index * 7) % 20) + 1);
    const answers = await Promise.all(seqs.map((seq) => (seq % 2 === 0 ? markRead : markDelivered)(b, conversationId, seq)));
    for (const [index, answer] of answers.entries())
      assert.ok(answer >= seqs[index]! && answer <= 20, `${seqs[index]} → ${answer}`);
    assert.deepEqual(await access(b, conversationId).then(({ readSeq, deliveredSeq }) => [readSeq, deliveredSeq]), [20, 20]);
  });

  it("move without a receipt for whom one has blocked, or ended the friendship with", async () => {
    const { a, b, conversationId } = await friends();
    await send(a, conversationId);
    await send(a, conversationId);
    await send(a, conversationId);
    await using sender = await im.connect({ token: a.token });
    assert.equal(await markRead(b, conversationId, 1), 1);
    await sender.next("receipt:read", ({ seq }) => seq === 1);
    await im.node.as(b.userId, "friend.block", { userId: a.userId });
    assert.equal(await markRead(b, conversationId, 2), 2);
    await im.node.as(b.userId, "friend.unblock", { userId: a.userId });
    await im.node.as(b.userId, "friend.remove", { userId: a.userId });
    await im.settled();
    assert.equal(await markRead(b, conversationId, 3), 3);
    await sender.ok("presence:subscribe", { userIds: [] }).catch(() => undefined); // what came before it has been received
    assert.deepEqual(
      sender.of<{ seq: number }>("receipt:read").map(({ seq }) => seq),
      [1],
    );
  });

  it("follow what one sends oneself", async () => {
    const { a, b, conversationId } = await friends();
    await send(b, conversationId);
    await send(a, conversationId);
    await waitFor(async () => (await access(a, conversationId)).readSeq === 2, "the sender's cursor");
    assert.equal((await listed(a, conversationId)).unread, 0);
    assert.equal((await listed(a, conversationId)).readSeq, 2);
    assert.equal((await access(b, conversationId)).readSeq, 1);
  });

  it("are put back by nothing that comes late", async () => {
    const { a, b, conversationId } = await friends();
    const { a: c, conversationId: other } = await friends();
    for (let i = 0; i < 5; i++) await send(a, conversationId);
    await send(c, other);
    await markRead(b, conversationId, 5);
    const late = { conversationId, userId: b.userId, seq: 2 };
    await im.node.call("conversation.sent", { items: [late, { conversationId: other, userId: c.userId, seq: 1 }] });
    await cursorIsWritten(c, other);
    assert.deepEqual(await access(b, conversationId).then(({ readSeq, deliveredSeq }) => [readSeq, deliveredSeq]), [5, 5]);
  });

  it("stay within what those may see who have left", async () => {
    const [owner, member] = await Promise.all([person(), person()]);
    const { groupId, conversationId } = await buildGroup(im, owner, [member]);
    await send(owner, conversationId);
    await im.node.as(owner.userId, "group.removeMember", { groupId, userId: member.userId });
    await im.settled();
    for (let i = 0; i < 3; i++) await send(owner, conversationId);
    assert.equal(await markRead(member, conversationId, 99), 3);
    assert.equal((await listed(member, conversationId)).unread, 0);
  });

  it("survive a cold hot store", async () => {
    const { a, b, conversationId } = await friends();
    for (let i = 0; i < 3; i++) await send(a, conversationId);
    await markRead(b, conversationId, 2);
    await im.hot.conversations.invalidateMembers(conversationId);
    assert.equal(await markRead(b, conversationId, 9), 3);
    assert.equal((await send(b, conversationId)).seq, 4);
  });
});

describe("who may write", () => {
  it("is known to the hot store as the services have it, after each change", async () => {
    const [owner, member] = await Promise.all([person(), person()]);
    const { groupId, conversationId } = await buildGroup(im, owner, [member]);
    const state = (user: Person) => im.hot.conversations.member(conversationId, user.userId);
    await send(owner, conversationId);
    assert.deepEqual(
      [await state(owner), await state(member)],
      [
        { role: "owner", mutedUntil: null, refusal: null },
        { role: "member", mutedUntil: null, refusal: null },
      ],
    );
    await im.node.as(owner.userId, "group.updateMember", { groupId, userId: member.userId, role: "admin" });
    assert.equal(((await state(member)) as { role: string }).role, "admin");
    await im.node.as(owner.userId, "group.transfer", { groupId, userId: member.userId });
    assert.deepEqual(
      [((await state(owner)) as { role: string }).role, ((await state(member)) as { role: string }).role],
      ["admin", "owner"],
    );
    await im.node.as(member.userId, "group.removeMember", { groupId, userId: owner.userId });
    assert.equal(await state(owner), null);
  });

  it("is not loaded from before a change that comes while it is read", async () => {
    const { a, b, conversationId } = await friends();
    await im.hot.conversations.invalidateMembers(conversationId);
    for (let i = 0; i < 10; i++) {
      const change = i % 2 === 0 ? "friend.block" : "friend.unblock";
      await Promise.allSettled([
        send(a, conversationId),
        im.node.as(b.userId, change, { userId: a.userId }),
        im.hot.conversations.invalidateMembers(conversationId),
      ]);
      assert.equal(await errorType(send(a, conversationId)), i % 2 === 0 ? "CANNOT_MESSAGE" : "");
    }
    assert.equal(conversationId, directConversationId(a.userId, b.userId));
  });
});
