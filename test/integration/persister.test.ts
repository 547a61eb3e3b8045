import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { APPEND_TIMEOUT_MS } from "../../config/limits.ts";
import type { Message } from "../../contracts/entities.ts";
import type { Result } from "../../contracts/index.ts";
import { errorType } from "../support/accounts.ts";
import { breakMessages, refuseText } from "../support/faults.ts";
import { befriend, buildUser, startIm, text, type Im, type TestUser } from "../support/im.ts";
import { waitFor } from "../support/wait.ts";

interface Chat extends AsyncDisposable {
  readonly im: Im;
  readonly a: TestUser;
  readonly b: TestUser;
  readonly conversationId: string;
  send(params?: ReturnType<typeof text>): Promise<Result<"message.send">>;
  /** Seqs and texts as `b` reads them; a void as its range. */
  history(): Promise<unknown[]>;
}

async function createChat(config: Parameters<typeof startIm>[0] = {}): Promise<Chat> {
  const im = await startIm({ compensateEveryMs: 3_600_000, ...config });
  const [a, b] = [await buildUser(im), await buildUser(im)];
  const conversationId = await befriend(im, a, b);
  return {
    im,
    a,
    b,
    conversationId,
    send: (params = text(conversationId)) => im.node.as(a.userId, "message.send", params),
    async history() {
      const { items } = await im.node.as(b.userId, "message.history", { conversationId, limit: 100 });
      return items.map((item) => ("toSeq" in item ? [item.seq, item.toSeq] : [item.seq, item.content["text"]]));
    },
    [Symbol.asyncDispose]: () => im.stop(),
  };
}
const rowCount = async ({ im, conversationId }: Chat): Promise<number> =>
  (await im.sql.select("select seq from message where conversation_id = :conversationId", { conversationId })).length;

describe("the database is away", () => {
  it(
    "fails sends within the deadline and then at once, and stores what was on its way in order when it is back",
    { timeout: 30_000 },
    async () => {
      await using chat = await createChat();
      const { im, conversationId, b } = chat;
      await chat.send(text(conversationId, "before"));
      const reader = await im.connect({ token: b.token });
      const repair = breakMessages(im.sql);

      const stuck = Array.from({ length: 5 }, (_, index) => text(conversationId, `stuck ${index}`));
      const startedAt = performance.now();
      assert.deepEqual(await Promise.all(stuck.map((one) => errorType(chat.send(one)))), Array(5).fill("SEND_FAILED"));
      const tookMs = performance.now() - startedAt;
      assert.ok(tookMs > APPEND_TIMEOUT_MS - 100 && tookMs < APPEND_TIMEOUT_MS + 1_500, `took ${tookMs} ms`);

      await waitFor(() => !im.log.isAccepting(), "the log says that it fails");
      const refusedAt = performance.now();
      assert.equal(await errorType(chat.send(text(conversationId, "refused"))), "SEND_FAILED");
      assert.ok(performance.now() - refusedAt < 500, "at once");
      assert.deepEqual(await chat.history(), [[1, "before"]], "nothing of what is not stored is shown");

      repair();
      await waitFor(() => im.log.isAccepting(), "the log recovers");
      assert.equal((await chat.send(text(conversationId, "after"))).seq, 7, "the refused one took no seq");
      const all = ["before", ...stuck.map((_, index) => `stuck ${index}`), "after"].map((words, index) => [index + 1, words]);
      assert.deepEqual(await chat.history(), all);
      const again = await Promise.all(stuck.map((one) => chat.send(one)));
      assert.deepEqual(
        again.map(({ seq }) => seq),
        [2, 3, 4, 5, 6],
      );
      assert.equal(await rowCount(chat), 7);
      assert.deepEqual(await im.hot.conversations.pendingStats(), { count: 0, oldestAt: null });

      await reader.next<Message>("message:new", ({ seq }) => seq === 7);
      assert.deepEqual(
        reader.of<Message>("message:new").map(({ seq }) => seq),
        [2, 3, 4, 5, 6, 7],
        "who is online hears of them, once",
      );
    },
  );

  it("does not fail a send over a short trouble", async () => {
    await using chat = await createChat();
    const repair = breakMessages(chat.im.sql);
    const sent = chat.send();
    await waitFor(async () => (await chat.im.hot.conversations.pendingStats()).count === 1, "the message is pending");
    repair();
    assert.equal((await sent).seq, 1);
  });

  it("has no conversation wait for ever for a message whose sender gave up", { timeout: 30_000 }, async () => {
    await using chat = await createChat();
    const repair = breakMessages(chat.im.sql);
    assert.equal(await errorType(chat.send(text(chat.conversationId, "given up"))), "SEND_FAILED");
    repair();
    await waitFor(async () => (await chat.im.hot.conversations.pendingStats()).count === 0, "nothing is pending");
    assert.equal((await chat.send(text(chat.conversationId, "next"))).seq, 2);
    assert.deepEqual(await chat.history(), [
      [1, "given up"],
      [2, "next"],
    ]);
    const [listed] = (await chat.im.node.as(chat.b.userId, "conversation.list", {})).items;
    assert.deepEqual([listed!.maxSeq, listed!.unread], [2, 2]);
  });
});

