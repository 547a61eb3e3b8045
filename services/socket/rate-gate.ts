import type { HotLimits } from "../../mixins/hot-store/port.ts";

const WINDOW_MS = 60_000;
/** Events of one kind that a gateway counts by itself before it tells the hot store. */
const SHARE = 20;

interface Count {
  local: number;
  /** When `local` began to count. */
  since: number;
  blockedUntil: number;
}

/**
 * Limits how often a user sends an event, over all connections and gateways, without a round trip for each: a gateway counts
 * and tells the hot store every `SHARE` events. A user may so exceed a limit by `SHARE` for each gateway.
 */
export class RateGate {
  readonly #limits: HotLimits;
  readonly #counts = new Map<string, Count>();

  constructor(limits: HotLimits) {
    this.#limits = limits;
  }

  /** @returns milliseconds until the user may try again; 0: go on */
  check(userId: string, event: string, perMinute: number, now: number): number {
    const key = `socket:${event}:${userId}`;
    let count = this.#counts.get(key);
    if (!count) this.#counts.set(key, (count = { local: 0, since: now, blockedUntil: 0 }));
    if (count.blockedUntil > now) return count.blockedUntil - now;
    const share = Math.min(SHARE, Math.ceil(perMinute / 4));
    if (++count.local >= share) this.#tell(key, count, perMinute, now);
    return 0;
  }

  #tell(key: string, count: Count, perMinute: number, now: number): void {
    const points = count.local;
    count.local = 0;
    count.since = now;
    this.#limits.consume(key, perMinute, WINDOW_MS, points).then(
      (waitMs) => {
        if (waitMs > 0) count.blockedUntil = now + waitMs;
      },
      () => {
        // Without the hot store the gateway goes on with what it has counted itself.
      },
    );
  }

  /** Forgets what no longer matters: a share that is not full when its window is over was within the limit. */
  sweep(now: number): void {
    for (const [key, { local, since, blockedUntil }] of this.#counts) {
      if (blockedUntil < now && (local === 0 || since + WINDOW_MS < now)) this.#counts.delete(key);
    }
  }
}
