import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Message } from "../../contracts/entities.ts";
import { MAX_FAVORITES } from "../../contracts/limits.ts";
import { DELETED_NAME } from "../../lib/erased-words.ts";
import { errorType } from "../support/accounts.ts";
import { dataOf } from "../support/client.ts";
import { createErasedChat, secret } from "../support/erased-chat.ts";
import { holdTransactions } from "../support/faults.ts";
import { befriend, buildUser, clientMsgId, startIm, text, type Im } from "../support/im.ts";
import { edit, recall, send, type Person, type Sent } from "../support/messages.ts";
import { buildCrew, buildFriends } from "../support/people.ts";
import { newId } from "../support/records.ts";
import { tablesWith } from "../support/tables.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

type MessageId = Pick<Sent, "messageId">;
const keep = (by: Person, { messageId }: MessageId) => im.node.as(by.userId, "message.addFavorite", { messageId });
const drop = (by: Person, favoriteId: string) => im.node.as(by.userId, "message.removeFavorite", { favoriteId });
const kept = async (by: Person) => (await im.node.as(by.userId, "message.favorites", { limit: 100 })).items;

describe("favorites", () => {
  it("keep what a message says, once, newest first, for one user alone", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [first, second] = [await send(im, a, conversationId, "first"), await send(im, b, conversationId, "second")];
    const before = Date.now();
    const favorite = await keep(b, first);
    assert.deepEqual(favorite.message, { ...first, senderId: a.userId, type: "text", content: { text: "first" } });
    assert.ok(favorite.createdAt >= before);
    assert.deepEqual(await keep(b, first), favorite);
    const [one, other] = await Promise.all([keep(b, second), keep(b, second)]);
    assert.deepEqual(one, other);
    assert.deepEqual(await kept(b), [one, favorite]);
    assert.deepEqual(await kept(a), []);
    assert.equal(await errorType(drop(a, favorite.favoriteId)), "FAVORITE_NOT_FOUND");
    await drop(b, favorite.favoriteId);
    assert.equal(await errorType(drop(b, favorite.favoriteId)), "FAVORITE_NOT_FOUND");
    assert.deepEqual(await kept(b), [one]);
    assert.notEqual((await keep(b, first)).favoriteId, favorite.favoriteId);
  });

  it("are paged", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    for (let i = 1; i <= 5; i++) await keep(b, await send(im, a, conversationId, String(i)));
    const texts: unknown[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await im.node.as(b.userId, "message.favorites", { limit: 2, ...(cursor !== undefined && { cursor }) });
      texts.push(page.items.map(({ message }) => message.content["text"]));
      cursor = page.nextCursor;
    }
    assert.deepEqual(texts, [["5", "4"], ["3", "2"], ["1"]]);
    assert.equal(await errorType(im.node.as(b.userId, "message.favorites", { cursor: "0" })), "VALIDATION");
  });

  it("stay as they were when the message is edited, deleted for me, or out of reach", async () => {
    const { owner, member, groupId, conversationId } = await buildCrew(im);
    const sent = await send(im, owner, conversationId, "as it was");
    const favorite = await keep(member, sent);
    await edit(im, owner, sent, "as it is");
    await im.node.as(member.userId, "message.deleteForMe", { messageId: sent.messageId });
    await im.node.as(member.userId, "group.removeMember", { groupId, userId: member.userId });
    await im.settled();
    assert.deepEqual(await kept(member), [favorite]);
    assert.deepEqual(await keep(member, sent), favorite, "also when it is kept again");
  });

  it("lose their words when the message is recalled, whoever keeps it", async () => {
    const { owner, admin, member, conversationId } = await buildCrew(im);
    const words = secret();
    const sent = await send(im, owner, conversationId, words);
    for (const who of [admin, member]) await keep(who, sent);
    const { recalledAt } = await recall(im, owner, sent);
    assert.deepEqual(await tablesWith(im.sql, words), []);
    for (const who of [admin, member]) {
      const [favorite] = await kept(who);
      assert.deepEqual([favorite!.message.content, favorite!.message.recalledAt], [{}, recalledAt]);
    }
    assert.equal(await errorType(keep(owner, sent)), "MESSAGE_RECALLED");
  });

  it("never keep what is recalled at the same time", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    for (let i = 0; i < 10; i++) {
      const sent = await send(im, a, conversationId, `words ${i}`);
      const works = [recall(im, a, sent), keep(b, sent)];
      await Promise.allSettled(i % 2 === 0 ? works : works.toReversed());
      assert.ok((await kept(b)).every(({ message }) => message.recalledAt !== undefined && !("text" in message.content)));
    }
  });

  it("are of messages that one can see, and of none of the system", async () => {
    const { a, conversationId } = await buildFriends(im);
    const outsider = await buildUser(im);
    const sent = await send(im, a, conversationId);
    for (const one of [sent, { messageId: newId() }]) assert.equal(await errorType(keep(outsider, one)), "MESSAGE_NOT_FOUND");
    const { owner, conversationId: group } = await buildCrew(im);
    const [system] = (await im.node.as(owner.userId, "message.history", { conversationId: group, limit: 1 })).items;
    assert.equal(await errorType(keep(owner, system as Message)), "VALIDATION");
    assert.deepEqual(await kept(outsider), []);
  });

  it("are at most so many, also when two come at once", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const rows = Array.from({ length: MAX_FAVORITES - 1 }, (_, i) => ({
      ...{ favorite_id: newId(), user_id: b.userId, conversation_id: "g_1", seq: i + 1, message_id: newId(), sender_id: "7" },
      ...{ type: "text", content: "{}", sent_at: 1, recalled_at: null, created_at: 1 },
    }));
    for (let at = 0; at < rows.length; at += 500) await im.sql.insertRows("favorite", rows.slice(at, at + 500), "fail");
    const sent = [await send(im, a, conversationId), await send(im, a, conversationId)];
    const outcomes = await Promise.all(sent.map((one) => errorType(keep(b, one))));
    assert.deepEqual(outcomes.sort(), ["", "TOO_MANY_FAVORITES"]);
  });

  it("stand in the export, and go with the account", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const words = secret();
    const favorite = await keep(b, await send(im, a, conversationId, words));
    const exported = await dataOf(b.rest.get<{ favorites: unknown[] }>("/users/me/export"));
    assert.deepEqual(exported.favorites, [favorite]);
    await im.node.as(b.userId, "user.deleteMe", {});
    await im.settled();
    assert.deepEqual(await tablesWith(im.sql, words), ["message"]);
  });
});

