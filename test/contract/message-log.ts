import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MessageRecord } from "../../contracts/records.ts";
import { PERSISTER_GROUP, type BatchResult, type LogBatch, type MessageLog } from "../../mixins/message-log/port.ts";
import { buildRecord, buildRecords } from "../support/records.ts";
import { waitFor } from "../support/wait.ts";

export interface LogHarness {
  readonly log: MessageLog;
  readonly appendTimeoutMs: number;
  readonly maxBacklog: number;
  /** From now on appends neither succeed nor fail by themselves, until the returned function is called. */
  stall(): () => void;
  /** From now on whatever appends need is broken, until the returned function is called. */
  fail(): () => void;
  /** Closes the log and opens it anew on what it keeps, as a process that starts again. */
  reopen(): Promise<MessageLog>;
  cleanup(): Promise<void>;
}

/** A consumer that writes down what it gets. */
export interface Recorder {
  readonly batches: (readonly MessageRecord[])[];
  /** Ids of handled messages, in order, each as often as it came. */
  ids(): string[];
  stop(): Promise<void>;
}

export async function record(
  log: MessageLog,
  group: string,
  handle: (batch: LogBatch) => Promise<BatchResult | void> | BatchResult | void = () => undefined,
  maxBatch = 100,
): Promise<Recorder> {
  const batches: (readonly MessageRecord[])[] = [];
  const onBatch = async (batch: LogBatch): Promise<BatchResult | void> => {
    const result = await handle(batch);
    batches.push(batch.records);
    return result;
  };
  const { stop } = await log.consume({ group, maxBatch, onBatch });
  return { batches, stop, ids: () => batches.flat().map(({ messageId }) => messageId) };
}

const idsOf = (records: readonly MessageRecord[]): string[] => records.map(({ messageId }) => messageId);
const areOk = (outcomes: readonly { ok: boolean }[]): boolean => outcomes.every(({ ok }) => ok);

/** Every promise of `MessageLog`, for one implementation. */
export function messageLogContract(name: string, open: () => Promise<LogHarness>): void {
  const using = (work: (harness: LogHarness) => Promise<void>) => async () => {
    const harness = await open();
    await work(harness).finally(() => harness.cleanup());
  };

  describe(`message log on ${name}`, () => {
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
      "answers in the order of the records, and an append of nothing at once",
      using(async ({ log }) => {
        await record(log, PERSISTER_GROUP);
        assert.deepEqual(await log.append([]), []);
        assert.deepEqual(await log.append(buildRecords(3)), [{ ok: true }, { ok: true }, { ok: true }]);
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
      "answers within its deadline, to be tried again, when the outcome is not known",
      using(async ({ log, appendTimeoutMs, stall }) => {
        const seen = await record(log, PERSISTER_GROUP);
        const release = stall();
        const records = buildRecords(2);
        const startedAt = performance.now();
        const outcomes = await log.append(records);
        assert.ok(performance.now() - startedAt < appendTimeoutMs + 1_000);
        assert.ok(outcomes.length === 2 && outcomes.every((outcome) => !outcome.ok && outcome.retryable));
        release();
        assert.ok(areOk(await log.append(records)), "the same records again");
        await waitFor(() => new Set(seen.ids()).size === 2);
      }),
    );

    it(
      "tells of records that are in the log after their append was answered, unless they were appended again",
      using(async ({ log, stall }) => {
        const seen = await record(log, PERSISTER_GROUP);
        const late: MessageRecord[] = [];
        log.onLate((records) => late.push(...records));
        assert.ok(areOk(await log.append(buildRecords(1))));
        const release = stall();
        const [lost, awaited] = buildRecords(2);
        assert.ok((await log.append([lost!, awaited!])).every(({ ok }) => !ok));
        const again = log.append([awaited!]);
        release();
        assert.ok(areOk(await again));
        await waitFor(() => late.length && new Set(seen.ids()).size === 3);
        assert.deepEqual(idsOf(late), [lost!.messageId]);
      }),
    );

    it(
      "lets a record that is appended again while it is on its way share the fate of the first",
      using(async ({ log, stall }) => {
        await record(log, PERSISTER_GROUP);
        const release = stall();
        const [first, second] = buildRecords(2);
        const appends = [log.append([first!]), log.append([second!, first!]), log.append([first!])];
        release();
        assert.deepEqual(await Promise.all(appends), [[{ ok: true }], [{ ok: true }, { ok: true }], [{ ok: true }]]);
      }),
    );

    it(
      "takes no more than its backlog, says so beforehand, and takes again when that is worked off",
      using(async ({ log, maxBacklog, stall }) => {
        await record(log, PERSISTER_GROUP, undefined, 1_000);
        const release = stall();
        assert.equal(log.isAccepting(), true);
        const waiting = log.append(buildRecords(maxBacklog));
        assert.equal(log.isAccepting(), false);
        const [refused] = await log.append(buildRecords(1));
        assert.ok(refused && !refused.ok && refused.retryable);
        release();
        assert.ok(areOk(await waiting));
        assert.equal(log.isAccepting(), true);
        assert.ok(areOk(await log.append(buildRecords(1))));
      }),
    );

    it(
      "refuses at once when it has been failing for longer than a deadline, and recovers by itself",
      using(async ({ log, fail }) => {
        const seen = await record(log, PERSISTER_GROUP);
        const repair = fail();
        const lost = buildRecord();
        const [outcome] = await log.append([lost]);
        assert.ok(outcome && !outcome.ok && outcome.retryable);
        await waitFor(() => !log.isAccepting(), "the log says that it fails");
        const startedAt = performance.now();
        const [refused] = await log.append(buildRecords(1));
        assert.ok(refused && !refused.ok && refused.retryable);
        assert.ok(performance.now() - startedAt < 50, "at once");
        repair();
        await waitFor(() => log.isAccepting(), "the log recovers");
        assert.ok(areOk(await log.append([lost])));
        await waitFor(() => seen.ids().includes(lost.messageId));
      }),
    );

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

    it(
      "answers the trivial question while it is open, and refuses appends when it is closed",
      using(async ({ log, appendTimeoutMs }) => {
        const seen = await record(log, PERSISTER_GROUP);
        await log.ping();
        const running = log.append(buildRecords(3));
        await log.close();
        assert.ok(areOk(await running), "what was appended before is handled");
        assert.equal(seen.ids().length, 3);
        assert.equal(log.isAccepting(), false);
        await assert.rejects(log.ping());
        const startedAt = performance.now();
        const [late] = await log.append(buildRecords(1));
        assert.ok(late && !late.ok && late.retryable);
        assert.ok(performance.now() - startedAt < appendTimeoutMs / 2);
      }),
    );
  });
}
