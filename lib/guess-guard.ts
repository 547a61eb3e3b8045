import { PASSWORD_GUESS_WINDOW_MS, WRONG_PASSWORDS_PER_ACCOUNT, WRONG_PASSWORDS_PER_ADDRESS } from "../config/limits.ts";
import { createKeyedLimiter } from "./concurrency.ts";
import { imError } from "./errors.ts";

/** The counters of the hot store. */
export interface GuessCounters {
  consume(key: string, limit: number, windowMs: number): Promise<number>;
  blockedFor(key: string, limit: number, windowMs: number): Promise<number>;
  reset(key: string, windowMs: number): Promise<void>;
}

export interface Guess {
  /** The account as the caller names it, whether it exists or not. */
  readonly account: string;
  /** Null when the caller is no client. */
  readonly address: string | null;
}

/** Runs an attempt that gives null when the password was wrong. */
export type GuessGuard = <T>(guess: Guess, attempt: () => Promise<T | null>) => Promise<T | null>;

/** Attempts of one address that run at one time; more would be let in than the limit has left. */
const ATTEMPTS_OF_ADDRESS_AT_ONCE = 2;

/**
 * Limits guessing (S7): only wrong passwords count, a right one clears the account's count. Attempts at one account run one
 * after the other, so that a burst cannot be let in before the first of them has counted.
 */
export function createGuessGuard(counters: GuessCounters): GuessGuard {
  const ofAccount = createKeyedLimiter({ concurrency: 1 });
  const ofAddress = createKeyedLimiter({ concurrency: ATTEMPTS_OF_ADDRESS_AT_ONCE });

  return ({ account, address }, attempt) => {
    const accountKey = `guess:account:${account}`;
    const limits: [key: string, limit: number][] = [[accountKey, WRONG_PASSWORDS_PER_ACCOUNT]];
    if (address !== null) limits.push([`guess:address:${address}`, WRONG_PASSWORDS_PER_ADDRESS]);

    const guarded = async () => {
      const waits = await Promise.all(limits.map(([key, limit]) => counters.blockedFor(key, limit, PASSWORD_GUESS_WINDOW_MS)));
      const retryAfterMs = Math.max(...waits);
      if (retryAfterMs > 0) throw imError("RATE_LIMITED", { retryAfterMs });
      const found = await attempt();
      if (found === null) await Promise.all(limits.map(([key, limit]) => counters.consume(key, limit, PASSWORD_GUESS_WINDOW_MS)));
      else await counters.reset(accountKey, PASSWORD_GUESS_WINDOW_MS);
      return found;
    };
    return ofAccount.run(accountKey, () => (address === null ? guarded() : ofAddress.run(address, guarded)));
  };
}

/** For a server whose limits are switched off. */
export const unguarded: GuessGuard = (_guess, attempt) => attempt();
