import assert from "node:assert/strict";
import { it } from "node:test";
import type { MessageRecord } from "../../../contracts/records.ts";
import { PERSISTER_GROUP } from "../../../mixins/message-log/port.ts";
import { buildRecord, buildRecords } from "../../support/records.ts";
import { stopwatch } from "../../support/stopwatch.ts";
import { waitFor } from "../../support/wait.ts";
import { areOk, idsOf, NEAR_MS, record, type Using } from "./harness.ts";

/** Of what waits for nothing. */
const AT_ONCE_MS = 50;

/** What whoever appends is told. */
export function appending(using: Using): void {
  it(
    "answers in the order of the records, and an append of nothing at once",
    using(async ({ log }) => {
      await record(log, PERSISTER_GROUP);
      assert.deepEqual(await log.append([]), []);
      assert.deepEqual(await log.append(buildRecords(3)), [{ ok: true }, { ok: true }, { ok: true }]);
    }),
  );

  it(
    "says yes when that is true which it acknowledges",
    using(async ({ log }) => {
      const gate = Promise.withResolvers<void>();
      const seen = await record(log, PERSISTER_GROUP, () => gate.promise);
      const appended = log.append(buildRecords(2));
      if (log.acknowledges === "persisted") gate.resolve();
      assert.ok(areOk(await appended));
      assert.equal(seen.ids().length, log.acknowledges === "persisted" ? 2 : 0);
      gate.resolve();
    }),
  );

  it(
    "answers within its deadline, to be tried again, when the outcome is not known",
    using(async ({ log, appendTimeoutMs, stall }) => {
      const seen = await record(log, PERSISTER_GROUP);
      const release = stall();
      const records = buildRecords(2);
      const took = stopwatch();
      const outcomes = await log.append(records);
      assert.ok(took() < appendTimeoutMs + 1_000);
      assert.ok(outcomes.length === 2 && outcomes.every((outcome) => !outcome.ok && outcome.retryable));
      release();
      assert.ok(areOk(await log.append(records)), "the same records again");
      await waitFor(() => new Set(seen.ids()).size === 2);
    }, NEAR_MS),
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
    }, NEAR_MS),
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
      const took = stopwatch();
      const [refused] = await log.append(buildRecords(1));
      assert.ok(refused && !refused.ok && refused.retryable);
      assert.ok(took() < AT_ONCE_MS, "at once");
      repair();
      await waitFor(() => log.isAccepting(), "the log recovers");
      assert.ok(areOk(await log.append([lost])));
      await waitFor(() => seen.ids().includes(lost.messageId));
    }, NEAR_MS),
  );

  it(
    "answers the trivial question while it is open, and refuses appends when it is closed",
    using(async ({ log }) => {
      const seen = await record(log, PERSISTER_GROUP);
      await log.ping();
      const running = log.append(buildRecords(3));
      await log.close();
      assert.ok(areOk(await running), "what was appended before is handled");
      assert.equal(seen.ids().length, 3);
      assert.equal(log.isAccepting(), false);
      await assert.rejects(log.ping());
      const took = stopwatch();
      const [late] = await log.append(buildRecords(1));
      assert.ok(late && !late.ok && late.retryable);
      assert.ok(took() < AT_ONCE_MS);
    }),
  );
}
