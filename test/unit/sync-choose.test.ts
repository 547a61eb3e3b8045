import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Change } from "../../mixins/change-log/index.ts";
import { firstChanges } from "../../services/sync/changes.ts";
import { afterSeqOf, firstPage, isWanted, laterPage, type Asked, type Standing } from "../../services/sync/choose.ts";
import { digestOf } from "../../services/sync/digest.ts";
import type { SyncVersion } from "../../services/sync/version.ts";

const standing = (id: number, more: Partial<Standing> = {}): Standing => ({
  conversationId: `g_${id}`,
  active: true,
  minSeq: 1,
  maxSeq: 5,
  at: id,
  kept: false,
  version: 1,
  ...more,
});
const versionOf = (standings: readonly Standing[], conversations = 1): SyncVersion => ({
  conversations,
  changes: 0,
  friends: "f0",
  groups: "0",
  digest: digestOf(standings),
});
const asked = (more: Partial<Asked> = {}): Asked => ({ named: {}, since: null, reset: false, ...more });

describe("which conversations a client hears of", () => {
  const all = [standing(1), standing(2), standing(3, { maxSeq: 0 }), standing(4, { maxSeq: 0, kept: true })];
  const wanted = (request: Partial<Asked>, standings = all): string[] =>
    standings.filter((one) => isWanted(one, asked(request), digestOf(standings))).map(({ conversationId }) => conversationId);

  it("all that are in the list, without a version", () => {
    assert.deepEqual(wanted({}), ["g_1", "g_2", "g_4"]);
    assert.deepEqual(wanted({ named: { g_1: 5, g_3: 0, g_404: 2 } }), ["g_1", "g_2", "g_3", "g_4"]);
  });

  it("none when nothing changed", () => {
    assert.deepEqual(wanted({ since: versionOf(all), named: { g_1: 5, g_2: 9 } }), []);
  });

  it("those whose row changed, also when they are empty now", () => {
    const changed = [standing(1, { version: 2 }), standing(2), standing(3, { maxSeq: 0, version: 3 })];
    assert.deepEqual(wanted({ since: versionOf(changed), named: { g_1: 5, g_3: 5 } }, changed), ["g_1", "g_3"]);
  });

  it("those that are behind or asked for, and of those not named the ones that may have got longer", () => {
    const since = versionOf(all);
    const now = [
      standing(1, { maxSeq: 6 }),
      standing(2, { maxSeq: 6 }),
      standing(3, { maxSeq: 0 }),
      standing(4, { maxSeq: 0, kept: true }),
    ];
    assert.deepEqual(wanted({ since, named: { g_1: 6, g_4: null } }, now), ["g_2", "g_4"]);
    assert.deepEqual(wanted({ since, named: { g_1: 5, g_2: 0 } }, now), ["g_1", "g_2"]);
  });

  it("with the messages behind a seq, or the newest", () => {
    const named = { g_1: 5, g_2: 0, g_3: null };
    assert.deepEqual(
      ["g_1", "g_2", "g_3", "g_4", "toString"].map((id) => afterSeqOf(asked({ named }), id)),
      [5, null, null, null, null],
    );
    assert.equal(afterSeqOf(asked({ named, reset: true }), "g_1"), null);
  });
});

describe("pages", () => {
  it("give the newest first, those without a message last, and each once while nothing happens", () => {
    const all = [standing(1, { at: 5 }), standing(2, { at: 9 }), standing(3, { at: 5 }), standing(4, { at: 0 })];
    assert.deepEqual(walk(all, 2, []), ["g_2", "g_1", "g_3", "g_4"]);
    assert.deepEqual(walk(all, 4, []), ["g_2", "g_1", "g_3", "g_4"]);
  });

  it("miss nothing that moves between them, and end however busy conversations are", () => {
    const move = fc.array(fc.integer({ min: 0, max: 19 }), { maxLength: 6 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), fc.array(move, { minLength: 1, maxLength: 40 }), (limit, moves) => {
        const all = Array.from({ length: 20 }, (_, i) => standing(i + 1, { at: i % 7 }));
        const ids = walk(all, limit, moves);
        assert.equal(new Set(ids).size, all.length, JSON.stringify(ids));
        assert.ok(ids.length <= 2 * all.length + limit);
      }),
    );
  });

  /** Ids of all pages; between two pages, these conversations get a message each. */
  function walk(all: Standing[], limit: number, moves: readonly (readonly number[])[]): string[] {
    const start = versionOf(all);
    let { page, next } = firstPage(all, limit);
    const ids = page.map(({ conversationId }) => conversationId);
    let now = all;
    for (let i = 0; next.stage !== "done"; i++) {
      now = now.map((one, at) => (moves[i]?.includes(at) ? { ...one, maxSeq: one.maxSeq + 1, at: 1_000 + i } : one));
      ({ page, next } = laterPage(now, now, { position: next, start, digest: digestOf(now), limit }));
      ids.push(...page.map(({ conversationId }) => conversationId));
    }
    return ids;
  }
});

describe("changes of a page", () => {
  const entry = (position: number, messageId: string, type: Change["type"] = "edited"): Change => ({
    position,
    type,
    conversationId: "g_1",
    seq: 1,
    messageId,
    userId: null,
    at: 0,
  });
  const positions = (entries: readonly Change[], limit: number) => {
    const { taken, after } = firstChanges(entries, limit);
    return [taken.map(({ position }) => position), after];
  };

  it("are one for each message and type, in the order of the last", () => {
    const entries = [entry(1, "a"), entry(2, "b"), entry(3, "a"), entry(4, "a", "reacted")];
    assert.deepEqual(positions(entries, 10), [[2, 3, 4], null]);
  });

  it("go on behind the last entry that was looked at", () => {
    const entries = [entry(1, "a"), entry(2, "b"), entry(3, "a"), entry(4, "c"), entry(5, "a")];
    assert.deepEqual(positions(entries, 2), [[2, 3], 3]);
    assert.deepEqual(positions(entries, 3), [[2, 4, 5], null]);
  });
});
