import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Message } from "../../contracts/entities.ts";
import { errorType } from "../support/accounts.ts";
import { createErasedChat, nothingPending, secret, sendWords } from "../support/erased-chat.ts";
import { breakMessages, holdMessages, refuseText } from "../support/faults.ts";
import { befriend, buildUser, clientMsgId, startIm, text } from "../support/im.ts";
import { tablesWith } from "../support/tables.ts";
import { waitFor } from "../support/wait.ts";

describe("words of an account that is erased while they are on their way", () => {
  it("are not written, and nobody hears of them, when the persister had them in its hands", async () => {
    await using im = await startIm({ compensateEveryMs: 3_600_000 });
    const chat = await createErasedChat(im);
    const reader = await im.connect({ token: chat.other.token });
    const words = secret();
    const { held, release } = holdMessages(im.sql);
    const sending = errorType(sendWords(chat, words));
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
    const chat = await createErasedChat(im);
    const third = await buildUser(im);
    const theirs = await befriend(im, chat.other, third);
    const words = secret();
    const { held, release } = holdMessages(im.sql);
    const sent = [chat.im.node.as(third.userId, "message.send", text(theirs, "first"))];
    await held;
    const sending = errorType(sendWords(chat, words));
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
    const chat = await createErasedChat(im);
    const reader = await im.connect({ token: chat.other.token });
    const words = secret();
    const repair = breakMessages(im.sql);
    assert.equal(await errorType(sendWords(chat, words)), "SEND_FAILED");
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
    const chat = await createErasedChat(im);
    const words = secret();
    const lift = await refuseText(im.sql, words);
    assert.equal(await errorType(sendWords(chat, words)), "SEND_FAILED");
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
    const chat = await createErasedChat(im);
    const words = secret();
    await refuseText(im.sql, words);
    const bury = im.log.bury.bind(im.log);
    const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    im.log.bury = async (letters) => {
      reached.resolve();
      await gate.promise;
      return bury(letters);
    };
    const sending = errorType(sendWords(chat, words));
    await reached.promise;
    await chat.erase();
    gate.resolve();
    assert.equal(await sending, "SEND_FAILED");
    assert.deepEqual(await tablesWith(im.sql, words), []);
    assert.deepEqual(await im.node.call("persister.deadLetters", { limit: 10 }), []);
  });

  it("are given up without a dead letter and without an alert", { timeout: 30_000 }, async () => {
    await using im = await startIm({ compensateEveryMs: 3_600_000 });
    const chat = await createErasedChat(im);
    const words = secret();
    const { held, release } = holdMessages(im.sql);
    const sending = errorType(sendWords(chat, words));
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
    const chat = await createErasedChat(im);
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
