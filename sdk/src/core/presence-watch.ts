import type { Presence } from "../../../contracts/entities.ts";

const ANSWER_TIMEOUT_MS = 10_000;
/** As many as one request may name. */
const AT_ONCE = 100;

export interface WatchDeps {
  readonly isOpen: () => boolean;
  readonly send: (event: string, payload: object, timeoutMs: number) => Promise<unknown>;
  readonly onPresence: (presence: Presence) => void;
}

/** Whom the tabs watch, told to the server as one list. */
export class PresenceWatch {
  readonly #deps: WatchDeps;
  readonly #byTab = new Map<string, ReadonlySet<string>>();
  #told = new Set<string>();
  /** As last told, for the tab that watches somebody whom another one watches already. */
  readonly #known = new Map<string, Presence>();

  constructor(deps: WatchDeps) {
    this.#deps = deps;
  }

  /** All whom a tab watches now. */
  set(tab: string, userIds: readonly string[]): void {
    const before = this.#byTab.get(tab);
    for (const id of userIds) {
      const known = this.#known.get(id);
      if (known && !before?.has(id)) this.#deps.onPresence(known);
    }
    if (userIds.length === 0) this.#byTab.delete(tab);
    else this.#byTab.set(tab, new Set(userIds));
    void this.#follow();
  }

  /** The server told how somebody is. */
  changed(presence: Presence): void {
    if (this.#told.has(presence.userId)) this.#known.set(presence.userId, presence);
    this.#deps.onPresence(presence);
  }

  /** A new connection watches nobody yet. */
  opened(): void {
    this.#told = new Set();
    this.#known.clear();
    void this.#follow();
  }

  async #follow(): Promise<void> {
    if (!this.#deps.isOpen()) return;
    const wanted = new Set([...this.#byTab.values()].flatMap((userIds) => [...userIds]));
    const [come, gone] = [[...wanted].filter((id) => !this.#told.has(id)), [...this.#told].filter((id) => !wanted.has(id))];
    this.#told = wanted;
    for (const id of gone) this.#known.delete(id);
    try {
      for (const userIds of chunks(come)) {
        const { items } = (await this.#deps.send("presence:subscribe", { userIds }, ANSWER_TIMEOUT_MS)) as { items: Presence[] };
        for (const item of items) this.changed(item);
      }
      for (const userIds of chunks(gone)) await this.#deps.send("presence:unsubscribe", { userIds }, ANSWER_TIMEOUT_MS);
    } catch {
      for (const id of come) this.#told.delete(id); // the next change or connection tells them again
    }
  }
}

function* chunks(ids: readonly string[]): Generator<string[]> {
  for (let start = 0; start < ids.length; start += AT_ONCE) yield ids.slice(start, start + AT_ONCE);
}
