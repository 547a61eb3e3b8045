const TICK_MS = 10;
/** What a tick counts at most. */
const MAX_TICK_MS = 25;

/**
 * Measures how long something takes as this process lives it, for bounds on how long the product may wait: a while in which a busy
 * machine gives the process no turn holds up the product's timers as well, and counts as one tick.
 * @returns gives the milliseconds up to now, and ends the measuring
 */
export function stopwatch(): () => number {
  let lived = 0;
  let last = performance.now();
  const tick = (): void => {
    const now = performance.now();
    lived += Math.min(now - last, MAX_TICK_MS);
    last = now;
  };
  const ticks = setInterval(tick, TICK_MS).unref();
  return () => {
    clearInterval(ticks);
    tick();
    return lived;
  };
}
