import assert from "node:assert/strict";
import { test } from "node:test";
import { createThrottle } from "../../lib/throttle.ts";

test("each key has its turn at most once in the time", () => {
  const isDue = createThrottle(100);
  assert.deepEqual([isDue("a", 0), isDue("b", 50), isDue("a", 99)], [true, true, false]);
  assert.deepEqual([isDue("a", 100), isDue("b", 100), isDue("b", 150)], [true, false, true]);
});
