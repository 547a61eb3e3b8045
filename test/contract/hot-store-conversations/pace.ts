import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pace } from "../../../mixins/hot-store/pace.ts";
import type { AcceptOutcome, HotConversations } from "../../../mixins/hot-store/port.ts";
import { waitFor } from "../../support/wait.ts";
import { buildRequest, load, member, seqOf, type Using } from "./requests.ts";

/** Ten at once, and then one in a minute. */
const BURST = 10;
const slow: Pace = { mostPerSecond: 1 / 60, leastPerSecond: 0.001, deliveriesPerSecond: 1_000, burstMs: BURST * 60_000 };

const send = (hot: HotConversations, id: string, count: number, pace: Pace | null, more: object = {}) =>
  hot.accept(
    Array.from({ length: count }, () => buildRequest(id, more)),
    Date.now(),
    pace,
  );
const countOf = (outcomes: readonly AcceptOutcome[], kind: AcceptOutcome["kind"]): number =>
  outcomes.filter((outcome) => outcome.kind === kind).length;

export function pace(name: string, using: Using): void {
  describe(`hot conversations on ${name}: pace`, () => {
    it(
      "accepts a burst, refuses what is more, and takes no seq for that",
      using(async (hot) => {
        const id = await load(hot);
        const outcomes = await send(hot, id, BURST + 5, slow);
        assert.deepEqual(
          outcomes.map(seqOf),
          Array.from({ length: BURST + 5 }, (_, i) => (i < BURST ? i + 1 : "throttled")),
        );
        const [refused] = await send(hot, id, 1, slow);
        assert.equal(refused?.kind, "throttled");
        const { retryAfterMs } = refused as AcceptOutcome & { kind: "throttled" };
        assert.ok(retryAfterMs > 50_000 && retryAfterMs <= 60_000, String(retryAfterMs));
        assert.deepEqual((await send(hot, id, 1, null)).map(seqOf), [BURST + 1]);
      }),
    );

    it(
      "is of each conversation alone",
      using(async (hot) => {
        const [busy, other] = [await load(hot), await load(hot)];
        const requests = [...Array.from({ length: 2 * BURST }, () => buildRequest(busy)), buildRequest(other)];
        assert.deepEqual(seqOf((await hot.accept(requests, Date.now(), slow)).at(-1)!), 1);
      }),
    );

    it(
      "answers what was accepted before, and what is refused anyway, as ever; neither counts, nor what the system writes",
      using(async (hot) => {
        const id = await load(hot);
        const first = buildRequest(id);
        await hot.accept([first], Date.now(), slow);
        const again = await hot.accept(
          Array.from({ length: BURST }, () => first),
          Date.now(),
          slow,
        );
        assert.equal(countOf(again, "duplicate"), BURST);
        assert.equal(countOf(await send(hot, id, 2 * BURST, slow, { senderId: "9" }), "refused"), 2 * BURST);
        assert.equal(countOf(await send(hot, id, 2 * BURST, slow, { bySystem: true }), "accepted"), 2 * BURST);
        assert.equal(countOf(await send(hot, id, BURST, slow), "accepted"), BURST - 1);
        assert.equal(countOf(await hot.accept([first], Date.now(), slow), "duplicate"), 1);
        assert.equal(countOf(await send(hot, id, 1, slow, { senderId: "9" }), "refused"), 1);
        assert.equal(countOf(await send(hot, id, 1, slow, { bySystem: true }), "accepted"), 1);
      }),
    );

    it(
      "is slower the more members there are, down to the least",
      using(async (hot) => {
        const crowd = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [String(i + 1), member()]));
        const atOnce: Pace = { mostPerSecond: 0.1, leastPerSecond: 0.02, deliveriesPerSecond: 1, burstMs: 1_000_000 };
        for (const [members, expected] of [
          [10, 100],
          [25, 40],
          [200, 20],
        ] as const) {
          const id = await load(hot, { members: crowd(members) });
          assert.equal(countOf(await send(hot, id, 110, atOnce), "accepted"), expected, `${members} members`);
        }
      }),
    );

    it(
      "lets the next one through when its time has come",
      using(async (hot) => {
        const id = await load(hot);
        const pace: Pace = { mostPerSecond: 10, leastPerSecond: 10, deliveriesPerSecond: 1_000, burstMs: 200 };
        assert.equal(countOf(await send(hot, id, 5, pace), "accepted"), 2);
        await waitFor(async () => countOf(await send(hot, id, 1, pace), "accepted") === 1);
      }),
    );
  });
}
