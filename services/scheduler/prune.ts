import type { Job } from "./runner.ts";
import { atIntervals, type UpkeepDeps } from "./upkeep.ts";

/** What came to its end stays for this long, so that its author's repeated request gets the same answer. */
const KEEP_ENDED_MS = 30 * 86_400_000;
const EVERY_MS = 3_600_000;
/** Rows of one portion. */
const PORTION = 500;

/** Removes what ended long ago, once an hour. `prune` removes some of what ended before this time and says how many. */
export function pruning(deps: UpkeepDeps, prune: (before: number, limit: number) => Promise<number>): Job {
  return atIntervals(deps, { name: "prune", everyMs: EVERY_MS }, async () => {
    return (await prune(deps.now() - KEEP_ENDED_MS, PORTION)) === PORTION;
  });
}
