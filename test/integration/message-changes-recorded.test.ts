import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { MAX_REACTION_KINDS } from "../../contracts/limits.ts";
import { sharedChangeLog, type Change } from "../../mixins/change-log/index.ts";
import { errorType } from "../support/accounts.ts";
import { createErasedChat } from "../support/erased-chat.ts";
import { startIm, text, type Im } from "../support/im.ts";
import { edit, react, recall, rowsOf, send, shown, unreact, type Person, type Sent } from "../support/messages.ts";
import { buildCrew, buildFriends } from "../support/people.ts";
import { buildRecord } from "../support/records.ts";

let im: Im;
let changes: Awaited<ReturnType<typeof sharedChangeLog.acquire>>["changes"];
before(async () => {
  im = await startIm();
  ({ changes } = await sharedChangeLog.acquire(im.broker));
});
after(async () => {
  await sharedChangeLog.release(im.broker);
  await im.stop();
});

const deleteForMe = (by: Person, { messageId }: Sent) => im.node.as(by.userId, "message.deleteForMe", { messageId });

/** What was recorded in a conversation, as this user is told of it. */
const recorded = async (conversationId: string, userId: string): Promise<Change[]> =>
  changes.since({ after: 0, upTo: await changes.head(), conversationIds: [conversationId], userId, limit: 1_000 });
const brief = (entries: readonly Change[]) => entries.map(({ type, seq }) => [type, seq]);

describe("changes of messages", () => {
  it("are recorded once, whatever is repeated", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [first, second] = [await send(im, a, conversationId), await send(im, a, conversationId)];
    await edit(im, a, first, "other words");
    await react(im, b, first, "👍");
    await react(im, b, first, "👍");
    await unreact(im, b, first, "👍");
    await unreact(im, b, first, "👍");
    await Promise.allSettled([deleteForMe(b, first), deleteForMe(b, first)]);
    assert.equal(await errorType(deleteForMe(b, first)), "MESSAGE_NOT_FOUND");
    await recall(im, a, second);
    await recall(im, a, second);
    const entries = await recorded(conversationId, b.userId);
    assert.deepEqual(brief(entries), [
      ["edited", first.seq],
      ["reacted", first.seq],
      ["reacted", first.seq],
      ["deleted", first.seq],
      ["recalled", second.seq],
    ]);
    assert.deepEqual(
      entries.map(({ messageId, userId }) => [messageId, userId]),
      [first, first, first, first, second].map(({ messageId }, i) => [messageId, i === 3 ? b.userId : null]),
    );
    assert.ok(entries.every(({ at }) => Math.abs(at - Date.now()) < 60_000));
    assert.deepEqual(
      brief(await recorded(conversationId, a.userId)).filter(([type]) => type === "deleted"),
      [],
    );
  });

  it("are recorded in the order in which they happened, and each, when many come at one time", async () => {
    const { owner, admin, member, other, conversationId } = await buildCrew(im);
    const messages = await Promise.all([owner, admin, member, other].map((user) => send(im, user, conversationId)));
    await Promise.all(messages.flatMap((sent) => [owner, admin, member, other].map((user) => react(im, user, sent, "🙂"))));
    const entries = await recorded(conversationId, owner.userId);
    assert.equal(entries.length, 16);
    assert.deepEqual(new Set(entries.map(({ seq }) => seq)), new Set(messages.map(({ seq }) => seq)));
  });

  it("are not recorded when they are refused", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sent = await send(im, a, conversationId);
    const there = Array.from({ length: MAX_REACTION_KINDS }, (_, at) => ({
      conversation_id: sent.conversationId,
      seq: sent.seq,
      emoji: String.fromCodePoint(0x1f600 + at),
      user_id: a.userId,
      created_at: 1,
    }));
    await im.sql.insertRows("reaction", there, "fail");
    assert.equal(await errorType(react(im, b, sent, "👍")), "VALIDATION");
    assert.equal(await errorType(edit(im, b, sent, "mine")), "NOT_YOUR_MESSAGE");
    assert.deepEqual(await recorded(conversationId, b.userId), []);
  });

  it("do not happen when they cannot be recorded", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sent = await send(im, a, conversationId, "first words");
    await react(im, b, sent, "🎉");
    const record = changes.record.bind(changes);
    changes.record = () => Promise.reject(new Error("no place left"));
    try {
      const tried = await Promise.allSettled([
        edit(im, a, sent, "other words"),
        react(im, b, sent, "👍"),
        unreact(im, b, sent, "🎉"),
        deleteForMe(b, sent),
        recall(im, a, sent),
      ]);
      assert.ok(tried.every(({ status }) => status === "rejected"));
    } finally {
      changes.record = record;
    }
    const message = await shown(im, b, sent);
    assert.deepEqual(
      [message?.content, message?.editedAt, message?.recalledAt, message?.reactions],
      [{ text: "first words" }, undefined, undefined, [{ emoji: "🎉", count: 1, userIds: [b.userId], mine: true }]],
    );
    assert.deepEqual(await rowsOf(im, "message_edit", sent), []);
    assert.equal(
      (await im.sql.select("select 1 as one from outbox where event_key = :conversationId", { conversationId })).length,
      0,
    );
  });

  it("that bring the words of a held message back are recorded once", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sent = await send(im, a, conversationId, "held words");
    const [row] = await rowsOf(im, "message", sent);
    await im.sql.execute("update message set content = '{}' where message_id = :messageId", { messageId: sent.messageId });
    const record = buildRecord({
      conversationId,
      seq: sent.seq,
      messageId: sent.messageId,
      senderId: a.userId,
      clientMsgId: String(row!["client_msg_id"]),
      content: { text: "held words" },
    });
    for (let tries = 0; tries < 2; tries++)
      assert.equal((await im.node.call("message.readmit", { record: { ...record } }))?.seq, sent.seq);
    assert.deepEqual((await shown(im, b, sent))?.content, { text: "held words" });
    assert.deepEqual(brief(await recorded(conversationId, b.userId)), [["edited", sent.seq]]);
  });

  it("by an erasure are recorded where others see them", async () => {
    const chat = await createErasedChat(im);
    const { gone, other, conversationId } = chat;
    const theirs = await chat.send(text(conversationId, "theirs"), other);
    const words = await chat.send(text(conversationId, "words"));
    const taken = await chat.send(text(conversationId, "taken back"));
    for (const emoji of ["👍", "🎉"]) await react(im, gone, theirs, emoji);
    await recall(im, gone, taken);
    const forward = await chat.send(
      { ...text(conversationId), type: "forward", content: { title: "Look", items: [words.messageId] } },
      other,
    );
    const earlier = await recorded(conversationId, other.userId);
    assert.deepEqual(brief(earlier), [
      ["reacted", theirs.seq],
      ["reacted", theirs.seq],
      ["recalled", taken.seq],
    ]);
    await chat.erase();
    await im.node.call("message.eraseOf", { userId: gone.userId });
    const entries = (await recorded(conversationId, other.userId)).slice(earlier.length);
    assert.deepEqual(brief(entries), [
      ["recalled", words.seq],
      ["reacted", theirs.seq],
      ["edited", forward.seq],
    ]);
    assert.deepEqual(
      entries.map(({ userId }) => userId),
      [null, null, null],
    );
  });
});
