import { imError } from "./errors.ts";

/** Counts `points` against a key; gives the milliseconds until it may try again, 0 when it is within its limit. */
export interface LimitCounter {
  consume(key: string, limit: number, windowMs: number, points?: number): Promise<number>;
}

export interface RateLimiter {
  /** @throws RATE_LIMITED with `retryAfterMs` when the key has used up `limit` of this window */
  check(key: string, limit: number, windowMs?: number): Promise<void>;
}

export const MINUTE_MS = 60_000;

export interface RateLimiterOptions {
  /** False lets everything pass. */
  readonly enabled: boolean;
  /** Shared by all nodes. */
  readonly shared: LimitCounter;
  /** Of this process; it counts while the shared one fails. */
  readonly local: LimitCounter;
}

export function createRateLimiter({ enabled, shared, local }: RateLimiterOptions): RateLimiter {
  if (!enabled) return { check: async () => undefined };
  const consume = async (key: string, limit: number, windowMs: number): Promise<number> => {
    try {
      return await shared.consume(key, limit, windowMs);
    } catch {
      return local.consume(key, limit, windowMs);
    }
  };
  return {
    async check(key, limit, windowMs = MINUTE_MS) {
      const retryAfterMs = await consume(key, limit, windowMs);
      if (retryAfterMs > 0) throw imError("RATE_LIMITED", { retryAfterMs: Math.ceil(retryAfterMs) });
    },
  };
}

/** Milliseconds as the whole seconds of a `Retry-After` header, at least 1. */
export const retryAfterSeconds = (milliseconds: number): string => String(Math.max(1, Math.ceil(milliseconds / 1_000)));
