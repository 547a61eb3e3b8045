import { SESSION_SEEN_EVERY_MS } from "../../config/limits.ts";
import { createThrottle } from "../../lib/throttle.ts";
import type { Seen } from "./repository.ts";

export interface SeenRecorder {
  /** The session is in use now; counts at most once in `SESSION_SEEN_EVERY_MS`. */
  saw(sessionId: string): void;
  /** These sessions were in use at these times; the latest time of each counts. */
  note(seen: readonly Seen[]): void;
  /** Stores what was seen since the last call. What cannot be stored waits for the next one. */
  flush(): Promise<void>;
}

/** Collects which sessions are in use, so that nobody waits for that to be stored and many share one statement. */
export function createSeenRecorder(store: (seen: Seen[]) => Promise<void>, now: () => number): SeenRecorder {
  const isDue = createThrottle(SESSION_SEEN_EVERY_MS);
  let waiting = new Map<string, number>();

  const note = (seen: readonly Seen[]): void => {
    for (const { sessionId, at } of seen) waiting.set(sessionId, Math.max(at, waiting.get(sessionId) ?? 0));
  };

  return {
    saw(sessionId) {
      const at = now();
      if (isDue(sessionId, at)) note([{ sessionId, at }]);
    },
    note,
    async flush() {
      if (waiting.size === 0) return;
      const seen = Array.from(waiting, ([sessionId, at]) => ({ sessionId, at }));
      waiting = new Map();
      try {
        await store(seen);
      } catch (error) {
        note(seen);
        throw error;
      }
    },
  };
}