describe("favorites of what somebody said whose account is deleted", () => {
  it("lose the words, also those inside of forwards, and nothing else", async () => {
    const chat = await createErasedChat(im);
    const { gone, other, conversationId } = chat;
    const words = secret();
    const mine = await chat.send(text(conversationId, words));
    const theirs = await chat.send(text(conversationId, "stays"), other);
    const third = await buildUser(im);
    const forward = await chat.send(
      {
        ...{ conversationId: await befriend(im, other, third), clientMsgId: clientMsgId(), type: "forward" },
        content: { title: "both", items: [mine.messageId, theirs.messageId] },
      },
      other,
    );
    await keep(other, mine);
    for (const who of [other, third]) await keep(who, forward);
    assert.deepEqual(await tablesWith(im.sql, words), ["favorite", "message"]);
    await chat.erase();
    assert.deepEqual(await tablesWith(im.sql, words), []);
    const [kept3rd] = await kept(third);
    assert.partialDeepStrictEqual(kept3rd!.message.content, {
      title: "both",
      items: [
        { senderId: gone.userId, senderName: DELETED_NAME, content: {} },
        { senderId: other.userId, content: { text: "stays" } },
      ],
    });
    assert.deepEqual(
      (await kept(other)).map(({ message }) => [message.type, typeof message.recalledAt]),
      [
        ["forward", "undefined"],
        ["text", "number"],
      ],
    );
  });

  it("are not made with a request that was on its way", async () => {
    const chat = await createErasedChat(im);
    const words = secret();
    const theirs = await chat.send(text(chat.conversationId, words));
    const mine = await chat.send(text(chat.conversationId, "mine"), chat.other);
    const held = holdTransactions(im.sql, 2);
    const outcomes = [held.of(() => errorType(keep(chat.other, theirs))), held.of(() => errorType(keep(chat.gone, mine)))];
    await held.reached;
    await chat.erase();
    held.release();
    assert.deepEqual(await Promise.all(outcomes), ["MESSAGE_RECALLED", "SESSION_ENDED"]);
    assert.deepEqual([await tablesWith(im.sql, words), await kept(chat.gone)], [[], []]);
  });
});
