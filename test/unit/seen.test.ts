import assert from "node:assert/strict";
import { test } from "node:test";
import { createSeenRecorder } from "../../services/auth/seen.ts";

test("a session is stored at most once a minute, many in one call", async () => {
  const clock = { now: 1_000_000 };
  const stored: [string[], number][] = [];
  const seen = createSeenRecorder(
    async (sessionIds, now) => void stored.push([sessionIds, now]),
    () => clock.now,
  );
  seen.saw("1");
  seen.saw("2");
  seen.saw("1");
  await seen.flush();
  await seen.flush();
  clock.now += 59_999;
  seen.saw("1");
  await seen.flush();
  clock.now += 1;
  seen.saw("1");
  await seen.flush();
  assert.deepEqual(stored, [
    [["1", "2"], 1_000_000],
    [["1"], 1_060_000],
  ]);
});
