import { reasonOf } from "./redis-errors.ts";

const PROBE_EVERY_MS = 1_000;

export interface OutageLogger {
  info(...parts: unknown[]): void;
  warn(...parts: unknown[]): void;
}

/** Tells of an outage once, however many calls fail in it, and once that it is over. */
export interface OutageWatch {
  failed(error: unknown): void;
  end(): void;
}

/** @param probe rejects as long as the outage lasts */
export function outageWatch(place: string, logger: OutageLogger, probe: () => Promise<void>): OutageWatch {
  let timer: NodeJS.Timeout | null = null;
  let hasEnded = false;
  let since = 0;

  const look = async (): Promise<void> => {
    try {
      await probe();
    } catch {
      if (!hasEnded) timer = soon();
      return;
    }
    timer = null;
    if (!hasEnded) logger.info(`Redis at ${place} can be used again, after ${Math.round((Date.now() - since) / 1_000)} s`);
  };
  const soon = (): NodeJS.Timeout => setTimeout(() => void look(), PROBE_EVERY_MS).unref();

  return {
    failed(error) {
      if (timer || hasEnded) return;
      since = Date.now();
      timer = soon();
      logger.warn(`Redis at ${place} cannot be used: ${reasonOf(error)}. What needs it is refused until it can`);
    },
    end() {
      hasEnded = true;
      if (timer) clearTimeout(timer);
    },
  };
}
