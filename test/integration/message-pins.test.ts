import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { MAX_PINS } from "../../contracts/limits.ts";
import type { Message } from "../../contracts/entities.ts";
import { errorType } from "../support/accounts.ts";
import { addToGroup, buildUser, startIm, type Im } from "../support/im.ts";
import { react, recall, rowsOf, send, shown, type Person, type Sent } from "../support/messages.ts";
import { buildCrew, buildFriends } from "../support/people.ts";
import { SyncClient } from "../support/sync-client.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

type MessageId = Pick<Sent, "messageId">;
const pin = (by: Person, { messageId }: MessageId) => im.node.as(by.userId, "message.pin", { messageId });
const unpin = (by: Person, { messageId }: MessageId) => im.node.as(by.userId, "message.unpin", { messageId });
const pins = async (by: Person, conversationId: string) =>
  (await im.node.as(by.userId, "message.pins", { conversationId })).items;
const idsOf = (items: readonly MessageId[]): string[] => items.map(({ messageId }) => messageId);
/** What the change log says of a message. */
const changesOf = ({ messageId }: MessageId) =>
  im.sql.select("select type, user_id from change_log where message_id = :messageId order by position", { messageId });
const lastOf = async (by: Person, conversationId: string): Promise<Message> =>
  (await im.node.as(by.userId, "message.history", { conversationId, limit: 1 })).items[0] as Message;