describe("a message that can never be stored", () => {
  it("is refused to its sender alone, leaves a void, and becomes a dead letter with its reason and an alert", async () => {
    await using chat = await createChat();
    const { im, conversationId } = chat;
    await refuseText(im.sql, "poison");
    const words = ["one", "poison", "two", "three"];
    const params = words.map((one) => text(conversationId, one));
    const outcomes = await Promise.all(params.map((one) => errorType(chat.send(one))));
    assert.deepEqual(outcomes, ["", "SEND_FAILED", "", ""]);
    assert.deepEqual(await chat.history(), [
      [1, "one"],
      [2, 2],
      [3, "two"],
      [4, "three"],
    ]);
    const letters = await im.node.call("persister.deadLetters", { limit: 10 });
    assert.deepEqual(
      letters.map(({ seq, clientMsgId }) => [seq, clientMsgId]),
      [[2, params[1]!.clientMsgId]],
    );
    assert.match(String(letters[0]!["reason"]), /refused by the test/);
    const alerts = await im.sql.select<{ payload: string }>(
      "select payload from outbox where subject = 'im.system.alert.triggered'",
    );
    assert.equal((JSON.parse(alerts[0]!.payload) as { alert: string }).alert, "dead_letter");
    const { dead, persisted, lag } = await im.node.call("persister.status", {});
    assert.deepEqual([dead, persisted, lag], [1, 3, 0]);
    assert.equal((await im.hot.conversations.pendingStats()).count, 0);
  });

  it("may be sent again under its clientMsgId, corrected", async () => {
    await using chat = await createChat();
    await refuseText(chat.im.sql, "poison");
    const poison = text(chat.conversationId, "poison");
    assert.equal(await errorType(chat.send(poison)), "SEND_FAILED");
    assert.equal(await errorType(chat.send(poison)), "SEND_FAILED");
    assert.equal((await chat.send({ ...poison, content: { text: "cured" } })).seq, 3);
    assert.deepEqual(await chat.history(), [
      [1, 2],
      [3, "cured"],
    ]);
  });

  it("is redriven to a new seq and shown once, and its dead letter is gone; one that is still poison stays", async () => {
    await using chat = await createChat();
    const { im, conversationId, b } = chat;
    const [lift] = [await refuseText(im.sql, "poison"), await refuseText(im.sql, "venom")];
    for (const words of ["venom", "poison", "poison"])
      assert.equal(await errorType(chat.send(text(conversationId, words))), "SEND_FAILED");
    await lift();
    const reader = await im.connect({ token: b.token });
    assert.deepEqual(await im.node.call("persister.redrive", { limit: 10 }), { redriven: 2 });
    const shown = (await chat.history()).filter((item) => typeof (item as unknown[])[1] === "string");
    assert.deepEqual(
      shown.map((item) => (item as unknown[])[1]),
      ["poison", "poison"],
    );
    assert.equal((await im.node.call("persister.deadLetters", { limit: 10 })).length, 1);
    assert.deepEqual(await im.node.call("persister.redrive", { limit: 10 }), { redriven: 0 });
    await waitFor(() => reader.of("message:new").length === 2, "both are pushed");
  });

  it("is gone with the account of its sender", async () => {
    await using chat = await createChat();
    const { im, a, b, conversationId } = chat;
    const lift = await refuseText(im.sql, "poison");
    assert.equal(await errorType(chat.send(text(conversationId, "poison"))), "SEND_FAILED");
    const theirs = im.node.as(b.userId, "message.send", text(conversationId, "poison too"));
    assert.equal(await errorType(theirs), "SEND_FAILED");
    await im.node.as(a.userId, "user.deleteMe", {});
    await im.settled();
    await lift();
    const letters = await im.node.call("persister.deadLetters", { limit: 10 });
    assert.deepEqual(
      letters.map(({ senderId }) => senderId),
      [b.userId],
    );
    assert.deepEqual(await im.node.call("persister.redrive", { limit: 10 }), { redriven: 1 });
  });

  it("is redriven once although its sender sent it again meanwhile", async () => {
    await using chat = await createChat();
    const lift = await refuseText(chat.im.sql, "poison");
    const poison = text(chat.conversationId, "poison");
    assert.equal(await errorType(chat.send(poison)), "SEND_FAILED");
    await lift();
    const { seq } = await chat.send(poison);
    assert.equal(seq, 2);
    await chat.im.node.call("persister.redrive", { limit: 10 });
    assert.deepEqual(await chat.history(), [
      [1, 1],
      [2, "poison"],
    ]);
    assert.deepEqual(await chat.im.node.call("persister.deadLetters", { limit: 10 }), []);
  });

  it("is redriven once although a redriven one is taken for it by its id", async () => {
    await using chat = await createChat({ compensateAfterMs: 10 });
    const lift = await refuseText(chat.im.sql, "poison");
    const poison = text(chat.conversationId, "poison");
    assert.equal(await errorType(chat.send(poison)), "SEND_FAILED");
    await lift();
    const repair = breakMessages(chat.im.sql);
    const redriving = chat.im.node.call("persister.redrive", { limit: 10 });
    await waitFor(async () => (await chat.im.hot.conversations.pendingStats()).count === 1, "it is pending anew");
    await waitFor(async () => (await chat.im.hot.conversations.pending(Date.now() - 20, 1)).length, "it is old enough");
    const compensating = chat.im.node.call("compensator.run", {});
    repair();
    await Promise.all([redriving, compensating]);
    assert.deepEqual(
      await chat.history(),
      [
        [1, 1],
        [2, "poison"],
      ],
      "its void is not the message",
    );
    assert.equal((await chat.im.hot.conversations.pendingStats()).count, 0);
  });
});

describe("message:persisted", () => {
  it("tells the sender, and nobody else, up to which seq all is in the database, once for many", async () => {
    await using chat = await createChat();
    const { im, a, b, conversationId } = chat;
    const [sender, reader] = [await im.connect({ token: a.token }), await im.connect({ token: b.token })];
    await Promise.all(Array.from({ length: 30 }, () => chat.send()));
    const told = await sender.next<{ conversationId: string; upToSeq: number }>(
      "message:persisted",
      ({ upToSeq }) => upToSeq === 30,
    );
    assert.deepEqual(told, { conversationId, upToSeq: 30 });
    assert.ok(sender.of("message:persisted").length <= 2);
    assert.deepEqual(reader.of("message:persisted"), []);
  });
});
