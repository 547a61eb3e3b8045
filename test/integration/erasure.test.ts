import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Message } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import { DELETED_NAME } from "../../lib/erased-words.ts";
import { erasedAmong } from "../../mixins/message-log/index.ts";
import { errorType } from "../support/accounts.ts";
import { breakMessages, holdMessages, refuseText } from "../support/faults.ts";
import { befriend, buildGroup, buildUser, clientMsgId, startIm, text, type Im, type TestUser } from "../support/im.ts";
import { intercept } from "../support/intercept.ts";
import { dumpTables, tablesWith } from "../support/tables.ts";
import { waitFor } from "../support/wait.ts";

/** Words that stand nowhere else. */
let said = 0;
const secret = (): string => `secret${++said}words`;

interface Chat {
  readonly im: Im;
  /** Whose account is erased. */
  readonly gone: TestUser;
  readonly other: TestUser;
  readonly conversationId: string;
  send(params?: Params<"message.send">, as?: TestUser): Promise<Message>;
  /** Erases the account; resolves when everybody has done their part. */
  erase(): Promise<void>;
  /** All that `other` reads. */
  history(): Promise<Message[]>;
}

async function createChat(im: Im): Promise<Chat> {
  const [gone, other] = [await buildUser(im), await buildUser(im)];
  const conversationId = await befriend(im, gone, other);
  return {
    im,
    gone,
    other,
    conversationId,
    async send(params = text(conversationId), { userId } = gone) {
      const { messageId } = await im.node.as(userId, "message.send", params);
      const { items } = await im.node.as(userId, "message.history", { conversationId: params.conversationId, limit: 100 });
      return items.find((item) => "messageId" in item && item.messageId === messageId) as Message;
    },
    async erase() {
      await im.node.as(gone.userId, "user.deleteMe", {});
      await im.settled();
      assert.equal((await erasedAmong(im.sql, [gone.userId])).size, 1);
    },
    async history() {
      return (await im.node.as(other.userId, "message.history", { conversationId, limit: 100 })).items as Message[];
    },
  };
}

const nothingPending = (im: Im): Promise<boolean> =>
  waitFor(async () => (await im.hot.conversations.pendingStats()).count === 0, "nothing is pending");
const sendTo = ({ im, gone, conversationId }: Chat, words: string): Promise<unknown> =>
  im.node.as(gone.userId, "message.send", text(conversationId, words));

describe("words of an account that is erased while they are on their way", () => {
  it("are not written, and nobody hears of them, when the persister had them in its hands", async () => {
    await using im = await startIm({ compensateEveryMs: 3_600_000 });
    const chat = await createChat(im);
    const reader = await im.connect({ token: chat.other.token });
    const words = secret();
    const { held, release } = holdMessages(im.sql);
    const sending = errorType(sendTo(chat, words));
    await held;
    await chat.erase();
    assert.deepEqual(await tablesWith(im.sql, words), []);

    release();
    assert.equal(await sending, "SEND_FAILED");
    await nothingPending(im);
    assert.deepEqual(await tablesWith(im.sql, words), []);
    assert.deepEqual(
      (await chat.history()).map(({ seq, content, recalledAt }) => [seq, content, typeof recalledAt]),
      [[1, {}, "number"]],
    );
    assert.deepEqual(reader.of<Message>("message:new"), []);
    assert.deepEqual(await im.node.call("persister.deadLetters", { limit: 10 }), []);
  });

  it("leave alone what others said in the same batch", async () => {
    await using im = await startIm();
    const chat = await createChat(im);
    const third = await buildUser(im);
    const theirs = await befriend(im, chat.other, third);
    const words = secret();
    const { held, release } = holdMessages(im.sql);
    const sent = [chat.im.node.as(third.userId, "message.send", text(theirs, "first"))];
    await held;
    const sending = errorType(sendTo(chat, words));
    sent.push(im.node.as(third.userId, "message.send", text(theirs, "second")));
    await waitFor(async () => (await im.hot.conversations.pendingStats()).count === 3, "three are pending");
    await chat.erase();
    release();
    assert.equal(await sending, "SEND_FAILED");
    assert.deepEqual(
      (await Promise.all(sent)).map(({ seq }) => seq),
      [1, 2],
    );
    assert.deepEqual(await tablesWith(im.sql, words), []);
  });

  it("are not written when the database comes back long after, nor by the compensator", { timeout: 30_000 }, async () => {
    await using im = await startIm({ compensateEveryMs: 3_600_000, compensateAfterMs: 10 });
    const chat = await createChat(im);
    const reader = await im.connect({ token: chat.other.token });
    const words = secret();
    const repair = breakMessages(im.sql);
    assert.equal(await errorType(sendTo(chat, words)), "SEND_FAILED");
    await chat.erase();
    repair();
    await waitFor(() => im.log.isAccepting(), "the log recovers");
    await waitFor(async () => (await im.node.call("persister.status", {}))["lag"] === 0, "the log is empty");
    await im.node.call("compensator.run", {});
    await nothingPending(im);
    assert.deepEqual(await tablesWith(im.sql, words), []);
    assert.deepEqual(reader.of<Message>("message:new"), []);
    assert.deepEqual(
      (await chat.history()).map(({ seq, content }) => [seq, content]),
      [[1, {}]],
    );
  });

  it("are not written by an operator who redrives them at that moment", async () => {
    await using im = await startIm();
    const chat = await createChat(im);
    const words = secret();
    const lift = await refuseText(im.sql, words);
    assert.equal(await errorType(sendTo(chat, words)), "SEND_FAILED");
    assert.deepEqual(await tablesWith(im.sql, words), ["dead_letter"]);
    await lift();
    const deadLetters = im.log.deadLetters.bind(im.log);
    const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    im.log.deadLetters = async (...page) => {
      const letters = await deadLetters(...page);
      reached.resolve(); // by whoever is about to have it accepted anew
      await gate.promise;
      return letters;
    };
    const redriven = im.node.call("persister.redrive", { limit: 10 });
    await reached.promise;
    await chat.erase();
    gate.resolve();
    assert.deepEqual(await redriven, { redriven: 0 });
    assert.deepEqual(await tablesWith(im.sql, words), []);
    assert.ok((await chat.history()).every(({ content }) => content === undefined || Object.keys(content).length === 0));
  });

  it("are kept by no dead letter that is made only then", async () => {
    await using im = await startIm();
    const chat = await createChat(im);
    const words = secret();
    await refuseText(im.sql, words);
    const bury = im.log.bury.bind(im.log);
    const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    im.log.bury = async (letters) => {
      reached.resolve();
      await gate.promise;
      return bury(letters);
    };
    const sending = errorType(sendTo(chat, words));
    await reached.promise;
    await chat.erase();
    gate.resolve();
    assert.equal(await sending, "SEND_FAILED");
    assert.deepEqual(await tablesWith(im.sql, words), []);
    assert.deepEqual(await im.node.call("persister.deadLetters", { limit: 10 }), []);
  });

  it("are given up without a dead letter and without an alert", { timeout: 30_000 }, async () => {
    await using im = await startIm({ compensateEveryMs: 3_600_000 });
    const chat = await createChat(im);
    const words = secret();
    const { held, release } = holdMessages(im.sql);
    const sending = errorType(sendTo(chat, words));
    await held;
    await chat.erase();
    const [pending] = await im.hot.conversations.pending(Date.now(), 1);
    assert.equal(pending?.content["text"], words);
    const buried = await im.node.call("persister.bury", { messageIds: [pending.messageId], reason: "given up" });
    assert.deepEqual(buried, { buried: 1 });
    assert.equal((await im.node.call("persister.status", {}))["dead"], 0);
    release();
    assert.equal(await sending, "SEND_FAILED");
    await nothingPending(im);
    assert.deepEqual(await tablesWith(im.sql, words), []);
  });

  it("stand in no forward that somebody makes of them at that moment", async () => {
    await using im = await startIm();
    const chat = await createChat(im);
    const words = secret();
    const { messageId } = await chat.send(text(chat.conversationId, words));
    const own = await befriend(im, chat.other, await buildUser(im));
    const { held, release } = holdMessages(im.sql);
    const forward = { title: "Look", items: [messageId] };
    const sending = im.node.as(chat.other.userId, "message.send", {
      conversationId: own,
      clientMsgId: clientMsgId(),
      type: "forward",
      content: forward,
    });
    await held;
    await chat.erase();
    release();
    assert.equal((await sending).seq, 1);
    assert.deepEqual(await tablesWith(im.sql, words), []);
  });
});

