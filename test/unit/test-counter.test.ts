import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TestCounter, sumOf, summaryLine } from "../../scripts/test-counter.ts";
import type { TestResult } from "../../scripts/test-counter.ts";

const FILE = "/repository/test/unit/some.test.ts";

const result = (nesting: number, extra: Partial<TestResult> = {}): TestResult => ({
  name: "n",
  nesting,
  details: { type: "test" },
  ...extra,
});
const failure = (failureType: string): Error => Object.assign(new Error(failureType), { failureType });

function count(...results: (readonly [isPass: boolean, result: TestResult])[]): string {
  const counter = new TestCounter(FILE);
  for (const [isPass, one] of results) counter.add(isPass, one);
  return summaryLine(counter);
}

describe("TestCounter", () => {
  it("counts the tests in a suite and in a parent, not the suite or the parent", () => {
    const suite = result(0, { details: { type: "suite" } });
    assert.equal(count([true, result(1)], [true, result(1)], [true, suite]), "2 passed, 0 failed");
    assert.equal(count([true, result(2)], [true, result(1)], [true, result(0)], [true, result(0)]), "2 passed, 0 failed");
  });

  it("counts a failure once, where it happened", () => {
    const outer = result(0, { details: { type: "suite", error: failure("subtestsFailed") } });
    const inner = result(1, { details: { type: "test", error: failure("testCodeFailure") } });
    assert.equal(count([true, result(1)], [false, inner], [false, outer]), "1 passed, 1 failed");
  });

  it("counts a suite whose own hook failed", () => {
    const suite = result(0, { details: { type: "suite", error: failure("hookFailed") } });
    assert.equal(count([true, result(1)], [false, suite]), "1 passed, 1 failed");
  });

  it("counts a file that failed outside its tests, and not one that holds none", () => {
    const failed = result(0, { name: FILE, details: { type: "test", error: failure("testCodeFailure") } });
    assert.equal(count([false, failed]), "0 passed, 1 failed");
    assert.equal(count([true, result(0, { name: FILE })]), "0 passed, 0 failed");
  });

  it("counts what is skipped or to be done apart, whether it fails or not", () => {
    assert.equal(
      count([true, result(0, { skip: true })], [false, result(0, { todo: "later" })]),
      "0 passed, 0 failed, 2 skipped",
    );
  });

  it("tells how many were skipped for which reason", () => {
    const counter = new TestCounter(FILE);
    for (const skip of ["no Redis", "no Redis", "no Kafka", true]) counter.add(true, result(0, { skip }));
    assert.deepEqual(Object.fromEntries(counter.reasons), { "no Redis": 2, "no Kafka": 1, "no reason given": 1 });
  });
});

describe("sumOf", () => {
  it("adds up what several runs counted, reason by reason", () => {
    const one = { passed: 3, failed: 0, skipped: 2, reasons: new Map([["no Redis", 2]]) };
    const two = {
      passed: 1,
      failed: 4,
      skipped: 2,
      reasons: new Map([
        ["no Redis", 1],
        ["no browser", 1],
      ]),
    };
    const { reasons, ...counts } = sumOf([one, two]);
    assert.deepEqual(counts, { passed: 4, failed: 4, skipped: 4 });
    assert.deepEqual(Object.fromEntries(reasons), { "no Redis": 3, "no browser": 1 });
    assert.equal(summaryLine(sumOf([])), "0 passed, 0 failed");
  });
});
