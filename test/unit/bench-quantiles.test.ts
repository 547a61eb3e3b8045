import assert from "node:assert/strict";
import { test } from "node:test";
import { median, quantilesOf } from "../../bench/quantiles.ts";

test("the median is the middle value, in any order", () => {
  assert.equal(median([9, 1, 10]), 9);
  assert.equal(median([7]), 7);
});

test("the median of an even number of values is half way between the middle two", () => {
  assert.equal(median([10, 1]), 5.5);
  assert.equal(median([4, 100, 2, 1]), 3);
});

test("the median of nothing is no number", () => {
  assert.ok(Number.isNaN(median([])));
});

test("quantiles sort by number and leave the values as they were", () => {
  const values = [100, 9, 20.126];
  assert.deepEqual(quantilesOf(values), { p50: 20.13, p95: 100, p99: 100, max: 100 });
  assert.deepEqual(values, [100, 9, 20.126]);
});
