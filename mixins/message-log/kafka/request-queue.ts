import { createRequire } from "node:module";

/** What this file needs to know of kafkajs' `RequestQueue`. */
interface RequestQueue {
  /** Requests that wait since the broker asked for a pause. */
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

const CHECK_PENDING_MS = 10;

/**
 * kafkajs 2.2.4 looks for waiting requests on every connection each millisecond, also when there are none, by timers of a
 * negative time: half of what an idle consumer costs, and Node 24 warns of it. With this it looks while one waits.
 */
export function calmRequestQueue(): void {
  const { prototype } = createRequire(import.meta.url)("kafkajs/src/network/requestQueue") as { prototype: RequestQueue };
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.throttleCheckTimeoutId || this.pending.length === 0) return;
    const pauseMs = this.throttledUntil - Date.now();
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      pauseMs > 0 ? pauseMs : CHECK_PENDING_MS,
    );
  };
}
