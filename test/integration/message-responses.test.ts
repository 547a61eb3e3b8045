import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { MAX_READERS_GROUP } from "../../contracts/limits.ts";
import type { Message } from "../../contracts/entities.ts";
import { errorType } from "../support/accounts.ts";
import { addToGroup, buildUser, startIm, type Im } from "../support/im.ts";
import { react, recall, rowsOf, send, shown, unreact, type Person, type Sent } from "../support/messages.ts";
import { buildCrew, buildFriends } from "../support/people.ts";

/** What others do with a message: they react, and they read it. */

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

describe("reactions", () => {
  it("are counted by kind, once for each user, and marked as mine for each viewer", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sent = await send(im, a, conversationId);
    await react(im, b, sent, "👍");
    await react(im, b, sent, "👍");
    await react(im, b, sent, "🎉");
    const seen = await react(im, a, sent, "👍");
    assert.deepEqual(seen.reactions, [
      { emoji: "👍", count: 2, userIds: [b.userId, a.userId], mine: true },
      { emoji: "🎉", count: 1, userIds: [b.userId], mine: false },
    ]);
    assert.deepEqual(
      (await shown(im, b, sent))!.reactions!.map(({ mine }) => mine),
      [true, true],
    );
    await unreact(im, b, sent, "👍");
    await unreact(im, b, sent, "👍");
    const left = await unreact(im, b, sent, "🎉");
    assert.deepEqual(left.reactions, [{ emoji: "👍", count: 1, userIds: [a.userId], mine: false }]);
    assert.deepEqual((await shown(im, a, sent))!.reactions, [{ emoji: "👍", count: 1, userIds: [a.userId], mine: true }]);
    assert.equal((await unreact(im, a, sent, "👍")).reactions, undefined);
  });

  it("are of a limited number of kinds, also when many come at once; one that is there is open to everybody", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sent = await send(im, a, conversationId);
    const outcomes = await Promise.all(Array.from({ length: 55 }, (_, index) => errorType(react(im, a, sent, `e${index}`))));
    assert.deepEqual([outcomes.filter((type) => type === "").length, new Set(outcomes)], [50, new Set(["", "VALIDATION"])]);
    const there = `e${outcomes.indexOf("")}`;
    assert.equal((await react(im, b, sent, there)).reactions!.find(({ emoji }) => emoji === there)!.count, 2);
  });

  it("are refused on what is recalled, on system messages, and from those who may not write", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [sent, recalled] = [await send(im, a, conversationId), await send(im, a, conversationId)];
    await recall(im, a, recalled);
    assert.equal(await errorType(react(im, b, recalled, "👍")), "MESSAGE_RECALLED");
    for (const emoji of ["", "a\u0000", "\ud800", "x".repeat(33)])
      assert.equal(await errorType(react(im, b, sent, emoji)), "VALIDATION", JSON.stringify(emoji));
    await im.node.as(a.userId, "friend.block", { userId: b.userId });
    assert.equal(await errorType(react(im, b, sent, "👍")), "CANNOT_MESSAGE");
    const { owner, conversationId: group } = await buildCrew(im);
    const [system] = (await im.node.as(owner.userId, "message.history", { conversationId: group, limit: 1 })).items;
    assert.equal(await errorType(react(im, owner, system as Message, "👍")), "NOT_EDITABLE");
  });

  it("never survive a recall at the same time", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    for (let i = 0; i < 10; i++) {
      const sent = await send(im, a, conversationId);
      const works = [recall(im, a, sent), react(im, b, sent, "👍")];
      await Promise.allSettled(i % 2 === 0 ? works : works.toReversed());
      assert.deepEqual(await rowsOf(im, "reaction", sent), []);
    }
  });
});

describe("readers", () => {
  const readers = (by: Person, { messageId }: Pick<Sent, "messageId">) => im.node.as(by.userId, "message.readers", { messageId });
  const read = (by: Person, { conversationId, seq }: Sent) =>
    im.node.as(by.userId, "conversation.markRead", { conversationId, seq });

  it("says who has read a message and who has not, without its sender, to any member", async () => {
    const { owner, admin, member, other, conversationId } = await buildCrew(im);
    const sent = await send(im, owner, conversationId);
    await read(member, sent);
    const before = Date.now();
    for (const asker of [owner, other]) {
      const { read: have, unread } = await readers(asker, sent);
      assert.deepEqual(
        have.map(({ userId }) => userId),
        [member.userId],
      );
      assert.ok(Math.abs(have[0]!.readAt - before) < 10_000);
      assert.deepEqual(new Set(unread), new Set([admin.userId, other.userId]));
    }
  });

  it("counts those who hide their receipts as not having read", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sent = await send(im, a, conversationId);
    await read(b, sent);
    assert.equal((await readers(a, sent)).read.length, 1);
    await im.node.as(b.userId, "settings.update", { showReadReceipts: false });
    assert.deepEqual(await readers(a, sent), { read: [], unread: [b.userId] });
  });

  it("leaves out those who came later, and keeps those who cleared their history", async () => {
    const { owner, admin, member, other, groupId, conversationId } = await buildCrew(im);
    const late = await buildUser(im);
    const sent = await send(im, owner, conversationId);
    await addToGroup(im, owner, groupId, [late]);
    await im.node.as(member.userId, "conversation.clear", { conversationId });
    const { read: have, unread } = await readers(owner, sent);
    assert.deepEqual(
      have.map(({ userId }) => userId),
      [member.userId],
    );
    assert.deepEqual(new Set(unread), new Set([admin.userId, other.userId]));
  });

  it("is not told in a group of more than 500", async () => {
    const { owner, member, groupId, conversationId } = await buildCrew(im);
    const sent = await send(im, owner, conversationId);
    await im.sql.execute("update im_group set member_count = :count where group_id = :groupId", {
      count: MAX_READERS_GROUP,
      groupId,
    });
    await readers(member, sent);
    await im.sql.execute("update im_group set member_count = :count where group_id = :groupId", {
      count: MAX_READERS_GROUP + 1,
      groupId,
    });
    assert.equal(await errorType(readers(member, sent)), "TOO_MANY_READERS");
  });
});
