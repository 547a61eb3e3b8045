import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Message } from "../../contracts/entities.ts";
import { advanceCursors } from "../../services/conversation/cursor-rows.ts";
import { persistBatch } from "../../services/persister/persist.ts";
import { PersistRepository } from "../../services/persister/repository.ts";
import { errorType } from "../support/accounts.ts";
import { BURN_AFTER_MS, isBurnt, readUpTo, runOut, sendBurning, timerOf } from "../support/burning.ts";
import { meetTransactions } from "../support/faults.ts";
import { clientMsgId, startIm, text, type Im } from "../support/im.ts";
import { recall, send, shown } from "../support/messages.ts";
import { buildCrew, buildFriends } from "../support/people.ts";
import { buildRecord } from "../support/records.ts";
import { runDue, scheduler } from "../support/scheduled.ts";
import { tablesWith } from "../support/tables.ts";
import { waitFor } from "../support/wait.ts";

let im: Im;
before(async () => void (im = await startIm({}, { services: [scheduler()] })));
after(() => im.stop());

/** What the change log says of a message. */
const changesOf = async (messageId: string): Promise<unknown[]> =>
  (await im.sql.select<{ type: string }>("select type from change_log where message_id = :messageId", { messageId })).map(
    ({ type }) => type,
  );

describe("a message that burns after reading", () => {
  it("burns by itself when its time after reading has run out, for both, on all devices and in no table", async () => {
    await using own = await startIm({}, { services: [scheduler(20)] });
    const { a, b, conversationId } = await buildFriends(own);
    const [writer, reader] = [await own.connect({ token: a.token }), await own.connect({ token: b.token })];
    const burnAfterMs = 3_000; // all that is said of it before must come in this time
    const sent = await send(own, a, conversationId, "burning words", { burnAfterMs });
    const isThis = ({ messageId }: Message): boolean => messageId === sent.messageId;
    assert.equal((await reader.next<Message>("message:new", isThis)).burnAfterMs, burnAfterMs);
    assert.equal((await shown(own, b, sent))?.burnsAt, undefined);
    const before = Date.now();
    await readUpTo(own, b, sent);
    const told = await writer.next<Message>("message:updated", (message) => isThis(message) && message.burnsAt !== undefined);
    assert.ok(told.burnsAt! >= before + burnAfterMs && told.burnsAt! <= Date.now() + burnAfterMs);
    assert.deepEqual([told.content, told.recalledAt], [{ text: "burning words" }, undefined]);
    assert.equal((await shown(own, b, sent))?.burnsAt, told.burnsAt);
    for (const client of [writer, reader]) {
      const gone = await client.next<Message>(
        "message:updated",
        (message) => isThis(message) && message.recalledAt !== undefined,
      );
      assert.deepEqual([gone.content, gone.burnsAt, gone.burnAfterMs], [{}, undefined, burnAfterMs]);
      assert.ok(gone.recalledAt! >= told.burnsAt! && gone.recalledAt! < told.burnsAt! + 2_000, String(gone.recalledAt));
    }
    assert.deepEqual(await tablesWith(own.sql, "burning words"), []);
  });

  it("waits for its reader: neither its sender's reading nor what is read before it starts its time", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const plain = await send(im, a, conversationId);
    const sent = await sendBurning(im, a, conversationId);
    await readUpTo(im, a, sent);
    await readUpTo(im, b, plain);
    await im.node.as(b.userId, "conversation.markDelivered", { conversationId, seq: sent.seq });
    assert.deepEqual(await timerOf(im, sent), { burnsAt: null });
    assert.equal(await timerOf(im, plain), undefined);
    await readUpTo(im, b, sent);
    const { burnsAt } = (await timerOf(im, sent))!;
    await send(im, a, conversationId).then((later) => readUpTo(im, b, later));
    assert.deepEqual(await timerOf(im, sent), { burnsAt }, "later reading moves nothing");
    await runDue(im);
    assert.equal(await isBurnt(im, b, sent), false);
    await runOut(im, sent);
    await runDue(im);
    for (const user of [a, b]) assert.equal(await isBurnt(im, user, sent), true);
    assert.deepEqual(await changesOf(sent.messageId), ["recalled"]);
    assert.equal(await timerOf(im, sent), undefined);
  });

  it("burns when its reader clears the conversation, answers, hides receipts, or has blocked its sender", async () => {
    const ways = {
      clear: ({ b, conversationId }) => im.node.as(b.userId, "conversation.clear", { conversationId }),
      answer: ({ b, conversationId }) => send(im, b, conversationId, "an answer"),
      hide: async ({ b }, sent) => {
        await im.node.as(b.userId, "settings.update", { showReadReceipts: false });
        await readUpTo(im, b, sent);
      },
      block: async ({ a, b }, sent) => {
        await im.node.as(b.userId, "friend.block", { userId: a.userId });
        await im.settled();
        await readUpTo(im, b, sent);
      },
    } satisfies Record<
      string,
      (of: Awaited<ReturnType<typeof buildFriends>>, sent: Awaited<ReturnType<typeof send>>) => Promise<unknown>
    >;
    for (const [name, way] of Object.entries(ways)) {
      const friends = await buildFriends(im);
      const sent = await sendBurning(im, friends.a, friends.conversationId);
      await way(friends, sent);
      await waitFor(async () => typeof (await timerOf(im, sent))?.burnsAt === "number", name);
      await runOut(im, sent, 5_000);
      await runDue(im);
      assert.equal(await isBurnt(im, friends.a, sent), true, name);
    }
  });

  it("tells its reader alone when it burns, where others may not know of the reading", async () => {
    for (const hide of ["receipts", "block"]) {
      const { a, b, conversationId } = await buildFriends(im);
      const sent = await sendBurning(im, a, conversationId);
      if (hide === "receipts") await im.node.as(b.userId, "settings.update", { showReadReceipts: false });
      else await im.node.as(b.userId, "friend.block", { userId: a.userId });
      await im.settled();
      const [writer, reader] = [await im.connect({ token: a.token }), await im.connect({ token: b.token })];
      await readUpTo(im, b, sent);
      await runDue(im);
      const told = await reader.next<Message>("message:updated");
      assert.ok(told.burnsAt! > Date.now(), hide);
      assert.deepEqual(
        [(await shown(im, b, sent))?.burnsAt, (await shown(im, a, sent))?.burnsAt],
        [told.burnsAt, undefined],
        hide,
      );
      await runOut(im, sent);
      await runDue(im);
      const burnt = await writer.next<Message>("message:updated");
      assert.deepEqual([burnt.content, typeof burnt.recalledAt, burnt.burnsAt], [{}, "number", undefined], hide);
    }
  });

  it("burns when it was read before its row was there", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    await readUpTo(im, b, await send(im, a, conversationId));
    await im.sql.execute(
      "update conversation_member set read_seq = 2, read_at = 5000 where user_id = :userId and conversation_id = :conversationId",
      { userId: b.userId, conversationId },
    );
    const sent = await sendBurning(im, a, conversationId);
    assert.deepEqual(await timerOf(im, sent), { burnsAt: 5_000 + BURN_AFTER_MS });
    await runDue(im);
    assert.equal(await isBurnt(im, b, sent), true, "its time had run out before it was there");
  });

  it("has its time started by the writing of its row or by its reader's cursor, whichever comes last", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const { seq } = await send(im, a, conversationId);
    const persister = new PersistRepository(im.sql);
    for (let next = seq + 1; next <= seq + 30; next++) {
      const record = buildRecord({ conversationId, senderId: a.userId, seq: next, burnAfterMs: BURN_AFTER_MS });
      const reading = { userId: b.userId, conversationId, readSeq: next, shownSeq: next, deliveredSeq: next, at: 5_000 };
      await Promise.all([persistBatch({ repository: persister, now: Date.now }, [record]), advanceCursors(im.sql, [reading])]);
      assert.deepEqual(await timerOf(im, { ...record, createdAt: 0 }), { burnsAt: 5_000 + BURN_AFTER_MS });
    }
  });

  it("is found by its reader's cursor, or by what they answered, when its time was never started", async () => {
    await using own = await startIm({}, { services: [scheduler()] });
    const { a, b, conversationId } = await buildFriends(own);
    const first = await sendBurning(own, a, conversationId);
    await readUpTo(own, b, first);
    const second = await sendBurning(own, a, conversationId);
    const { createdAt } = await send(own, b, conversationId, "an answer");
    await waitFor(async () => typeof (await timerOf(own, second))?.burnsAt === "number", "the cursor of who answered");
    const [{ burnsAt }] = [(await timerOf(own, first))!];
    await own.sql.execute("update burn_timer set burns_at = null, due_at = null");
    await own.sql.execute("update conversation_member set read_seq = 1 where user_id = :userId", { userId: b.userId });
    await runDue(own);
    assert.equal(typeof (await timerOf(own, first))?.burnsAt, "number");
    assert.ok(Math.abs((await timerOf(own, first))!.burnsAt! - burnsAt!) < BURN_AFTER_MS);
    assert.deepEqual(await timerOf(own, second), { burnsAt: createdAt + BURN_AFTER_MS });
  });

  it("is recalled as any other before it is read, and its timer goes with it", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sent = await sendBurning(im, a, conversationId);
    await recall(im, a, sent);
    assert.equal(await timerOf(im, sent), undefined);
    await readUpTo(im, b, sent);
    await runDue(im);
    assert.deepEqual(await changesOf(sent.messageId), ["recalled"]);
  });

  it("cannot be forwarded or kept, and is quoted without its words", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sent = await sendBurning(im, a, conversationId, "not to be repeated");
    const forward = { type: "forward" as const, content: { title: "Look", items: [sent.messageId] } };
    for (const by of [a, b])
      assert.equal(await errorType(im.node.as(by.userId, "message.send", { ...text(conversationId), ...forward })), "VALIDATION");
    for (const by of [a, b])
      assert.equal(await errorType(im.node.as(by.userId, "message.addFavorite", { messageId: sent.messageId })), "VALIDATION");
    const reader = await im.connect({ token: a.token });
    const reply = await send(im, b, conversationId, "what?", { replyTo: sent.messageId });
    const pushed = await reader.next<Message>("message:new", ({ messageId }) => messageId === reply.messageId);
    for (const message of [pushed, await shown(im, a, reply), await shown(im, b, reply)])
      assert.deepEqual([message?.replyTo?.preview, message?.replyTo?.withheld], ["", true]);
  });

  it("is for two people, and its time is part of what the key stands for", async () => {
    const { owner, conversationId: groupId } = await buildCrew(im);
    assert.equal(await errorType(sendBurning(im, owner, groupId)), "VALIDATION");
    const { a, conversationId } = await buildFriends(im);
    const sending = (more: object) => im.node.as(a.userId, "message.send", { ...text(conversationId), ...more });
    for (const burnAfterMs of [0, 999, 604_800_001, 1.5, "1000", null])
      assert.equal(await errorType(sending({ burnAfterMs })), "VALIDATION", String(burnAfterMs));
    const key = { clientMsgId: clientMsgId(), content: { text: "same" } };
    const first = await sending({ ...key, burnAfterMs: 5_000 });
    assert.deepEqual(await sending({ ...key, burnAfterMs: 5_000 }), first);
    assert.equal(await errorType(sending({ ...key, burnAfterMs: 6_000 })), "IDEMPOTENCY_CONFLICT");
    assert.equal(await errorType(sending(key)), "IDEMPOTENCY_CONFLICT");
  });

  it("burns although telling of others fails, and is tried again when burning fails", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [first, second] = [await sendBurning(im, a, conversationId), await sendBurning(im, a, conversationId)];
    await readUpTo(im, b, second);
    await runOut(im, first, 1);
    await runOut(im, second);
    let failures = 1;
    const met = meetTransactions(im.sql, (begin) =>
      failures-- > 0 ? Promise.reject(new Error("the database is away, says the test")) : begin(),
    );
    await assert.rejects(
      met.of(() => runDue(im)),
      /is away/,
    );
    met.restore();
    const burnt = [await isBurnt(im, b, first), await isBurnt(im, b, second)];
    assert.deepEqual(burnt.sort(), [false, true]);
    await runOut(im, first);
    await runOut(im, second);
    await runDue(im);
    assert.deepEqual([await isBurnt(im, b, first), await isBurnt(im, b, second)], [true, true]);
  });
});
