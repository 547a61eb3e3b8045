import { setTimeout as delay } from "node:timers/promises";
import { imError } from "../../lib/errors.ts";
import type { HotLeases, Lease } from "./port.ts";

export interface HoldOptions {
  /** Who holds it: unique among all holders. */
  readonly holder: string;
  /** How long it outlives a holder that dies. */
  readonly ttlMs: number;
  /** How long to wait for another holder to end. */
  readonly waitMs: number;
}

const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 200;
const RENEWALS_IN_TTL = 3;

/**
 * Does `work` while no one else on any node holds the lease of this name; it is renewed meanwhile.
 * @throws UNAVAILABLE when another holds it for longer than `waitMs`, or the hot store cannot be asked; what `work` throws
 */
export async function holdLease<T>(leases: HotLeases, name: string, options: HoldOptions, work: () => Promise<T>): Promise<T> {
  const { holder, ttlMs } = options;
  const lease = await waitForLease(leases, name, options);
  const renewal = setInterval(() => void leases.renew(lease, holder, ttlMs).catch(() => false), ttlMs / RENEWALS_IN_TTL);
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    await leases.release(lease, holder).catch(() => undefined); // it ends by itself
  }
}

async function waitForLease(leases: HotLeases, name: string, { holder, ttlMs, waitMs }: HoldOptions): Promise<Lease> {
  const end = performance.now() + waitMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
    const lease = await leases.acquire(name, holder, ttlMs);
    if (lease) return lease;
    if (performance.now() > end) throw imError("UNAVAILABLE");
    await delay(pause * (0.5 + Math.random()));
  }
}
