import assert from "node:assert/strict";
import { test } from "node:test";
import { Staleness } from "../../services/socket/staleness.ts";

test("a gateway that ran all the time has nothing to read again", () => {
  const staleness = new Staleness(1_000);
  for (let now = 0; now < 20_000; now += 1_500) {
    staleness.tick(now);
    assert.equal(staleness.isDue(now), false);
  }
});

test("a gateway that did not run for long reads its rooms at once and once more, when the others surely see it again", () => {
  const staleness = new Staleness(1_000);
  staleness.tick(0);
  staleness.tick(60_000);
  assert.deepEqual(
    [60_000, 61_000, 64_999, 65_000, 70_000].map((now) => staleness.isDue(now)),
    [true, false, false, true, false],
  );
});

test("one that was cut off does the same, however often it was", () => {
  const staleness = new Staleness(1_000);
  staleness.suspect(100);
  staleness.suspect(200);
  assert.deepEqual(
    [200, 300, 5_199, 5_200, 6_000].map((now) => staleness.isDue(now)),
    [true, false, false, true, false],
  );
});