describe("an erased account", () => {
  let im: Im;
  before(async () => {
    im = await startIm();
  });
  after(() => im.stop());

  it("takes its reactions with it, and the others' counts are right", async () => {
    const chat = await createChat(im);
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
    const chat = await createChat(im);
    const { messageId } = await chat.send(text(chat.conversationId, "theirs"), chat.other);
    const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const transaction = im.sql.transaction.bind(im.sql);
    const restore = intercept(im.broker, "conversation.access", async (proceed) => {
      const access = await proceed();
      im.sql.transaction = async (work, options) => {
        im.sql.transaction = transaction;
        reached.resolve();
        await gate.promise;
        return transaction(work, options);
      };
      return access;
    });
    const reacting = errorType(im.node.as(chat.gone.userId, "message.react", { messageId, emoji: "👍" }));
    await reached.promise;
    restore();
    await chat.erase();
    gate.resolve();
    assert.equal(await reacting, "SESSION_ENDED");
    assert.equal((await chat.history())[0]?.reactions, undefined);
  });

  it("leaves no words in quotes and forwards, and the rest of a forward as it was", async () => {
    const chat = await createChat(im);
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

  it("leaves no words in dead letters of others, nor of its own, and theirs can be redriven", async () => {
    const chat = await createChat(im);
    const { other, conversationId } = chat;
    const words = secret();
    const mine = await chat.send(text(conversationId, words));
    const lift = await refuseText(im.sql, "unwelcome");
    const quote = text(conversationId, "unwelcome", { replyTo: mine.messageId });
    assert.equal(await errorType(im.node.as(other.userId, "message.send", quote)), "SEND_FAILED");
    assert.equal(await errorType(sendTo(chat, `unwelcome ${words}`)), "SEND_FAILED");
    assert.deepEqual(await tablesWith(im.sql, words), ["dead_letter", "message"]);
    await chat.erase();
    assert.deepEqual(await tablesWith(im.sql, words), []);
    await lift();
    assert.deepEqual(await im.node.call("persister.redrive", { limit: 10 }), { redriven: 1 });
    assert.deepEqual((await chat.history()).at(-1)?.content, { text: "unwelcome" });
  });

  it("leaves no words in durable events, relayed or given up", async () => {
    const chat = await createChat(im);
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
    const chat = await createChat(im);
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

    const dump = await dumpTables(im.sql);
    await im.node.call("message.eraseOf", { userId });
    assert.deepEqual(await dumpTables(im.sql), dump);
  });
});
