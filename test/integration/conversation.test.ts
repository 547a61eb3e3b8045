import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Conversation } from "../../contracts/entities.ts";
import type { Result } from "../../contracts/index.ts";
import { directConversationId } from "../../lib/conversation-id.ts";
import { errorType } from "../support/accounts.ts";
import { clear, list, listed, markDelivered, markRead, update } from "../support/conversations.ts";
import { befriend, buildGroup, buildUser, startIm, type Im } from "../support/im.ts";
import { send, type Person } from "../support/messages.ts";
import { buildFriends } from "../support/people.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

describe("the list of conversations", () => {
  it("shows each with its peer or group, last message, unread and cursors", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const group = await buildGroup(im, b, [a], { name: "Crew" });
    await send(im, b, conversationId);
    const last = await send(im, b, conversationId);
    const direct = await listed(im, a, conversationId);
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
    const inGroup = await listed(im, a, group.conversationId);
    assert.deepEqual(
      [inGroup.type, inGroup.group?.name, inGroup.group?.myRole, inGroup.unread, inGroup.maxSeq],
      ["group", "Crew", "member", 0, 1],
    );
    assert.equal(inGroup.lastMessage?.type, "system");
  });

  it("holds a conversation once it has a message, a draft or a pin", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const isListed = async (user: Person): Promise<boolean> =>
      (await list(im, user)).some((one) => one.conversationId === conversationId);
    await im.node.as(a.userId, "conversation.open", { userId: b.userId });
    assert.equal(await isListed(a), false);
    await update(im, a, conversationId, { muted: true });
    assert.equal(await isListed(a), false);
    await update(im, a, conversationId, { draft: "dear" });
    assert.deepEqual([await isListed(a), await isListed(b)], [true, false]);
    await update(im, a, conversationId, { draft: "" });
    assert.equal(await isListed(a), false);
    await update(im, a, conversationId, { pinned: true });
    assert.equal(await isListed(a), true);
    await update(im, a, conversationId, { pinned: false });
    await send(im, b, conversationId);
    assert.deepEqual([await isListed(a), await isListed(b)], [true, true]);
  });

  it("is ordered by pin, then by last message, and pages without skip or repetition", async () => {
    const me = await buildUser(im);
    const ids: string[] = [];
    for (let i = 0; i < 7; i++) {
      const other = await buildUser(im);
      ids.push(await befriend(im, me, other));
      await send(im, other, ids[i]!);
      await im.sql.execute("update message set created_at = :at where conversation_id = :id", {
        at: 1_000 * (i < 5 ? i + 1 : 5),
        id: ids[i]!,
      });
    }
    await update(im, me, ids[1]!, { pinned: true });
    const sameTime = [ids[4]!, ids[5]!, ids[6]!].toSorted();
    const expected = [ids[1], ...sameTime, ids[3], ids[2], ids[0]];
    assert.deepEqual(
      (await list(im, me)).map(({ conversationId }) => conversationId),
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
    const { conversationId } = await buildFriends(im);
    const outsider = await buildUser(im);
    assert.deepEqual(await list(im, outsider), []);
    const attempts = [
      update(im, outsider, conversationId, { pinned: true }),
      clear(im, outsider, conversationId),
      markRead(im, outsider, conversationId, 1),
      markDelivered(im, outsider, conversationId, 1),
    ];
    assert.deepEqual(await Promise.all(attempts.map(errorType)), Array(4).fill("CONVERSATION_NOT_FOUND"));
    assert.equal(await errorType(update(im, outsider, "g_5", { pinned: true })), "GROUP_NOT_FOUND");
    assert.deepEqual(await list(im, outsider), []);
  });

  it("opens a conversation with a friend, and answers as sending would with others", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const opened = await im.node.as(a.userId, "conversation.open", { userId: b.userId });
    assert.deepEqual(
      [opened.conversationId, opened.peer?.userId, opened.lastMessage, opened.maxSeq],
      [conversationId, b.userId, null, 0],
    );
    const stranger = await buildUser(im);
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

describe("what is mine alone", () => {
  it("pins, mutes and keeps a draft, and changes nothing that is not named", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    await send(im, a, conversationId);
    const pick = ({ pinned, muted, hidden, draft }: Conversation) => ({ pinned, muted, hidden, draft });
    assert.deepEqual(pick(await update(im, a, conversationId, { pinned: true, draft: "a\nb 😀" })), {
      pinned: true,
      muted: false,
      hidden: false,
      draft: "a\nb 😀",
    });
    assert.deepEqual(pick(await update(im, a, conversationId, { muted: true })), {
      pinned: true,
      muted: true,
      hidden: false,
      draft: "a\nb 😀",
    });
    assert.deepEqual(pick(await update(im, a, conversationId, {})), {
      pinned: true,
      muted: true,
      hidden: false,
      draft: "a\nb 😀",
    });
    assert.deepEqual(pick(await listed(im, b, conversationId)), { pinned: false, muted: false, hidden: false, draft: "" });
    assert.equal(await errorType(update(im, a, conversationId, { draft: "x".repeat(2_001) })), "VALIDATION");
    assert.equal(await errorType(update(im, a, conversationId, { pinned: 1 } as never)), "VALIDATION");
  });

  it("forgets what a deleted account had begun to write", async () => {
    const { a, conversationId } = await buildFriends(im);
    await update(im, a, conversationId, { draft: "never to be sent" });
    await im.node.as(a.userId, "user.deleteMe", {});
    await im.settled();
    const rows = await im.sql.select("select draft from conversation_member where user_id = :userId", { userId: a.userId });
    assert.deepEqual(rows, [{ draft: "" }]);
  });

  it("hides until the next message", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    await send(im, a, conversationId);
    assert.equal((await update(im, b, conversationId, { hidden: true })).hidden, true);
    assert.deepEqual([(await listed(im, b, conversationId)).hidden, (await listed(im, a, conversationId)).hidden], [true, false]);
    await send(im, a, conversationId);
    assert.equal((await listed(im, b, conversationId)).hidden, false);
    await update(im, b, conversationId, { hidden: true });
    assert.equal((await update(im, b, conversationId, { hidden: false })).hidden, false);
  });

  it("clears for oneself alone, for good, and what comes next is seen", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    for (let i = 0; i < 4; i++) await send(im, a, conversationId);
    await clear(im, b, conversationId);
    const history = async (user: Person) => im.node.as(user.userId, "message.history", { conversationId });
    const cleared = await history(b);
    assert.deepEqual([cleared.items, cleared.minSeq, cleared.maxSeq], [[], 5, 4]);
    const { unread, lastMessage, readSeq } = await listed(im, b, conversationId);
    assert.deepEqual([unread, lastMessage, readSeq], [0, null, 4]);
    assert.equal((await history(a)).items.length, 4);
    await clear(im, b, conversationId);
    await send(im, a, conversationId);
    assert.deepEqual(
      (await history(b)).items.map(({ seq }) => seq),
      [5],
    );
    assert.equal((await listed(im, b, conversationId)).unread, 1);
  });

  it("works before the first message, and after one has left", async () => {
    const { a, conversationId } = await buildFriends(im);
    await clear(im, a, conversationId);
    assert.equal((await update(im, a, conversationId, { pinned: true })).maxSeq, 0);
    assert.equal((await update(im, a, conversationId, { hidden: true })).hidden, true);
    const owner = await buildUser(im);
    const { groupId, conversationId: group } = await buildGroup(im, owner, [a]);
    await im.node.as(a.userId, "group.removeMember", { groupId, userId: a.userId });
    await im.settled();
    await send(im, owner, group);
    await clear(im, a, group);
    const left = await listed(im, a, group);
    assert.deepEqual([left.maxSeq, left.lastMessage, left.unread], [2, null, 0]);
    const { items } = await im.node.as(owner.userId, "message.history", { conversationId: group });
    assert.equal(items.length, 3);
  });
});

describe("who may write", () => {
  it("is known to the hot store as the services have it, after each change", async () => {
    const [owner, member] = await Promise.all([buildUser(im), buildUser(im)]);
    const { groupId, conversationId } = await buildGroup(im, owner, [member]);
    const state = (user: Person) => im.hot.conversations.member(conversationId, user.userId);
    await send(im, owner, conversationId);
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
    const { a, b, conversationId } = await buildFriends(im);
    await im.hot.conversations.invalidateMembers(conversationId);
    for (let i = 0; i < 10; i++) {
      const change = i % 2 === 0 ? "friend.block" : "friend.unblock";
      await Promise.allSettled([
        send(im, a, conversationId),
        im.node.as(b.userId, change, { userId: a.userId }),
        im.hot.conversations.invalidateMembers(conversationId),
      ]);
      assert.equal(await errorType(send(im, a, conversationId)), i % 2 === 0 ? "CANNOT_MESSAGE" : "");
    }
    assert.equal(conversationId, directConversationId(a.userId, b.userId));
  });
});
