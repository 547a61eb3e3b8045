import { RateLimiterMemory } from "rate-limiter-flexible";
import type { HotLimits } from "./port.ts";

/**
 * Fixed windows: a window begins with a key's first points and ends `windowMs` later, however much was refused meanwhile.
 * Refused points count as well.
 */
export function memoryLimits(): HotLimits {
  /** One counter for each window length; the limits themselves are compared here. */
  const counters = new Map<number, RateLimiterMemory>();

  const counterOf = (windowMs: number): RateLimiterMemory => {
    let counter = counters.get(windowMs);
    if (!counter)
      counters.set(windowMs, (counter = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: windowMs / 1_000 })));
    return counter;
  };

  return {
    async consume(key, limit, windowMs, points = 1) {
      const { consumedPoints, msBeforeNext } = await counterOf(windowMs).consume(key, points);
      return consumedPoints > limit ? Math.max(1, msBeforeNext) : 0;
    },
    async blockedFor(key, limit, windowMs) {
      const counted = await counterOf(windowMs).get(key);
      return counted && counted.consumedPoints >= limit ? Math.max(0, counted.msBeforeNext) : 0;
    },
    async reset(key, windowMs) {
      await counterOf(windowMs).delete(key);
    },
  };
}
