import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Message } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import { DELETED_NAME } from "../../lib/erased-words.ts";
import { ErasureRepository, type ForwardKey } from "../../services/message/erasure-repository.ts";
import { errorType } from "../support/accounts.ts";
import { createErasedChat, secret, sendWords } from "../support/erased-chat.ts";
import { holdTransactions, refuseText } from "../support/faults.ts";
import { befriend, buildGroup, buildUser, clientMsgId, startIm, text, type Im } from "../support/im.ts";
import { assertUnchanged, dumpTables, sendersSettled, tablesWith } from "../support/tables.ts";

describe("an erased account", () => {
  let im: Im;
  before(async () => {
    im = await startIm();
  });
  after(() => im.stop());

  it("takes its reactions with it, and the others' counts are right", async () => {
    const chat = await createErasedChat(im);
    const { gone, other } = chat;
    const { messageId } = await chat.send(text(chat.conversationId, "theirs"), other);
    await im.node.as(gone.userId, "message.react", { messageId, emoji: "👍" });
    await im.node.as(gone.userId, "message.react", { messageId, emoji: "🎉" });
    await im.node.as(other.userId, "message.react", { messageId, emoji: "👍" });
    await chat.erase();
    const [message] = await chat.history();
    assert.deepEqual(message?.reactions, [{ emoji: "👍", count: 1, userIds: [other.userId], mine: true }]);
  });

  it("cannot react any more with a request that was on its way", async () => {
    const chat = await createErasedChat(im);
    const { messageId } = await chat.send(text(chat.conversationId, "theirs"), chat.other);
    const held = holdTransactions(im.sql);
    const reacting = held.of(() => errorType(im.node.as(chat.gone.userId, "message.react", { messageId, emoji: "👍" })));
    await held.reached;
    await chat.erase();
    held.release();
    assert.equal(await reacting, "SESSION_ENDED");
    assert.equal((await chat.history())[0]?.reactions, undefined);
  });

  it("leaves no words in quotes and forwards, and the rest of a forward as it was", async () => {
    const chat = await createErasedChat(im);
    const { gone, other } = chat;
    const words = secret();
    await im.node.as(gone.userId, "user.updateProfile", { nickname: `name of ${words}` });
    const mine = await chat.send(text(chat.conversationId, words));
    const theirs = await chat.send(text(chat.conversationId, "stays"), other);
    await chat.send(text(chat.conversationId, "quoting", { replyTo: mine.messageId }), other);
    const elsewhere = await befriend(im, other, await buildUser(im));
    const forward = (items: string[], title: string): Params<"message.send"> => ({
      conversationId: elsewhere,
      clientMsgId: clientMsgId(),
      type: "forward",
      content: { title, items },
    });
    const first = await chat.send(forward([mine.messageId, theirs.messageId], "first"), other);
    await chat.send(forward([first.messageId], "of the first"), other);
    assert.deepEqual(await tablesWith(im.sql, words), ["message", "user"]);
    await chat.erase();
    assert.deepEqual(await tablesWith(im.sql, words), []);

    const quote = (await chat.history()).at(-1);
    assert.deepEqual([quote?.content, quote?.replyTo?.preview], [{ text: "quoting" }, ""]);
    const { items } = await im.node.as(other.userId, "message.history", { conversationId: elsewhere });
    const [kept, nested] = items as Message[];
    assert.partialDeepStrictEqual(kept?.content, {
      title: "first",
      items: [
        { senderId: gone.userId, senderName: DELETED_NAME, type: "text", content: {} },
        { senderId: other.userId, type: "text", content: { text: "stays" } },
      ],
    });
    assert.deepEqual((nested?.content["items"] as Message[])[0]?.content, kept?.content);
  });

  it("takes its words out of forwards a few at a time, so that no statement brings many of them", async () => {
    const chat = await createErasedChat(im);
    const { gone, other, conversationId } = chat;
    const words = secret();
    const { messageId } = await chat.send(text(conversationId, words));
    const elsewhere = await befriend(im, other, await buildUser(im));
    for (let title = 1; title <= 7; title++)
      await im.node.as(other.userId, "message.send", {
        ...text(elsewhere, ""),
        ...{ type: "forward", content: { title: String(title), items: [messageId] } },
      });
    const brought: number[] = [];
    const select: typeof im.sql.select = async (...args) => {
      const rows = await im.sql.select<never>(...args);
      if (rows[0] && "content" in rows[0]) brought.push(rows.length);
      return rows;
    };
    const sql = Object.assign(Object.create(im.sql) as typeof im.sql, { dialect: im.sql.dialect, select });
    Object.assign(sql, { transaction: im.sql.transaction.bind(im.sql), execute: im.sql.execute.bind(im.sql) });
    const repository = new ErasureRepository(sql, { record: async () => undefined });
    const isLeft = async (title: number): Promise<boolean> => {
      const [row] = await im.sql.select<{ content: string }>(
        "select content from message where conversation_id = :elsewhere and seq = :title",
        { elsewhere, title },
      );
      return row!.content.includes(words);
    };
    let behind: ForwardKey | null = { conversationId: elsewhere, seq: 0 };
    for (const done of [3, 6]) {
      behind = await repository.scrubForwards(gone.userId, behind!, Date.now(), 3);
      assert.deepEqual(behind, { conversationId: elsewhere, seq: done });
      assert.deepEqual([await isLeft(done), await isLeft(done + 1)], [false, true]);
    }
    while (behind) behind = await repository.scrubForwards(gone.userId, behind, Date.now(), 3);
    assert.equal(await isLeft(7), false);
    assert.ok(Math.max(...brought) <= 3, `${brought.join(", ")} rows`);
  });

  it("leaves no words in dead letters of others, nor of its own, and theirs can be redriven", async () => {
    const chat = await createErasedChat(im);
    const { other, conversationId } = chat;
    const words = secret();
    const mine = await chat.send(text(conversationId, words));
    const lift = await refuseText(im.sql, "unwelcome");
    const quote = text(conversationId, "unwelcome", { replyTo: mine.messageId });
    assert.equal(await errorType(im.node.as(other.userId, "message.send", quote)), "SEND_FAILED");
    assert.equal(await errorType(sendWords(chat, `unwelcome ${words}`)), "SEND_FAILED");
    assert.deepEqual(await tablesWith(im.sql, words), ["dead_letter", "message"]);
    await chat.erase();
    assert.deepEqual(await tablesWith(im.sql, words), []);
    await lift();
    assert.deepEqual(await im.node.call("persister.redrive", { limit: 10 }), { redriven: 1 });
    assert.deepEqual((await chat.history()).at(-1)?.content, { text: "unwelcome" });
  });

  it("leaves no words in durable events, relayed or given up", async () => {
    const chat = await createErasedChat(im);
    const { gone } = chat;
    const words = secret();
    const stranger = await buildUser(im);
    await im.node.as(gone.userId, "friend.request", { userId: stranger.userId, message: `friend ${words}` });
    const { groupId } = await buildGroup(im, chat.other, [], { joinMode: "approval" });
    await im.node.as(gone.userId, "group.join", { groupId, message: `join ${words}` });
    await im.settled();
    assert.deepEqual(await tablesWith(im.sql, words), ["friend_request", "group_join_request"]);
    await chat.erase();
    assert.deepEqual(await tablesWith(im.sql, words), []);
  });

  it("is erased page by page, whatever it had hidden, edited or recalled, and a second time changes no byte", async () => {
    const chat = await createErasedChat(im);
    const { gone, other, conversationId } = chat;
    const words = secret();
    const count = 450;
    const emojis = ["👍", "🎉", "😀"];
    const own = Array.from({ length: count }, (_, index) => text(conversationId, `${words} ${index}`));
    const sent = await Promise.all(own.map((params) => im.node.as(gone.userId, "message.send", params)));
    const [first, second] = sent;
    await im.node.as(gone.userId, "message.edit", { messageId: first!.messageId, content: { text: `${words} again` } });
    await im.node.as(gone.userId, "message.recall", { messageId: second!.messageId });
    const theirs = await chat.send(text(conversationId, "theirs"), other);
    await im.node.as(gone.userId, "message.deleteForMe", { messageId: theirs.messageId });
    await im.sql.insertRows(
      "reaction",
      sent.flatMap(({ seq }) =>
        emojis.map((emoji) => ({
          conversation_id: `d_9_${other.userId}`,
          seq,
          emoji,
          user_id: gone.userId,
          created_at: 1,
        })),
      ),
      "fail",
    );
    await chat.erase();
    assert.deepEqual(await tablesWith(im.sql, words), []);
    const { userId } = gone;
    const left = async (sql: string) => Number((await im.sql.select<{ n: number }>(sql, { userId }))[0]?.n);
    assert.equal(await left("select count(*) as n from message where sender_id = :userId and recalled_at is not null"), count);
    assert.equal(await left("select count(*) as n from message where sender_id = :userId and body_hash <> ''"), 0);
    assert.equal(await left("select count(*) as n from reaction where user_id = :userId"), 0);
    assert.equal(await left("select count(*) as n from message_hidden where user_id = :userId"), 0);

    await sendersSettled(im.sql);
    const dump = await dumpTables(im.sql);
    await im.node.call("message.eraseOf", { userId });
    await assertUnchanged(im.sql, dump);
  });
});
