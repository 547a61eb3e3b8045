import { DEFAULT_DIR, KIND_NAMES, bringUp, statusOf, takeDown } from "./index.ts";
import type { KindName } from "./index.ts";
import { removeAbandonedServers, temporaryServersFolder } from "./temporary.ts";

/** The servers of one run of the tests. */
export interface TestServers {
  readonly dir: string;
  /** Ends and forgets those that were started for the run; others stay. */
  readonly stop: () => Promise<void>;
}

/**
 * The servers that `npm run servers up` left running, when all of them answer, else new ones for this run alone. Where one
 * cannot be had it says so, and the tests that need it are left out.
 * @param report told of what takes long and of what cannot be had
 * @param options.shared the folder of `npm run servers`
 */
export async function serversForTests(
  report: (line: string) => void,
  { shared = DEFAULT_DIR, kinds = KIND_NAMES }: { shared?: string; kinds?: readonly KindName[] } = {},
): Promise<TestServers> {
  await removeAbandonedServers();
  const running = (await statusOf(shared)).filter(({ state }) => state === "answers").map(({ name }) => name);
  // Tests that were ended leave servers of their own.
  if (kinds.every((kind) => running.includes(kind))) return { dir: shared, stop: removeAbandonedServers };
  const dir = await temporaryServersFolder();
  const stop = async (): Promise<void> => {
    await takeDown(dir, { removeData: true });
    await removeAbandonedServers();
  };
  try {
    const start = performance.now();
    const outcomes = await bringUp({ dir, kinds, install: true, report });
    for (const outcome of outcomes) if (outcome.result === "failed") report(`Not to be had for the tests: ${outcome.problem}`);
    const started = outcomes.filter(({ result }) => result === "started").map(({ name }) => name);
    report(`Servers of this run, up in ${((performance.now() - start) / 1_000).toFixed(1)} s: ${started.join(", ") || "none"}`);
    return { dir, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
