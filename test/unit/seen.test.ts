import assert from "node:assert/strict";
import { test } from "node:test";
import { createSeenRecorder } from "../../services/auth/seen.ts";

type Stored = { sessionId: string; at: number }[][];

test("a session that is in use is stored at most once a minute, many in one call", async () => {
  const clock = { now: 1_000_000 };
  const stored: Stored = [];
  const seen = createSeenRecorder(
    async (items) => void stored.push(items),
    () => clock.now,
  );
  for (const sessionId of ["1", "2", "1"]) seen.saw(sessionId);
  await seen.flush();
  await seen.flush();
  clock.now += 59_999;
  seen.saw("1");
  await seen.flush();
  clock.now += 1;
  seen.saw("1");
  await seen.flush();
  assert.deepEqual(stored, [
    [
      { sessionId: "1", at: 1_000_000 },
      { sessionId: "2", at: 1_000_000 },
    ],
    [{ sessionId: "1", at: 1_060_000 }],
  ]);
});

test("of the times of a session that were noted the latest is stored, however soon it comes", async () => {
  const stored: Stored = [];
  const seen = createSeenRecorder(
    async (items) => void stored.push(items),
    () => 100,
  );
  seen.saw("1");
  seen.note([
    { sessionId: "1", at: 300 },
    { sessionId: "1", at: 200 },
  ]);
  await seen.flush();
  assert.deepEqual(stored, [[{ sessionId: "1", at: 300 }]]);
});

test("what could not be stored is stored with what came after it", async () => {
  const stored: Stored = [];
  let fails = true;
  const seen = createSeenRecorder(
    async (items) => {
      if (fails) throw new Error("no disk");
      stored.push(items);
    },
    () => 100,
  );
  seen.note([{ sessionId: "1", at: 100 }]);
  await assert.rejects(seen.flush(), /no disk/);
  fails = false;
  seen.note([{ sessionId: "2", at: 200 }]);
  await seen.flush();
  assert.deepEqual(
    new Map(stored.flat().map(({ sessionId, at }) => [sessionId, at])),
    new Map([
      ["1", 100],
      ["2", 200],
    ]),
  );
});
