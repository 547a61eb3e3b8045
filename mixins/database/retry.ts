import { setTimeout as delay } from "node:timers/promises";

const FIRST_DELAY_MS = 20;
const MAX_DELAY_MS = 500;

export interface RetryOptions {
  /** How often `run` is called at most. */
  readonly attempts: number;
  isRetryable(error: unknown): boolean;
  onRetry(error: unknown, attempt: number): void;
}

/** Runs `run` until it succeeds, fails for good, or has been tried `attempts` times; the last error is rethrown. */
export async function withRetry<T>(run: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt >= options.attempts || !options.isRetryable(error)) throw error;
      options.onRetry(error, attempt);
      await delay(backoffMs(attempt));
    }
  }
}

/** Doubles each time, with jitter so that those who collided do not meet again. */
function backoffMs(attempt: number): number {
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);
}
