import { RateLimiterMemory } from "rate-limiter-flexible";
import type { HotLimits } from "./port.ts";

interface Said {
  readonly value: string;
  readonly until: number;
}

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

  /** For each length of window the last news of each key, oldest first. */
  const said = new Map<number, Map<string, Said>>();

  const lastSaid = (windowMs: number, now: number): Map<string, Said> => {
    const last = said.get(windowMs) ?? new Map<string, Said>();
    said.set(windowMs, last);
    for (const [key, { until }] of last) {
      if (until > now) break;
      last.delete(key);
    }
    return last;
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
    async isNews(key, value, windowMs) {
      const now = performance.now();
      const last = lastSaid(windowMs, now);
      if (last.get(key)?.value === value) return false;
      last.delete(key);
      last.set(key, { value, until: now + windowMs });
      return true;
    },
  };
}
