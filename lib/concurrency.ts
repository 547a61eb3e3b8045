import { imError } from "./errors.ts";
import { Fifo } from "./fifo.ts";

export interface LimiterOptions {
  /** Pieces of work that run at one time. */
  readonly concurrency: number;
  /** Work that waited longer for its turn is refused with UNAVAILABLE. Default: it waits as long as it takes. */
  readonly maxWaitMs?: number;
}

/** Runs work, in the order in which it came, never more than the limit at one time. */
export interface Limiter {
  /** @param options `isUrgent`: before all that is not */
  run<T>(work: () => Promise<T>, options?: { readonly isUrgent?: boolean }): Promise<T>;
}

export function createLimiter({ concurrency, maxWaitMs = Infinity }: LimiterOptions): Limiter {
  let running = 0;
  const [urgent, waiting] = [new Fifo<() => void>(), new Fifo<() => void>()];

  /** Resolves when it is one's turn; says for how long one waited. */
  const turn = async (isUrgent: boolean): Promise<number> => {
    if (running < concurrency) {
      running++;
      return 0;
    }
    const cameAt = performance.now();
    await new Promise<void>((resolve) => (isUrgent ? urgent : waiting).push(resolve));
    return performance.now() - cameAt;
  };

  const leave = (): void => {
    const next = urgent.shift() ?? waiting.shift();
    if (next) next();
    else running--;
  };

  return {
    async run(work, { isUrgent = false } = {}) {
      const waitedMs = await turn(isUrgent);
      try {
        if (waitedMs > maxWaitMs) throw imError("UNAVAILABLE");
        return await work();
      } finally {
        leave();
      }
    },
  };
}

/** A limiter for each key, which is forgotten when nothing of that key runs or waits. */
export interface KeyedLimiter {
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
}

export function createKeyedLimiter(options: LimiterOptions): KeyedLimiter {
  const limiters = new Map<string, { limiter: Limiter; users: number }>();
  return {
    async run(key, work) {
      let entry = limiters.get(key);
      if (!entry) limiters.set(key, (entry = { limiter: createLimiter(options), users: 0 }));
      entry.users++;
      try {
        return await entry.limiter.run(work);
      } finally {
        if (--entry.users === 0) limiters.delete(key);
      }
    },
  };
}
