import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Message } from "../../contracts/entities.ts";
import type { AppendOutcome, MessageLog } from "../../mixins/message-log/port.ts";
import { errorType } from "../support/accounts.ts";
import { befriend, buildUser, startIm, text, type Im } from "../support/im.ts";
import { waitFor } from "../support/wait.ts";

/** Loses every append: the message stays pending, and nothing but the compensator will drive it. */
function loseAppends(log: MessageLog): () => void {
  const append = log.append.bind(log);
  log.append = async (records) =>
    records.map((): AppendOutcome => ({ ok: false, retryable: true, reason: "lost, says the test" }));
  return () => void (log.append = append);
}

async function createChat(im: Im) {
  const [a, b] = [await buildUser(im), await buildUser(im)];
  const conversationId = await befriend(im, a, b);
  const send = (params = text(conversationId)) => im.node.as(a.userId, "message.send", params);
  const seqs = async (): Promise<number[]> =>
    (await im.node.as(b.userId, "message.history", { conversationId })).items.map(({ seq }) => seq);
  return { a, b, conversationId, send, seqs };
}

describe("compensator", () => {
  it("drives by itself what stays pending, in order and under its own seq, and those who wait hear of it", async () => {
    await using im = await startIm({ compensateAfterMs: 50, compensateEveryMs: 20 });
    const { b, conversationId, send, seqs } = await createChat(im);
    const reader = await im.connect({ token: b.token });
    const find = loseAppends(im.log);
    const lost = [text(conversationId, "1"), text(conversationId, "2")];
    for (const one of lost) assert.equal(await errorType(send(one)), "SEND_FAILED");
    assert.deepEqual(await seqs(), []);
    find();
    await waitFor(async () => (await seqs()).length === 2, "both messages");
    for (const seq of [1, 2]) await reader.next<Message>("message:new", (message) => message.seq === seq);
    assert.deepEqual(
      (await Promise.all(lost.map(send))).map(({ seq }) => seq),
      [1, 2],
    );
    const status = () => im.node.call("compensator.status", {});
    // What is sent behind them is driven as well where storing it takes long.
    await waitFor(async () => (await status()).compensated === 2, "both to be counted");
    assert.equal((await send()).seq, 3);
    assert.deepEqual(await seqs(), [1, 2, 3]);
    assert.equal((await status()).pending, 0);
  });

  it("leaves alone what is young, and says what is pending and for how long", async () => {
    await using im = await startIm({ compensateAfterMs: 3_600_000, compensateEveryMs: 3_600_000 });
    const { send, seqs } = await createChat(im);
    const find = loseAppends(im.log);
    assert.equal(await errorType(send()), "SEND_FAILED");
    find();
    assert.deepEqual(await im.node.call("compensator.run", {}), { compensated: 0 });
    const { pending, oldestPendingAgeMs } = await im.node.call("compensator.status", {});
    assert.equal(pending, 1);
    assert.ok(oldestPendingAgeMs! >= 0 && oldestPendingAgeMs! < 60_000);
    assert.deepEqual(await seqs(), []);
  });

  it("keeps a later message hidden until the one before it is stored", async () => {
    await using im = await startIm({ compensateAfterMs: 10, compensateEveryMs: 3_600_000 });
    const { b, conversationId, send, seqs } = await createChat(im);
    const find = loseAppends(im.log);
    assert.equal(await errorType(send()), "SEND_FAILED");
    find();
    assert.equal((await send()).seq, 2);
    assert.deepEqual(await seqs(), [], "seq 1 may still come, and must not appear behind a reader's back");
    const [listed] = (await im.node.as(b.userId, "conversation.list", {})).items;
    assert.deepEqual(
      [listed?.maxSeq ?? 0, (await im.node.as(b.userId, "conversation.markRead", { conversationId, seq: 2 })).seq],
      [0, 0],
    );
    await waitFor(async () => (await im.node.call("compensator.run", {})).compensated === 1);
    assert.deepEqual(await seqs(), [1, 2]);
  });

  it("gives a message up after the last try: a void in its place, a dead letter, an alert, and it can be redriven", async () => {
    await using im = await startIm({ compensateAfterMs: 10, compensateEveryMs: 20, compensateTries: 3 });
    const { b, conversationId, send } = await createChat(im);
    const reader = await im.connect({ token: b.token });
    const find = loseAppends(im.log);
    const lost = text(conversationId, "lost");
    assert.equal(await errorType(send(lost)), "SEND_FAILED");
    await waitFor(async () => (await im.node.call("persister.status", {})).dead === 1, "it was given up");
    find();
    assert.equal((await send(text(conversationId, "later"))).seq, 2);
    const history = async () =>
      (await im.node.as(b.userId, "message.history", { conversationId })).items.flatMap((item) =>
        "messageId" in item ? [item.content] : [],
      );
    assert.deepEqual(await history(), [{ text: "later" }], "it is shown although seq 1 never came");
    const [letter] = await im.node.call("persister.deadLetters", { limit: 10 });
    assert.match(String(letter?.["reason"]), /pending after 3 tries/);
    const alerts = await im.sql.select("select payload from outbox where subject = 'im.system.alert.triggered'");
    assert.equal(alerts.length, 1);
    assert.deepEqual(await im.node.call("persister.redrive", { limit: 10 }), { redriven: 1 });
    await reader.next<Message>("message:new", ({ seq }) => seq === 3);
    assert.deepEqual(await history(), [{ text: "later" }, { text: "lost" }]);
    assert.equal((await send(lost)).seq, 3, "its sender gets the same answer");
  });

  it("leaves alone what the database has, although it is to be given up", async () => {
    await using im = await startIm({ compensateAfterMs: 3_600_000, compensateEveryMs: 3_600_000 });
    const { send, seqs } = await createChat(im);
    const { conversations } = im.hot;
    const persisted = conversations.persisted.bind(conversations);
    conversations.persisted = async () => undefined;
    const { messageId } = await send();
    conversations.persisted = persisted;
    assert.deepEqual(await im.node.call("persister.bury", { messageIds: [messageId, "404"], reason: "test" }), { buried: 0 });
    assert.deepEqual(await seqs(), [1]);
    assert.deepEqual(await im.node.call("persister.deadLetters", { limit: 10 }), []);
  });

  it("runs once at a time", async () => {
    await using im = await startIm({ compensateAfterMs: 10, compensateEveryMs: 3_600_000 });
    const { send, seqs } = await createChat(im);
    const find = loseAppends(im.log);
    assert.equal(await errorType(send()), "SEND_FAILED");
    find();
    await waitFor(async () => (await im.hot.conversations.pending(Date.now() - 20, 1)).length, "it is old enough");
    const runs = await Promise.all([1, 2, 3].map(() => im.node.call("compensator.run", {})));
    assert.deepEqual(runs, Array(3).fill({ compensated: 1 }));
    assert.equal((await im.node.call("compensator.status", {})).compensated, 1);
    assert.deepEqual(await seqs(), [1]);
  });
});
