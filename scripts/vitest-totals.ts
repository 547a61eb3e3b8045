import type { TestCase, TestModule, Vitest } from "vitest/node";
import type { Totals } from "./test-counter.ts";

type Run = Pick<Vitest["state"], "getTestModules" | "getUnhandledErrors">;

/**
 * Counts what Vitest ran, as `TestCounter` does for `node:test`: tests, and what failed outside of them (a hook, a file that does
 * not load or is not among those that ran, an error that nobody awaited).
 * @param files that were to be run, absolute
 */
export function totalsOf(run: Run, files: readonly string[]): Totals {
  const modules = run.getTestModules();
  const ran = new Set(modules.map(({ moduleId }) => moduleId));
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const reasons = new Map<string, number>();
  for (const test of tests) {
    const reason = reasonToSkip(test);
    if (reason !== null) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const failedFiles = modules.reduce((sum, module) => sum + failuresIn(module), 0);
  const missing = files.filter((file) => !ran.has(file)).length;
  return {
    passed: tests.filter((test) => test.result().state === "passed").length,
    failed: failedFiles + missing + run.getUnhandledErrors().length,
    skipped: [...reasons.values()].reduce((sum, count) => sum + count, 0),
    reasons,
  };
}

/** At least one where Vitest says that the file failed. */
function failuresIn(module: TestModule): number {
  const tests = [...module.children.allTests("failed")].length;
  const hooks = [...module.children.allSuites()].filter((suite) => suite.errors().length > 0).length;
  const own = module.errors().length > 0 ? 1 : 0;
  return Math.max(tests + hooks + own, module.state() === "failed" ? 1 : 0);
}

function reasonToSkip(test: TestCase): string | null {
  const result = test.result();
  return result.state === "skipped" ? (result.note ?? "no reason given") : null;
}
