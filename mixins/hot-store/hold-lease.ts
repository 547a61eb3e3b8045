import { setTimeout as delay } from "node:timers/promises";
import { imError } from "../../lib/errors.ts";
import type { HotLeases, Lease } from "./port.ts";

/** A time during which one holds a lease. */
export interface Term {
  /** Grows with every new holder: what is written under a smaller one is refused. */
  readonly token: number;
  /** false: somebody else may hold it. */
  holds(): boolean;
}
export interface LeaseOptions {
  /** Who holds it: unique among all holders. */
  readonly holder: string;
  /** How long it outlives a holder that dies. */
  readonly ttlMs: number;
}
export interface HoldOptions extends LeaseOptions {
  /** How long to wait for another holder to end. */
  readonly waitMs: number;
}

const FIRST_PAUSE_MS = 5;
const MAX_PAUSE_MS = 200;
const RENEWALS_IN_TTL = 4;

/**
 * Does `work` while this holder has the lease, which is renewed meanwhile; null when another has it.
 * @throws when the hot store cannot be asked; what `work` throws
 */
export async function underLease<T>(
  leases: HotLeases,
  name: string,
  options: LeaseOptions,
  work: (term: Term) => Promise<T>,
): Promise<T | null> {
  const held = await acquire(leases, name, options);
  return held && workUnder(leases, held, options, work);
}

/**
 * Does `work` while no one else on any node holds the lease of this name; it is renewed meanwhile.
 * @throws UNAVAILABLE when another holds it for longer than `waitMs`, or the hot store cannot be asked; what `work` throws
 */
export async function holdLease<T>(leases: HotLeases, name: string, options: HoldOptions, work: () => Promise<T>): Promise<T> {
  return workUnder(leases, await waitForLease(leases, name, options), options, work);
}

interface Held {
  readonly lease: Lease;
  /** On the monotonic clock. */
  readonly endsAt: number;
}

async function acquire(leases: HotLeases, name: string, { holder, ttlMs }: LeaseOptions): Promise<Held | null> {
  const askedAt = performance.now();
  const lease = await leases.acquire(name, holder, ttlMs);
  return lease && { lease, endsAt: askedAt + ttlMs };
}

async function waitForLease(leases: HotLeases, name: string, options: HoldOptions): Promise<Held> {
  const end = performance.now() + options.waitMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
    const held = await acquire(leases, name, options);
    if (held) return held;
    if (performance.now() > end) throw imError("UNAVAILABLE");
    await delay(pause * (0.5 + Math.random()));
  }
}

async function workUnder<T>(
  leases: HotLeases,
  { lease, endsAt: firstEnd }: Held,
  { holder, ttlMs }: LeaseOptions,
  work: (term: Term) => Promise<T>,
): Promise<T> {
  let endsAt = firstEnd;
  const renew = async (): Promise<void> => {
    const from = performance.now();
    endsAt = (await leases.renew(lease, holder, ttlMs)) ? from + ttlMs : 0;
  };
  const renewal = setInterval(() => void renew().catch(() => undefined), ttlMs / RENEWALS_IN_TTL); // it ends by itself
  try {
    return await work({ token: lease.token, holds: () => performance.now() < endsAt });
  } finally {
    clearInterval(renewal);
    await leases.release(lease, holder).catch(() => undefined); // it ends by itself
  }
}
