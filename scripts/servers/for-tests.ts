import { DEFAULT_DIR, KIND_NAMES, bringUp, statusOf, takeDown } from "./index.ts";
import { removeAbandonedServers, temporaryServersFolder } from "./temporary.ts";

/** The servers of one run of the tests. */
export interface TestServers {
  readonly dir: string;
  /** Ends and forgets those that were started for the run; others stay. */
  stop(): Promise<void>;
}

/**
 * The servers that `npm run servers up` left running, when all of them answer, else new ones for this run alone. Where one
 * cannot be had it says so, and the tests that need it are left out.
 * @param report told of what takes long and of what cannot be had
 */
export async function serversForTests(report: (line: string) => void): Promise<TestServers> {
  await removeAbandonedServers();
  const running = (await statusOf(DEFAULT_DIR)).filter(({ state }) => state === "answers");
  if (running.length === KIND_NAMES.length) return { dir: DEFAULT_DIR, stop: async () => undefined };
  const dir = await temporaryServersFolder();
  const stop = async (): Promise<void> => void (await takeDown(dir, { removeData: true }));
  try {
    const start = performance.now();
    const outcomes = await bringUp({ dir, install: true, report });
    for (const outcome of outcomes) if (outcome.result === "failed") report(`Not to be had for the tests: ${outcome.problem}`);
    const started = outcomes.filter(({ result }) => result === "started").map(({ name }) => name);
    report(`Servers of this run, up in ${((performance.now() - start) / 1_000).toFixed(1)} s: ${started.join(", ") || "none"}`);
    return { dir, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
