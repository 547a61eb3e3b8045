/** Users who left and may be back in a moment. */
export interface Departures {
  /** Runs `onGone` after the delay, unless the user comes back. A second departure does not prolong the first. */
  add(userId: string): void;
  /** True when the departure was still waiting: nobody has been told of it, and nobody will. */
  cancel(userId: string): boolean;
  /** Forgets all that waits. */
  clear(): void;
}

/** @param onGone must not throw */
export function createDepartures(delayMs: number, onGone: (userId: string) => void): Departures {
  const timers = new Map<string, NodeJS.Timeout>();

  return {
    add(userId) {
      if (timers.has(userId)) return;
      const timer = setTimeout(() => {
        timers.delete(userId);
        onGone(userId);
      }, delayMs);
      timer.unref();
      timers.set(userId, timer);
    },
    cancel(userId) {
      clearTimeout(timers.get(userId));
      return timers.delete(userId);
    },
    clear() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
