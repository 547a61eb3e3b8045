import type { HotLeases } from "./port.ts";

interface Held {
  holder: string;
  token: number;
  expiresAt: number;
}

/**
 * A holder that comes late with `renew` keeps its lease as long as nobody else took it: a laptop that slept or a debugger
 * that paused the process costs nothing. Tokens start at the time of day, so that they grow across restarts too.
 */
export function memoryLeases({ now = Date.now }: { now?: () => number } = {}): HotLeases {
  const leases = new Map<string, Held>();
  let newestToken = 0;

  const grant = (name: string, holder: string, ttlMs: number): Held => {
    newestToken = Math.max(newestToken + 1, now());
    const held = { holder, token: newestToken, expiresAt: now() + ttlMs };
    leases.set(name, held);
    return held;
  };

  return {
    async acquire(name, holder, ttlMs) {
      const held = leases.get(name);
      const isLive = held !== undefined && held.expiresAt > now();
      if (isLive && held.holder !== holder) return null;
      if (isLive) held.expiresAt = now() + ttlMs;
      return { name, token: (isLive ? held : grant(name, holder, ttlMs)).token };
    },
    async renew(lease, holder, ttlMs) {
      const held = leases.get(lease.name);
      if (held?.token !== lease.token || held.holder !== holder) return false;
      held.expiresAt = now() + ttlMs;
      return true;
    },
    async release(lease, holder) {
      const held = leases.get(lease.name);
      if (held?.token === lease.token && held.holder === holder) leases.delete(lease.name);
    },
  };
}
