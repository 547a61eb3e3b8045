import { setTimeout as delay } from "node:timers/promises";
import type { Bounds, LogAdmin, PartitionName } from "./admin.ts";

/** A lag is asked for by the metrics of every node and by whoever looks: it may be so old. */
const LAG_TTL_MS = 1_000;
const SETTLED_POLL_MS = 50;

interface Known {
  readonly until: number;
  readonly lag: Promise<number>;
}

/** How far groups are with what is in the log, by the offsets that Kafka knows. */
export class Lags {
  readonly #admin: LogAdmin;
  readonly #known = new Map<string, Known>();

  constructor(admin: LogAdmin) {
    this.#admin = admin;
  }

  /** Records that the group has not handled, at most a second ago. @throws when Kafka does not answer */
  of(groupId: string): Promise<number> {
    const now = performance.now();
    const known = this.#known.get(groupId);
    if (known && known.until > now) return known.lag;
    const lag = this.#ask(groupId);
    this.#known.set(groupId, { until: now + LAG_TTL_MS, lag });
    lag.catch(() => this.#known.delete(groupId)); // the next one asks again
    return lag;
  }

  /** As `MessageLog.settled`. */
  async settled(groupId: string, timeoutMs: number): Promise<boolean> {
    const end = new AbortController();
    const timeout = delay(timeoutMs, false, { signal: end.signal });
    try {
      return await Promise.race([this.#untilHandled(groupId, end.signal), timeout]);
    } finally {
      end.abort();
      timeout.catch(() => undefined); // it is not waited for any more
    }
  }

  /** Resolves with true when all that is in the log now is handled; with false when that is not waited for any more. */
  async #untilHandled(groupId: string, signal: AbortSignal): Promise<boolean> {
    let bounds: ReadonlyMap<PartitionName, Bounds> | null = null;
    while (!signal.aborted) {
      try {
        bounds ??= await this.#admin.bounds();
        if (behind(bounds, await this.#admin.committed(groupId)) === 0) return true;
      } catch {
        // not known yet
      }
      await delay(SETTLED_POLL_MS);
    }
    return false;
  }

  async #ask(groupId: string): Promise<number> {
    // In this order: what is handled meanwhile makes the lag no smaller than 0.
    const committed = await this.#admin.committed(groupId);
    return behind(await this.#admin.bounds(), committed);
  }
}

function behind(bounds: ReadonlyMap<PartitionName, Bounds>, committed: ReadonlyMap<PartitionName, number>): number {
  let records = 0;
  for (const [name, { low, high }] of bounds) records += Math.max(0, high - Math.max(low, committed.get(name) ?? low));
  return records;
}
