import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryLeases } from "../../mixins/hot-store/leases-memory.ts";
import { MetricRegistry } from "../../mixins/metrics/registry.ts";
import { measureLate } from "../../services/scheduler/measure-late.ts";
import { DueRunner, type Job } from "../../services/scheduler/runner.ts";
import { atIntervals } from "../../services/scheduler/upkeep.ts";

const SECOND_MS = 1_000;

/** A job of the test: `isDue` and `fails` say what its next look and run find. */
function buildJob() {
  const state = { isDue: true, fails: false, runs: 0 };
  const job: Job = {
    hasDue: async () => state.isDue,
    async run() {
      state.runs++;
      if (state.fails) throw new Error("it fails, says the test");
      return { done: 1, isMore: false };
    },
  };
  return { state, job };
}

function buildRunner(jobs: readonly Job[], leases = memoryLeases()) {
  const said = { warn: 0, debug: 0 };
  const logger = { warn: () => void said.warn++, debug: () => void said.debug++ };
  const runner = new DueRunner({ jobs, leases, holder: "one", everyMs: 3_600_000, logger });
  return { said, run: () => runner.runOnce().catch(() => null) };
}

test("what fails on and on is told once, whatever looks in between find, and again when it had worked meanwhile", async () => {
  const [one, other] = [buildJob(), buildJob()];
  const { said, run } = buildRunner([one.job, other.job]);
  one.state.fails = true;
  for (let round = 0; round < 3; round++) {
    one.state.isDue = other.state.isDue = true;
    assert.equal(await run(), null);
    one.state.isDue = false;
    assert.equal(await run(), 1, "the other one works");
    other.state.isDue = false;
    assert.equal(await run(), 0);
  }
  assert.deepEqual(said, { warn: 1, debug: 2 });
  other.state.isDue = other.state.fails = true;
  await run();
  assert.deepEqual(said, { warn: 2, debug: 2 }, "it is another that fails");
  Object.assign(one.state, { isDue: true, fails: false });
  other.state.isDue = false;
  assert.equal(await run(), 1);
  one.state.fails = true;
  await run();
  assert.deepEqual(said, { warn: 3, debug: 2 });
});

test("a look or a lease that cannot be had is told once until it can", async () => {
  const away = { look: true, lease: false };
  const { state, job } = buildJob();
  const hasDue = (): Promise<boolean> => (away.look ? Promise.reject(new Error("away")) : Promise.resolve(state.isDue));
  const leases = memoryLeases();
  const acquire: typeof leases.acquire = (...args) => (away.lease ? Promise.reject(new Error("away")) : leases.acquire(...args));
  const { said, run } = buildRunner([{ ...job, hasDue }], { ...leases, acquire });
  for (let round = 0; round < 3; round++) await run();
  assert.deepEqual(said, { warn: 1, debug: 2 });
  Object.assign(away, { look: false, lease: true });
  for (let round = 0; round < 3; round++) await run();
  assert.deepEqual(said, { warn: 2, debug: 4 });
  away.lease = false;
  assert.equal(await run(), 1);
  away.lease = true;
  await run();
  assert.deepEqual(said, { warn: 3, debug: 4 });
});

test("one node of all goes through upkeep, portion by portion at each interval, and another one when it is gone", async () => {
  let now = 1_000_000;
  const leases = memoryLeases({ now: () => now });
  const rounds: Record<string, number> = { a: 0, b: 0 };
  const left = { a: 3, b: 3 };
  const jobOf = (holder: "a" | "b"): Job =>
    atIntervals({ leases, holder, now: () => now }, { name: "tidy", everyMs: SECOND_MS }, async () => {
      rounds[holder]!++;
      return --left[holder] > 0;
    });
  const [a, b] = [jobOf("a"), jobOf("b")];
  const term = { token: 1, holds: () => true };
  const step = async (job: Job): Promise<boolean> => (await job.hasDue()) && (await job.run(term)).isMore;
  while (await step(a));
  assert.deepEqual([rounds, await a.hasDue(), await step(b)], [{ a: 3, b: 0 }, false, false]);
  for (const at of [SECOND_MS, 2 * SECOND_MS, 3 * SECOND_MS]) {
    now = 1_000_000 + at;
    assert.equal(await a.hasDue(), true);
    await step(a);
    await step(b);
  }
  assert.deepEqual(rounds, { a: 6, b: 0 });
  now += 2 * SECOND_MS + 1;
  await step(b);
  await step(a);
  assert.deepEqual(rounds, { a: 6, b: 1 });
});

test("a scrape reads once what is late of each table, the next one reads anew", async () => {
  const metrics = new MetricRegistry();
  let reads = 0;
  const late = (oldestAt: number | null) => ({
    async late() {
      reads++;
      return { count: oldestAt === null ? 0 : 3, oldestAt };
    },
  });
  measureLate(metrics, { scheduled: late(4_000), burns: late(null) }, () => 10_000);
  const text = await metrics.text();
  assert.equal(reads, 2);
  const values = [
    "im_scheduled_due",
    "im_scheduled_oldest_due_age_seconds",
    "im_burns_due",
    "im_burns_oldest_due_age_seconds",
  ].map((name) => Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, "m").exec(text)?.[1]));
  assert.deepEqual(values, [3, 6, 0, 0]);
  await metrics.text();
  assert.equal(reads, 4);
  metrics.close();
});
