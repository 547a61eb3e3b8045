import type { LeasePlace } from "../../src/lease.ts";

/** How long a change is on its way to the browser, and from there to the other tabs. */
const HOP_MS = 10;

interface Tab extends LeasePlace {
  /** It hears of nothing while this is set; what others stored is there all the same. */
  isFrozen: boolean;
}

/**
 * The local storage of a browser as its tabs have it: each has a copy, in which its own changes are at once and those of others a
 * little later; in the end all have what the browser heard last.
 */
export class SharedStorage {
  readonly #items = new Map<string, string>();
  readonly #heard = new Map<Tab, (from: Tab, key: string, value: string | null) => void>();

  tab(): Tab {
    const items = new Map(this.#items);
    const pending = new Map<string, number>();
    const change = (key: string, value: string | null): void => {
      set(items, key, value);
      pending.set(key, (pending.get(key) ?? 0) + 1);
      setTimeout(() => this.#tellAll(tab, key, value), HOP_MS);
    };
    const tab: Tab = {
      isFrozen: false,
      events: new EventTarget(),
      storage: {
        getItem: (key) => items.get(key) ?? null,
        setItem: change,
        removeItem: (key) => change(key, null),
      },
    };
    this.#heard.set(tab, (from, key, value) => {
      const own = pending.get(key) ?? 0;
      if (from === tab) {
        pending.set(key, own - 1);
        return;
      }
      if (own === 0) set(items, key, value);
      if (!tab.isFrozen) tab.events.dispatchEvent(Object.assign(new Event("storage"), { key }));
    });
    return tab;
  }

  #tellAll(from: Tab, key: string, value: string | null): void {
    set(this.#items, key, value);
    setTimeout(() => {
      for (const heard of this.#heard.values()) heard(from, key, value);
    }, HOP_MS);
  }
}

function set(items: Map<string, string>, key: string, value: string | null): void {
  if (value === null) items.delete(key);
  else items.set(key, value);
}
