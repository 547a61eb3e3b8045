import type { HotLeases } from "../../mixins/hot-store/port.ts";

/** A time during which one holds a lease. */
export interface Term {
  /** Grows with every new holder: what is written under a smaller one is refused. */
  readonly token: number;
  /** false: somebody else may hold it. */
  holds(): boolean;
}

const RENEWALS_IN_TTL = 4;

/**
 * Does `work` while this holder has the lease, which is renewed meanwhile; null when another has it.
 * @throws when the hot store cannot be asked; what `work` throws
 */
export async function underLease<T>(
  leases: HotLeases,
  name: string,
  { holder, ttlMs }: { holder: string; ttlMs: number },
  work: (term: Term) => Promise<T>,
): Promise<T | null> {
  const askedAt = performance.now();
  const lease = await leases.acquire(name, holder, ttlMs);
  if (!lease) return null;
  let endsAt = askedAt + ttlMs;
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
