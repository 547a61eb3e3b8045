import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatCursor, parseCursor, type SyncCursor } from "../../services/sync/cursor.ts";
import { bucketOf, BUCKETS, digestOf, formatDigest, parseDigest } from "../../services/sync/digest.ts";
import { formatVersion, parseVersion } from "../../services/sync/version.ts";

const heads = (...seqs: number[]) => seqs.map((maxSeq, i) => ({ conversationId: `g_${100 + i}`, maxSeq }));
const version = { conversations: 7, changes: 12, friends: "f3", groups: "9", digest: digestOf(heads(5, 0, 1_000_000)) };

describe("the digest of heads", () => {
  it("is equal exactly when no conversation got longer, and tells in which bucket one did", () => {
    const before = digestOf(heads(5, 3, 9));
    assert.deepEqual(digestOf(heads(9, 3, 5).toReversed()).length, BUCKETS);
    assert.deepEqual(digestOf(heads(5, 3, 9)), before);
    const after = digestOf(heads(5, 4, 9));
    const moved = before.flatMap((sum, i) => (sum === after[i] ? [] : [i]));
    assert.deepEqual(moved, [bucketOf("g_101")]);
  });

  it("spreads conversations over all buckets", () => {
    const used = new Set(
      Array.from({ length: 1_000 }, (_, i) =>
        bucketOf(`d_7350000000000000001_${7_350_000_000_000_100_000n + BigInt(i * 4_096)}`),
      ),
    );
    assert.ok(used.size > BUCKETS * 0.9, String(used.size));
  });

  it("comes back from its text, also with the highest sums", () => {
    for (const digest of [digestOf([]), version.digest, Array<number>(BUCKETS).fill(Number.MAX_SAFE_INTEGER)])
      assert.deepEqual(parseDigest(formatDigest(digest)), digest);
    for (const text of ["", "_", "1_".repeat(64), `${"_".repeat(62)}!`, `${"_".repeat(63)}zzzzzzzzzzz`, `${"_".repeat(63)}A`])
      assert.equal(parseDigest(text), null, text);
  });
});

describe("a version", () => {
  it("comes back from its text for its user alone", () => {
    const text = formatVersion("42", version);
    assert.deepEqual(parseVersion("42", text), version);
    assert.equal(parseVersion("43", text), null);
    assert.equal(formatVersion("42", version), text);
  });

  it("is none when it is malformed", () => {
    const text = formatVersion("42", version);
    for (const bad of [
      "",
      "x",
      "s1",
      text.slice(1),
      text.replace("s1", "s2"),
      `${text}_`,
      text.replace(".7.", ".-7."),
      text.replace(".7.", `.${"7".repeat(16)}.`),
      `${text}\n`,
    ])
      assert.equal(parseVersion("42", bad), null, bad);
  });
});

describe("a cursor", () => {
  const cursor: SyncCursor = {
    version: formatVersion("42", version),
    since: null,
    reset: false,
    position: { stage: "newest", at: 5, id: "g_1" },
    changesAfter: 3,
  };

  it("comes back from its text", () => {
    for (const position of [
      cursor.position,
      { stage: "moved", id: "" },
      { stage: "moved", id: "d_1_2" },
      { stage: "done" },
    ] as const)
      assert.deepEqual(parseCursor(formatCursor({ ...cursor, position })), { ...cursor, position });
    assert.match(formatCursor(cursor), /^[A-Za-z0-9_-]+$/);
  });

  it("is refused when no page gave it", () => {
    const as = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const bad = [
      "x",
      "e30",
      as(null),
      as([]),
      as({ ...cursor, more: 1 }),
      as({ ...cursor, position: { stage: "newest" } }),
      as({ ...cursor, changesAfter: -1 }),
    ];
    for (const text of bad) assert.throws(() => parseCursor(text), { type: "VALIDATION" }, text);
  });
});
