import { globSync } from "node:fs";
import path from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import type { TestEvent } from "node:test/reporters";
import { TestCounter, summaryLine } from "./test-counter.ts";

/**
 * Runs the test files, two at a time and each in a process of its own, and ends with the one line `N passed, N failed`.
 * Arguments choose among them: suites (`unit e2e`), or paths or parts of paths (`test/unit/lock-file.test.ts`, `lock-file`).
 * A file that still runs after `FILE_TIMEOUT_MS`, say because it left something open, fails.
 */

const ROOT = path.resolve(import.meta.dirname, "..");
/** In this order, so that what fails fast fails first. */
const SUITES = ["unit", "types", "contract", "integration", "regression", "e2e", "property", "crash"];
const FILE_TIMEOUT_MS = 300_000;
const PARALLEL_FILES = 2;
/** Totals of one file, which `node:test` sends as diagnostics. */
const FILE_TOTALS = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /;

function selectFiles(filters: readonly string[]): string[] {
  const all = SUITES.flatMap((suite) => globSync(`test/${suite}/**/*.test.ts`, { cwd: ROOT }).sort());
  return filters.length === 0 ? all : all.filter((file) => filters.some((filter) => isChosen(file, filter)));
}

function isChosen(file: string, filter: string): boolean {
  const wanted = path.isAbsolute(filter) ? path.relative(ROOT, filter) : path.normalize(filter);
  return SUITES.includes(wanted) ? file.startsWith(path.join("test", wanted, path.sep)) : file.includes(wanted);
}

/** Reports a file in one piece, so that files that run side by side do not mix. */
async function runFile(file: string, reporter: NodeJS.WritableStream & { write(event: object): boolean }): Promise<TestCounter> {
  const absolute = path.join(ROOT, file);
  const counter = new TestCounter(absolute);
  const events: TestEvent[] = [];
  const stream = run({ files: [absolute], cwd: ROOT, signal: AbortSignal.timeout(FILE_TIMEOUT_MS) });
  for await (const event of stream as AsyncIterable<TestEvent>) {
    if (event.type === "test:pass" || event.type === "test:fail") counter.add(event.type === "test:pass", event.data);
    const isTotal = event.type === "test:summary" || (event.type === "test:diagnostic" && FILE_TOTALS.test(event.data.message));
    if (!isTotal) events.push(event);
  }
  reporter.write({ type: "test:stdout", data: { message: `\n${file}\n` } });
  for (const event of events) reporter.write(event);
  return counter;
}

async function runAll(files: readonly string[]): Promise<{ passed: number; failed: number; skipped: number }> {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const reporter = new spec();
  reporter.pipe(process.stdout, { end: false });
  const waiting = files.values();
  const work = async (): Promise<void> => {
    for (const file of waiting) {
      const { passed, failed, skipped } = await runFile(file, reporter);
      total.passed += passed;
      total.failed += failed;
      total.skipped += skipped;
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_FILES }, work));
  // Without a file this is the summary of the whole run, upon which the reporter lists what failed.
  reporter.write({ type: "test:summary", data: {} });
  reporter.end();
  await new Promise((resolve) => reporter.once("end", resolve));
  return total;
}

const files = selectFiles(process.argv.slice(2));
if (files.length === 0) process.stderr.write("No test file matches.\n");
const total = await runAll(files);
process.stdout.write(`${summaryLine(total)}\n`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
