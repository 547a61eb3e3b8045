import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import type { HotLimits } from "../../mixins/hot-store/port.ts";
import { waitFor } from "../support/wait.ts";

export interface LimitsHarness {
  readonly limits: HotLimits;
  close(): Promise<void>;
}

const WINDOW_MS = 60_000;
/** Of a window that a test lets pass. */
const BRIEF_MS = 200;

/** Does something with a key of its own again until all of it fell into one brief window: a busy machine may take longer. */
async function withinBrief<T>(key: string, work: (key: string) => Promise<T>): Promise<{ key: string; result: T }> {
  for (let turn = 0; ; turn++) {
    const own = `${key}:${turn}`;
    const startedAt = performance.now();
    const result = await work(own);
    if (performance.now() - startedAt < BRIEF_MS) return { key: own, result };
  }
}

/** Every promise of `HotLimits`, for one implementation. */
export function hotLimitsContract(name: string, open: () => Promise<LimitsHarness>): void {
  const using = (work: (limits: HotLimits, key: string) => Promise<void>) => async () => {
    const harness = await open();
    await work(harness.limits, randomUUID()).finally(() => harness.close());
  };

  describe(`hot limits on ${name}`, () => {
    it(
      "lets through as many points as the limit says, then tells how long to wait",
      using(async (limits, key) => {
        for (let i = 0; i < 3; i++) assert.equal(await limits.consume(key, 3, WINDOW_MS), 0);
        const waitMs = await limits.consume(key, 3, WINDOW_MS);
        assert.ok(waitMs > 0 && waitMs <= WINDOW_MS, String(waitMs));
      }),
    );

    it(
      "counts several points at once",
      using(async (limits, key) => {
        assert.equal(await limits.consume(key, 10, WINDOW_MS, 10), 0);
        assert.ok((await limits.consume(key, 10, WINDOW_MS)) > 0);
      }),
    );

    it(
      "tells whether a key is blocked without counting",
      using(async (limits, key) => {
        assert.equal(await limits.blockedFor(key, 2, WINDOW_MS), 0);
        await limits.consume(key, 2, WINDOW_MS);
        for (let i = 0; i < 5; i++) assert.equal(await limits.blockedFor(key, 2, WINDOW_MS), 0);
        assert.equal(await limits.consume(key, 2, WINDOW_MS), 0);
        assert.ok((await limits.blockedFor(key, 2, WINDOW_MS)) > 0);
      }),
    );

    it(
      "keeps keys and windows apart",
      using(async (limits, key) => {
        await limits.consume(key, 1, WINDOW_MS);
        assert.equal(await limits.consume(`${key}:other`, 1, WINDOW_MS), 0);
        assert.equal(await limits.consume(key, 1, 2 * WINDOW_MS), 0);
        assert.ok((await limits.consume(key, 1, WINDOW_MS)) > 0);
      }),
    );

    it(
      "counts exactly under concurrency",
      using(async (limits, key) => {
        const waits = await Promise.all(Array.from({ length: 50 }, () => limits.consume(key, 20, WINDOW_MS)));
        assert.equal(waits.filter((waitMs) => waitMs === 0).length, 20);
      }),
    );

    it(
      "begins anew when the window has passed",
      using(async (limits, key) => {
        const brief = await withinBrief(key, async (own) => {
          await limits.consume(own, 1, BRIEF_MS);
          return limits.consume(own, 1, BRIEF_MS);
        });
        assert.ok(brief.result > 0);
        await waitFor(async () => (await limits.blockedFor(brief.key, 1, BRIEF_MS)) === 0);
        assert.equal(await limits.consume(brief.key, 1, BRIEF_MS), 0);
      }),
    );

    it(
      "knows what is news: another value, or the same after its time",
      using(async (limits, key) => {
        const isNews = (value: string, of = key): Promise<boolean> => limits.isNews(of, value, WINDOW_MS);
        assert.deepEqual([await isNews("a"), await isNews("a"), await isNews("b"), await isNews("a")], [true, false, true, true]);
        assert.equal(await isNews("a", `${key}:other`), true);
        const brief = await withinBrief(key, async (own) => [
          await limits.isNews(own, "a", BRIEF_MS),
          await limits.isNews(own, "a", BRIEF_MS),
        ]);
        assert.deepEqual(brief.result, [true, false]);
        await waitFor(() => limits.isNews(brief.key, "a", BRIEF_MS), "it to be news again");
        assert.equal(await isNews("a"), false);
      }),
    );

    it(
      "says of one of many at once that it is news",
      using(async (limits, key) => {
        const answers = await Promise.all(Array.from({ length: 20 }, () => limits.isNews(key, "a", WINDOW_MS)));
        assert.equal(answers.filter(Boolean).length, 1);
      }),
    );

    it(
      "forgets what a key has used on reset",
      using(async (limits, key) => {
        await limits.consume(key, 1, WINDOW_MS);
        await limits.reset(key, WINDOW_MS);
        await limits.reset(`${key}:unknown`, WINDOW_MS);
        assert.equal(await limits.blockedFor(key, 1, WINDOW_MS), 0);
        assert.equal(await limits.consume(key, 1, WINDOW_MS), 0);
      }),
    );
  });
}
