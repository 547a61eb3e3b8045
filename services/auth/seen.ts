/** A session's time of last use is stored at most once in this time. */
const SEEN_EVERY_MS = 60_000;

export interface SeenRecorder {
  saw(sessionId: string): void;
  /** Stores what was seen since the last call. */
  flush(): Promise<void>;
}

/** Collects which sessions are in use, so that a request never waits for that to be stored and many share one statement. */
export function createSeenRecorder(store: (sessionIds: string[], now: number) => Promise<void>, now: () => number): SeenRecorder {
  /** When each session was last noted, oldest first. */
  const noted = new Map<string, number>();
  let waiting: string[] = [];

  const forgetOld = (before: number): void => {
    for (const [sessionId, at] of noted) {
      if (at > before) return;
      noted.delete(sessionId);
    }
  };

  return {
    saw(sessionId) {
      const at = now();
      forgetOld(at - SEEN_EVERY_MS);
      if (noted.has(sessionId)) return;
      noted.set(sessionId, at);
      waiting.push(sessionId);
    },
    async flush() {
      if (waiting.length === 0) return;
      const sessionIds = waiting;
      waiting = [];
      await store(sessionIds, now());
    },
  };
}
