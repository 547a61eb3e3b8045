/** How the wait between tries grows. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * Wait before repetition `attempt` (1 is the first): doubles up to `maxMs`; up to half of it is taken off at random, so that
 * those who failed together do not come back together.
 */
export function backoffMs(attempt: number, backoff: Backoff, random: () => number = Math.random): number {
  const full = Math.min(backoff.maxMs, backoff.firstMs * 2 ** (attempt - 1));
  return full * (1 - random() / 2);
}
