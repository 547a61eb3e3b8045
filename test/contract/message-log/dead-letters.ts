import assert from "node:assert/strict";
import { it } from "node:test";
import { PERSISTER_GROUP, type BatchResult, type LogBatch } from "../../../mixins/message-log/port.ts";
import { buildRecords } from "../../support/records.ts";
import { waitFor } from "../../support/wait.ts";
import { idsOf, record, type Using } from "./harness.ts";

/** What becomes of records that can never be written. */
export function deadLetters(using: Using): void {
  it(
    "buries what can never be written with its reason, and goes on behind it",
    using(async ({ log, reopen }) => {
      const [good, poison, better] = buildRecords(3);
      const reject = ({ records }: LogBatch): BatchResult => ({
        rejected: records
          .filter(({ messageId }) => messageId === poison!.messageId)
          .map((one) => ({ record: one, reason: "too odd" })),
      });
      const seen = await record(log, PERSISTER_GROUP, reject);
      const outcomes = await log.append([good!, poison!, better!]);
      assert.deepEqual([outcomes[0], outcomes[2]], [{ ok: true }, { ok: true }]);
      await waitFor(() => seen.ids().includes(better!.messageId));
      await waitFor(async () => (await log.deadLetters(10)).length, "the dead letter");
      const letters = await log.deadLetters(10);
      assert.deepEqual(
        letters.map((letter) => [letter.record, letter.reason]),
        [[poison, "too odd"]],
      );
      assert.ok(Math.abs(letters[0]!.at - Date.now()) < 60_000);
      const again = await reopen();
      assert.deepEqual(await again.deadLetters(10), letters);
      await again.removeDeadLetters([poison!.messageId, "404"]);
      assert.deepEqual(await again.deadLetters(10), []);
    }),
  );

  it(
    "keeps what it is told to bury, once",
    using(async ({ log }) => {
      const [lost] = buildRecords(1);
      const letter = { record: lost!, reason: "given up", at: 5 };
      await log.bury([]);
      await log.bury([letter]);
      await log.bury([{ ...letter, reason: "again", at: 6 }]);
      assert.deepEqual(await log.deadLetters(10), [letter]);
    }),
  );

  it(
    "forgets what one user said, in their own dead letters and in what others answered to it",
    using(async ({ log }) => {
      const quote = { messageId: "5", seq: 1, senderId: "8", type: "text", preview: "their words" } as const;
      const [own] = buildRecords(1, { senderId: "8" });
      const [answer, other] = buildRecords(2, { senderId: "7", replyTo: quote });
      const others = { ...other!, replyTo: { ...quote, senderId: "9" } };
      await log.bury([own!, answer!, others].map((one, at) => ({ record: one, reason: "no", at })));
      await log.forgetDeadLetters("8");
      assert.deepEqual(
        (await log.deadLetters(10)).map((letter) => letter.record),
        [{ ...answer, replyTo: { ...quote, preview: "" } }, others],
      );
    }),
  );

  it(
    "refuses without a dead letter what must be forgotten",
    using(async ({ log }) => {
      const [gone, good] = buildRecords(2);
      const forget = ({ records }: LogBatch): BatchResult => ({
        rejected: records
          .filter(({ messageId }) => messageId === gone!.messageId)
          .map((one) => ({ record: one, reason: "gone", forget: true })),
      });
      const seen = await record(log, PERSISTER_GROUP, forget);
      const outcomes = await log.append([gone!, good!]);
      assert.deepEqual(outcomes[1], { ok: true });
      await waitFor(() => seen.ids().includes(good!.messageId));
      assert.deepEqual(await log.deadLetters(10), []);
    }),
  );

  it(
    "gives dead letters oldest first, at most as many as asked for",
    using(async ({ log }) => {
      const poison = buildRecords(5);
      await record(
        log,
        PERSISTER_GROUP,
        ({ records }) => ({ rejected: records.map((one) => ({ record: one, reason: "no" })) }),
        1,
      );
      for (const one of poison) await log.append([one]);
      await waitFor(async () => (await log.deadLetters(10)).length === 5);
      assert.deepEqual(idsOf((await log.deadLetters(2)).map((letter) => letter.record)).length, 2);
      await log.removeDeadLetters(idsOf(poison.slice(0, 3)));
      assert.deepEqual(
        new Set(idsOf((await log.deadLetters(10)).map((letter) => letter.record))),
        new Set(idsOf(poison.slice(3))),
      );
    }),
  );
}
