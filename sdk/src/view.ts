import type { OwnUser, Presence } from "../../contracts/entities.ts";
import { Cache } from "./cache.ts";
import type { Change } from "./core/records.ts";
import { Emitter } from "./emitter.ts";
import { outgoingMessage, storedMessage } from "./local-message.ts";
import type { Store } from "./store/port.ts";
import type { ClientEventName, ClientEvents, Connection } from "./types.ts";
import type { WindowDeps } from "./window-deps.ts";
import { LiveWindow } from "./window.ts";

export interface ViewDeps extends Pick<WindowDeps, "history" | "keep"> {
  readonly store: Store;
  /** Somebody else is signed in, or nobody. */
  readonly onUser: () => void;
  /** Everything was read anew: whoever leads now knows nothing of this tab. */
  readonly onRead: () => void;
  /** The connection is live again: what is told once was missed. */
  readonly onOnline: () => void;
}

/** What one tab shows: it reads the store once and follows what the core tells, in its order. */
export class View {
  me: OwnUser | null = null;
  connection: Connection = { state: "signed-out", retryAt: null, refusal: null };
  readonly cache = new Cache();
  readonly events = new Emitter<ClientEvents>();
  readonly windows = new Set<LiveWindow>();
  readonly presence = new Map<string, Presence>();
  readonly #deps: ViewDeps;
  /** What changed while the store is read; null: it is read. */
  #early: Change[] | null = [];
  #reading: Promise<void> | null = null;
  #isReadWanted = false;

  constructor(deps: ViewDeps) {
    this.#deps = deps;
  }

  /** Holds what is told until the store is read. */
  hold(): void {
    this.#early ??= [];
  }

  /** Begins with how the core says that things stand. */
  async begin({ connection, session }: Pick<ClientEvents, "connection" | "session">): Promise<void> {
    this.connection = connection;
    this.me = session.me;
    await this.read();
    this.events.emit("session", session);
    this.events.emit("connection", this.connection);
  }

  /** Reads everything from the store; what is told meanwhile comes after it. @throws StoreError */
  read(): Promise<void> {
    this.hold();
    this.#isReadWanted = true;
    this.#reading ??= this.#read().finally(() => (this.#reading = null));
    return this.#reading;
  }

  /** When what is being read is there. */
  async settled(): Promise<void> {
    await this.#reading;
  }

  async #read(): Promise<void> {
    while (this.#isReadWanted) {
      this.#isReadWanted = false;
      this.hold();
      this.cache.setMe(this.me?.userId ?? "");
      try {
        if (this.me) await this.cache.load(this.#deps.store);
        else this.cache.clear();
      } finally {
        const early = this.#early ?? [];
        this.#early = null;
        for (const change of early) this.changed(change); // one of another user has it read again
      }
    }
    this.#deps.onRead();
    this.events.emit("friends", this.cache.friends);
    this.events.emit("groups", this.cache.groups);
    this.events.emit("conversations", { changed: [...this.cache.records.keys()] });
    for (const window of this.windows) void window.refresh().catch(() => undefined);
  }

  openWindow(conversationId: string): LiveWindow {
    const { store, history, keep } = this.#deps;
    const window: LiveWindow = new LiveWindow(conversationId, {
      store,
      history,
      keep,
      me: () => this.me?.userId ?? "",
      record: (id) => this.cache.records.get(id) ?? null,
      outgoing: (id) => this.cache.outgoing(id),
      onClose: () => void this.windows.delete(window),
    });
    this.windows.add(window);
    return window;
  }

  /** Takes what the core tells. */
  changed(change: Change): void {
    if (this.#early) return void this.#early.push(change);
    const { signals = {} } = change;
    if (signals.session) this.#sessionChanged(signals.session.me);
    if (this.me) this.#pictureChanged(change);
    if (signals.presence) this.presence.set(signals.presence.userId, signals.presence);
    const isOnline = signals.connection?.state === "online" && this.connection.state !== "online";
    if (signals.connection) this.connection = signals.connection;
    for (const [name, payload] of Object.entries(signals)) this.events.emit(name as ClientEventName, payload);
    if (isOnline) this.#deps.onOnline();
  }

  #pictureChanged(change: Change): void {
    const { signals = {}, news = [], failed = [] } = change;
    if (signals.friends) this.cache.friends = signals.friends;
    if (signals.groups) this.cache.groups = signals.groups;
    const changed = this.cache.apply(change);
    for (const window of this.windows) window.apply(change, changed.has(window.conversationId));
    if (changed.size > 0) this.events.emit("conversations", { changed: [...changed] });
    const me = this.me?.userId ?? "";
    for (const message of news) {
      const record = this.cache.records.get(message.conversationId);
      if (record) this.events.emit("message", storedMessage(message, record, me));
    }
    for (const record of failed) this.events.emit("failed", outgoingMessage(record, me));
  }

  #sessionChanged(me: OwnUser | null): void {
    const isOther = me?.userId !== this.me?.userId;
    this.me = me;
    if (!isOther) return;
    this.presence.clear();
    const changed = [...this.cache.records.keys()];
    this.cache.clear();
    this.cache.setMe(me?.userId ?? "");
    for (const window of this.windows) window.clear();
    this.#deps.onUser();
    if (me) void this.read().catch(() => undefined);
    else {
      this.events.emit("friends", []);
      this.events.emit("groups", []);
      this.events.emit("conversations", { changed });
    }
  }
}
