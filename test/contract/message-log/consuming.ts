import assert from "node:assert/strict";
import { it } from "node:test";
import { PERSISTER_GROUP, type LogBatch } from "../../../mixins/message-log/port.ts";
import { buildRecord, buildRecords } from "../../support/records.ts";
import { stopwatch } from "../../support/stopwatch.ts";
import { waitFor } from "../../support/wait.ts";
import { areOk, idsOf, record, type Using } from "./harness.ts";

/** How a group gets what was appended. */
export function consuming(using: Using): void {
  it(
    "hands what was appended to every group, each conversation in the order of appending",
    using(async ({ log }) => {
      const groups = await Promise.all([PERSISTER_GROUP, "search", "webhook"].map((group) => record(log, group, undefined, 7)));
      const conversations = [1, 2, 3].map(() => buildRecords(40));
      const appends = conversations[0]!.map((_, seq) => log.append(conversations.map((records) => records[seq]!)));
      assert.ok(areOk((await Promise.all(appends)).flat()));
      for (const group of groups) {
        await waitFor(() => group.ids().length >= 120, "all records");
        for (const records of conversations) {
          const seen = group.batches.flat().filter(({ conversationId }) => conversationId === records[0]!.conversationId);
          assert.deepEqual(idsOf(seen), idsOf(records));
        }
      }
    }),
  );

  it(
    "hands on the whole record as it was",
    using(async ({ log }) => {
      const seen = await record(log, PERSISTER_GROUP);
      const sent = buildRecord({
        content: { text: "\ud800 \u0000 😀 <script>", nested: { a: [1, null, true] } },
        replyTo: { messageId: "5", seq: 1, senderId: "7", type: "text", preview: "p" },
        mentions: ["all", "8"],
        requestId: "r",
        threadId: "5",
        burnAfterMs: 60_000,
      });
      await log.append([sent]);
      await waitFor(() => seen.batches.length);
      assert.deepEqual(seen.batches[0]![0], sent);
    }),
  );

  it(
    "gives no batch more records than the group takes",
    using(async ({ log }) => {
      const seen = await record(log, PERSISTER_GROUP, undefined, 10);
      await log.append(buildRecords(35));
      await waitFor(() => seen.ids().length >= 35);
      assert.ok(seen.batches.every(({ length }) => length <= 10));
    }),
  );

  it(
    "keeps what it said yes to across the end of the process",
    using(async ({ log, reopen }) => {
      const before = await record(log, PERSISTER_GROUP);
      const records = buildRecords(5);
      assert.ok(areOk(await log.append(records)));
      const after = await record(await reopen(), PERSISTER_GROUP);
      await waitFor(() => new Set([...before.ids(), ...after.ids()]).size === 5, "all five");
    }),
  );

  it(
    "hands a batch to a handler that threw again, and nothing behind it before",
    using(async ({ log }) => {
      const tries: string[][] = [];
      const seen = await record(
        log,
        PERSISTER_GROUP,
        ({ records }) => {
          tries.push(idsOf(records));
          if (tries.length <= 3) throw new Error("not now");
        },
        2,
      );
      const records = buildRecords(5);
      assert.ok(areOk(await log.append(records)));
      await waitFor(() => seen.ids().length >= 5);
      assert.deepEqual(tries.slice(1, 4), [tries[0], tries[0], tries[0]]);
      assert.deepEqual(seen.ids(), idsOf(records));
    }),
  );

  it(
    "holds up no other group by one whose handler throws",
    using(async ({ log }) => {
      let broken = true;
      const slow = await record(log, "search", () => {
        if (broken) throw new Error("not now");
      });
      const quick = await record(log, "webhook");
      await record(log, PERSISTER_GROUP);
      const records = buildRecords(3);
      assert.ok(areOk(await log.append(records)));
      await waitFor(() => quick.ids().length >= 3);
      assert.deepEqual(slow.ids(), []);
      broken = false;
      await waitFor(() => slow.ids().length >= 3);
      assert.deepEqual(slow.ids(), idsOf(records));
    }),
  );

  it(
    "counts what a group has not handled yet",
    using(async ({ log }) => {
      const gate = Promise.withResolvers<void>();
      await record(log, PERSISTER_GROUP);
      const slow = await record(log, "search", () => gate.promise, 2);
      assert.equal(await log.lag("search"), 0);
      await log.append(buildRecords(5));
      await waitFor(async () => (await log.lag("search")) === 5, "a lag of five");
      gate.resolve();
      await waitFor(async () => (await log.lag("search")) === 0, "no lag");
      assert.equal(slow.ids().length, 5);
    }),
  );

  it(
    "says when a group has handled what was in the log",
    using(async ({ log }) => {
      const gate = Promise.withResolvers<void>();
      await record(log, PERSISTER_GROUP);
      const slow = await record(log, "search", () => gate.promise, 2);
      assert.equal(await log.settled("search", 1_000), true, "nothing was in it");
      await log.append(buildRecords(5));
      await waitFor(async () => (await log.lag("search")) === 5, "a lag of five");
      const took = stopwatch();
      assert.equal(await log.settled("search", 300), false);
      assert.ok(took() < 1_300);
      const settled = log.settled("search", 5_000);
      gate.resolve();
      assert.equal(await settled, true);
      assert.equal(slow.ids().length, 5);
      assert.equal(await log.settled(PERSISTER_GROUP, 1_000), true);
    }),
  );

  it(
    "lets a running batch end when a group stops, hands it no other, and goes on where it stopped",
    using(async ({ log, stall }) => {
      const gate = Promise.withResolvers<void>();
      const entered = Promise.withResolvers<LogBatch>();
      const first = await record(log, "search", async (batch) => {
        entered.resolve(batch);
        await gate.promise;
      });
      await record(log, PERSISTER_GROUP);
      await log.append(buildRecords(1));
      const batch = await entered.promise;
      assert.equal(batch.isStale(), false);
      await batch.heartbeat();
      let isStopped = false;
      const stopping = first.stop().then(() => (isStopped = true));
      await waitFor(() => batch.isStale(), "the batch hears of it");
      assert.equal(isStopped, false, "not before the batch has ended");
      gate.resolve();
      await stopping;
      const release = stall();
      const later = buildRecords(2);
      const appended = log.append(later);
      release();
      await appended;
      const second = await record(log, "search");
      await waitFor(() => second.ids().length >= 2);
      assert.deepEqual(idsOf(later), second.ids().slice(-2));
      assert.equal(first.ids().length, 1);
    }),
  );
}