describe("pinned messages", () => {
  it("are pinned by either of two people, once, and listed the last pinned first", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [first, second] = [await send(im, a, conversationId, "first"), await send(im, a, conversationId, "second")];
    const before = Date.now();
    const pinned = await pin(b, second);
    assert.ok(pinned.pinnedAt! >= before);
    assert.deepEqual(await pin(a, second), pinned, "as it was");
    await im.sql.execute("update message_pin set pinned_at = pinned_at - 5 where conversation_id = :conversationId", {
      conversationId,
    });
    await pin(a, first);
    const listed = await pins(a, conversationId);
    assert.deepEqual(
      listed.map(({ content, pinnedBy }) => [content["text"], pinnedBy]),
      [
        ["first", a.userId],
        ["second", b.userId],
      ],
    );
    assert.equal((await shown(im, a, first))!.pinnedAt, listed[0]!.pinnedAt);
    assert.equal((await unpin(b, first)).pinnedAt, undefined);
    await unpin(b, first);
    assert.deepEqual(idsOf(await pins(b, conversationId)), [second.messageId]);
    assert.deepEqual(await changesOf(first), [
      { type: "pinned", user_id: null },
      { type: "pinned", user_id: null },
    ]);
    await im.settled();
    assert.equal((await lastOf(a, conversationId)).seq, second.seq, "nothing is said of it");
  });

  it("of a group are pinned by owner and admins, and a system message says so, once", async () => {
    const { owner, admin, member, conversationId } = await buildCrew(im);
    const sent = await send(im, member, conversationId);
    assert.equal(await errorType(pin(member, sent)), "ROLE_FORBIDS");
    await pin(admin, sent);
    await pin(owner, sent);
    await im.settled();
    const said = await lastOf(member, conversationId);
    assert.deepEqual(
      [said.seq, said.type, said.content],
      [sent.seq + 1, "system", { event: "message.pinned", actorId: admin.userId, messageId: sent.messageId }],
    );
    const [event] = await im.sql.select<{ event_id: string }>(
      "select event_id from outbox where subject = 'im.message.pinned' and event_key = :conversationId",
      { conversationId },
    );
    assert.equal(said.clientMsgId, `ev-${event!.event_id}`, "so that the event may come again");
    assert.equal(await errorType(unpin(member, sent)), "ROLE_FORBIDS");
    await unpin(owner, sent);
    await im.settled();
    assert.equal((await lastOf(member, conversationId)).seq, said.seq);
    assert.equal(await errorType(pin(owner, said)), "NOT_EDITABLE");
  });

  it("tell everybody in the conversation", async () => {
    const { owner, member, conversationId } = await buildCrew(im);
    await using client = await im.connect({ token: member.token });
    const sent = await send(im, owner, conversationId);
    const pinned = await pin(owner, sent);
    const isOf = ({ messageId }: Message): boolean => messageId === sent.messageId;
    assert.equal((await client.next<Message>("message:updated", isOf)).pinnedAt, pinned.pinnedAt);
    await unpin(owner, sent);
    assert.equal((await client.next<Message>("message:updated", isOf)).pinnedAt, undefined);
  });

  it("are at most so many, also when many come at once; who takes one away may pin another", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sent = await Promise.all(Array.from({ length: MAX_PINS + 3 }, () => send(im, a, conversationId)));
    const outcomes = await Promise.all(sent.map((one, i) => errorType(pin(i % 2 === 0 ? a : b, one))));
    assert.equal(outcomes.filter((type) => type === "").length, MAX_PINS);
    assert.deepEqual(new Set(outcomes), new Set(["", "TOO_MANY_PINS"]));
    assert.equal((await pins(a, conversationId)).length, MAX_PINS);
    const [isIn, isOut] = [sent[outcomes.indexOf("")]!, sent[outcomes.indexOf("TOO_MANY_PINS")]!];
    await pin(a, isIn);
    await unpin(a, isIn);
    await pin(a, isOut);
    assert.equal(await errorType(pin(a, isIn)), "TOO_MANY_PINS");
  });

  it("are gone when they are recalled, or their author's account is deleted", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [recalled, erased, kept] = [
      await send(im, a, conversationId),
      await send(im, a, conversationId),
      await send(im, b, conversationId),
    ];
    for (const one of [recalled, erased, kept]) await pin(b, one);
    assert.equal((await recall(im, a, recalled)).pinnedAt, undefined);
    assert.equal(await errorType(pin(b, recalled)), "MESSAGE_RECALLED");
    assert.deepEqual(idsOf(await pins(b, conversationId)).sort(), idsOf([erased, kept]).sort());
    await im.node.as(a.userId, "user.deleteMe", {});
    await im.settled();
    assert.deepEqual(idsOf(await pins(b, conversationId)), [kept.messageId]);
    assert.deepEqual(await rowsOf(im, "message_pin", erased), []);
  });

  it("never survive a recall at the same time", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    for (let i = 0; i < 10; i++) {
      const sent = await send(im, a, conversationId);
      const works = [recall(im, a, sent), pin(b, sent)];
      await Promise.allSettled(i % 2 === 0 ? works : works.toReversed());
      assert.deepEqual(await rowsOf(im, "message_pin", sent), []);
    }
  });

  it("are those that one can see", async () => {
    const { owner, member, other, groupId, conversationId } = await buildCrew(im);
    const [outsider, newcomer] = [await buildUser(im), await buildUser(im)];
    const sent = await send(im, owner, conversationId);
    await pin(owner, sent);
    await addToGroup(im, owner, groupId, [newcomer]);
    await im.node.as(member.userId, "message.deleteForMe", { messageId: sent.messageId });
    await im.node.as(owner.userId, "group.removeMember", { groupId, userId: other.userId });
    await im.settled();
    assert.deepEqual(idsOf(await pins(owner, conversationId)), [sent.messageId]);
    assert.deepEqual([await pins(newcomer, conversationId), await pins(member, conversationId)], [[], []]);
    for (const who of [outsider, other]) assert.equal(await errorType(pins(who, conversationId)), "GROUP_NOT_FOUND");
    for (const deed of [pin, unpin]) {
      assert.equal(await errorType(deed(other, sent)), "GROUP_NOT_FOUND");
      for (const who of [outsider, newcomer, member]) assert.equal(await errorType(deed(who, sent)), "MESSAGE_NOT_FOUND");
    }
  });

  it("are not for who has left: neither what was pinned afterwards, nor whether it still is", async () => {
    const { owner, other, groupId, conversationId } = await buildCrew(im);
    const [first, second] = [await send(im, owner, conversationId), await send(im, owner, conversationId)];
    const client = new SyncClient((request) => im.node.as(other.userId, "sync.pull", request));
    await pin(owner, first);
    await im.settled();
    assert.ok((await shown(im, other, first))!.pinnedAt);
    await client.sync();
    await react(im, owner, second, "👍");
    await im.node.as(owner.userId, "group.removeMember", { groupId, userId: other.userId });
    await im.settled();
    await unpin(owner, first);
    await pin(owner, second);
    assert.ok((await shown(im, owner, second))!.pinnedAt);
    for (const one of [first, second]) {
      assert.equal((await shown(im, other, one))!.pinnedAt, undefined);
      const { root } = await im.node.as(other.userId, "message.thread", { messageId: one.messageId });
      assert.equal(root.pinnedAt, undefined);
    }
    const fresh = await im.node.as(other.userId, "sync.pull", {});
    const fetched = await im.node.as(other.userId, "sync.messages", { conversationId, afterSeq: 0 });
    for (const items of [fresh.messages[conversationId]!.items, fetched.items]) {
      assert.ok(items.some((one) => "messageId" in one && one.messageId === second.messageId));
      assert.deepEqual(
        items.filter((one) => "pinnedAt" in one),
        [],
      );
    }
    const [answer] = await client.sync();
    assert.deepEqual(
      answer!.changes.map(({ type, messageId, message }) => [type, messageId, message?.pinnedAt]),
      [["reacted", second.messageId, undefined]],
    );
    for (let last = await lastOf(other, conversationId); last.seq > second.seq; last = await lastOf(other, conversationId))
      await im.node.as(other.userId, "message.deleteForMe", { messageId: last.messageId });
    const { items } = await im.node.as(other.userId, "conversation.list", {});
    const last = items.find((one) => one.conversationId === conversationId)?.lastMessage;
    assert.deepEqual([last?.messageId, last?.pinnedAt], [second.messageId, undefined]);
  });

  it("are not for those who may not write any more", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sent = await send(im, a, conversationId);
    await pin(a, sent);
    await im.node.as(b.userId, "friend.block", { userId: a.userId });
    for (const deed of [pin, unpin]) {
      assert.equal(await errorType(deed(a, sent)), "CANNOT_MESSAGE");
      assert.equal(await errorType(deed(b, sent)), "BLOCKED_BY_YOU");
    }
    assert.deepEqual(idsOf(await pins(a, conversationId)), [sent.messageId]);
  });
});
