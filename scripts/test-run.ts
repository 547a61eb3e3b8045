import path from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import type { TestEvent } from "node:test/reporters";
import { TestCounter, sumOf, summaryLine } from "./test-counter.ts";
import type { Totals } from "./test-counter.ts";
import { clientOf } from "./test-files.ts";
import { runVitest } from "./vitest-run.ts";

/** What the chosen files need and no file has of itself. */
export interface Prepared {
  /** Given to each test file. */
  readonly argv: readonly string[];
  /** Ends what was started for the run. */
  readonly stop: () => Promise<void>;
}

export interface Run {
  readonly root: string;
  /** Relative to `root`. */
  readonly files: readonly string[];
  /** Done once, before the first file. */
  readonly prepare: (files: readonly string[]) => Promise<Prepared>;
}

type Reporter = NodeJS.WritableStream & { write(event: object): boolean };

/** A file that still runs then, say because it left something open, fails. */
const FILE_TIMEOUT_MS = 900_000;
const PARALLEL_FILES = 2;
/** Each file is a process of its own: what one has compiled, the next ones need not, which is nearly half of their start. */
const COMPILE_CACHE = path.join(import.meta.dirname, "compile-cache.js");
/** Totals of one file, which `node:test` sends as diagnostics. */
const FILE_TOTALS = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /;
/** Each with its exit code. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Runs the files, two at a time and each in a process of its own, those of the clients at last; the last line is `N passed, N failed`. A signal ends the
 * running ones and then what was prepared; the same signal again ends at once.
 * @returns the exit code
 */
export async function runTests({ root, files, prepare }: Run): Promise<number> {
  const ending = new AbortController();
  let exitCode: number | null = null;
  for (const [signal, code] of Object.entries(SIGNALS)) {
    process.once(signal, () => {
      exitCode ??= code;
      ending.abort();
      process.stderr.write(`${signal}: ending what runs; once more ends at once\n`);
    });
  }
  const prepared = await prepare(files);
  let totals: Totals;
  const reporter = new spec();
  reporter.pipe(process.stdout, { end: false });
  try {
    const how = { root, argv: prepared.argv, signal: ending.signal };
    const ofNode = await runFiles({ ...how, files: files.filter((file) => clientOf(file) === null) }, reporter);
    totals = sumOf([...ofNode, ...(await runClients({ ...how, files }))]);
  } finally {
    await prepared.stop();
  }
  await listFailures(reporter);
  process.stdout.write(`${whatWasSkipped(totals)}${summaryLine(totals)}\n`);
  return exitCode ?? (totals.failed > 0 || totals.passed === 0 ? 1 : 0);
}

interface Files {
  readonly root: string;
  readonly files: readonly string[];
  readonly argv: readonly string[];
  readonly signal: AbortSignal;
}

async function runFiles({ files, ...how }: Files, reporter: Reporter): Promise<Totals[]> {
  const counted: Totals[] = [];
  const waiting = files.values();
  const work = async (): Promise<void> => {
    for (const file of waiting) {
      if (how.signal.aborted) return;
      counted.push(await runFile(file, how, reporter));
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_FILES }, work));
  return counted;
}

/** At the end of all output, where a reader of a long one looks first, and what keeps only its end has it. */
async function listFailures(reporter: Reporter): Promise<void> {
  // Without a file this is the summary of the whole run, upon which the reporter lists what failed.
  reporter.write({ type: "test:summary", data: {} });
  reporter.end();
  await new Promise((resolve) => reporter.once("end", resolve));
}

/** One client after the other, each with its own configuration of Vitest. */
async function runClients({ root, files, signal }: Files): Promise<Totals[]> {
  const counted: Totals[] = [];
  for (const [client, ofClient = []] of Map.groupBy(files, clientOf)) {
    if (client === null || signal.aborted) continue;
    const relative = ofClient.map((file) => path.relative(client, file));
    counted.push(await runVitest({ root: path.join(root, client), files: relative, signal }));
  }
  return counted;
}

/** Reports a file in one piece, so that files that run side by side do not mix. */
async function runFile(file: string, { root, argv, signal }: Omit<Files, "files">, reporter: Reporter): Promise<TestCounter> {
  const absolute = path.join(root, file);
  const counter = new TestCounter(absolute);
  const events: TestEvent[] = [];
  const end = AbortSignal.any([signal, AbortSignal.timeout(FILE_TIMEOUT_MS)]);
  const stream = run({ files: [absolute], cwd: root, argv: [...argv], execArgv: ["--import", COMPILE_CACHE], signal: end });
  for await (const event of stream as AsyncIterable<TestEvent>) {
    if (event.type === "test:pass" || event.type === "test:fail") counter.add(event.type === "test:pass", event.data);
    const isTotal = event.type === "test:summary" || (event.type === "test:diagnostic" && FILE_TOTALS.test(event.data.message));
    if (!isTotal) events.push(event);
  }
  reporter.write({ type: "test:stdout", data: { message: `\n${file}\n` } });
  for (const event of events) reporter.write(event);
  return counter;
}

/** A line for each reason. */
function whatWasSkipped({ skipped, reasons }: Totals): string {
  if (skipped === 0) return "";
  const lines = [...reasons].map(([reason, count]) => `  ${count}: ${reason}\n`);
  return `\nSkipped, a suite as a whole counted as one:\n${lines.join("")}\n`;
}
