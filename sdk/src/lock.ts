import { Lease, type Held } from "./lease.ts";
import type { Store } from "./store/port.ts";

/** The browser keeps the others out. */
const SURE: Held = { isHeld: () => true, confirm: async () => undefined };

const hasLocks = (): boolean => typeof navigator === "object" && "locks" in navigator;

/** Tabs can agree on one of them here: not where pages are plain HTTP and may store nothing. */
export const canLock = (): boolean => hasLocks() || localStore() !== null;

/**
 * Waits until nobody else holds what has this name, in any tab, and holds it while `work` lasts. By the browser's locks; pages
 * without TLS have none, and take a lease in the local storage.
 * @param signal ends the waiting, not the work
 * @throws when it was taken away, or ended: `work` has to be ended then
 */
export async function holdLock(name: string, signal: AbortSignal, work: (held: Held) => Promise<void>): Promise<void> {
  if (hasLocks()) return navigator.locks.request(name, { signal }, () => work(SURE));
  const storage = localStore();
  if (!storage) throw new Error("There are no locks here, and no local storage");
  return new Lease(name, { storage, events: window }).hold(signal, work);
}

/** A store that is written only while the lock is held. */
export function fenced(store: Store, held: Held): Store {
  if (held === SURE) return store;
  return {
    name: store.name,
    open: () => store.open(),
    get: (table, key) => store.get(table, key),
    list: (table, range) => store.list(table, range),
    write: async (operations) => {
      await held.confirm();
      await store.write(operations);
    },
    close: () => store.close(),
  };
}

/** Null where a page may not use it, or there is no room. */
function localStore(): Storage | null {
  try {
    if (typeof window !== "object") return null;
    const probe = "moleculer-im probe";
    window.localStorage.setItem(probe, "");
    window.localStorage.removeItem(probe);
    return window.localStorage;
  } catch {
    return null;
  }
}
