import type { Job } from "./runner.ts";

/** What came to its end stays for this long, so that its author's repeated request gets the same answer. */
export const KEEP_ENDED_MS = 30 * 86_400_000;
const EVERY_MS = 3_600_000;
/** Rows of one portion. */
const PORTION = 500;

export interface PruneDeps {
  /** Removes some of what ended before this time. @returns how many */
  readonly prune: (before: number, limit: number) => Promise<number>;
  readonly now: () => number;
}

/** Removes what ended long ago, once an hour. */
export function pruning({ prune, now }: PruneDeps): Job {
  let nextAt = 0;
  return {
    hasDue: async () => now() >= nextAt,
    async run() {
      const removed = await prune(now() - KEEP_ENDED_MS, PORTION);
      if (removed < PORTION) nextAt = now() + EVERY_MS;
      return { done: 0, isMore: removed === PORTION };
    },
  };
}
