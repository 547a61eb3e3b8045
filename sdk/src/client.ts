import type { Friend, Group, OwnUser, Presence } from "../../contracts/entities.ts";
import type { Params, Result } from "../../contracts/index.ts";
import type { RestAction } from "../../contracts/routes.ts";
import { Cache } from "./cache.ts";
import type { Change } from "./core/records.ts";
import { Emitter } from "./emitter.ts";
import { ImError } from "./errors.ts";
import { OwnLink, TabsLink, type Link } from "./link.ts";
import { outgoingMessage, storedMessage } from "./local-message.ts";
import { RestClient } from "./rest.ts";
import { defaultStore } from "./store/default.ts";
import type { Store } from "./store/port.ts";
import type {
  ClientEventName,
  ClientEvents,
  Connection,
  Draft,
  ImClient,
  ImClientOptions,
  LocalConversation,
  LocalMessage,
  MessageWindow,
} from "./types.ts";
import { LiveWindow, type WindowDeps } from "./window.ts";

const TOKEN_EXPIRED = 1003;

export function createClient(options: ImClientOptions = {}): ImClient {
  return new Client(options);
}

class Client implements ImClient {
  connection: Connection = { state: "signed-out", retryAt: null, refusal: null };
  me: OwnUser | null = null;
  deviceId: string | null = null;
  readonly #options: ImClientOptions;
  readonly #store: Store;
  readonly #rest: RestClient;
  readonly #url: string;
  #openLink: Link | null = null;
  readonly #cache = new Cache();
  readonly #events = new Emitter<ClientEvents>();
  readonly #windows = new Set<LiveWindow>();
  readonly #watches = new Set<readonly string[]>();
  readonly #presence = new Map<string, Presence>();
  readonly #tab = crypto.randomUUID();
  #language: string;
  #token: string | null = null;
  /** What changed while the store is read. */
  #early: Change[] | null = [];
  #started: Promise<void> | null = null;

  constructor(options: ImClientOptions) {
    this.#options = options;
    const url = (options.url ?? globalThis.location?.origin ?? "").replace(/\/+$/, "");
    if (!/^https?:\/\//.test(url)) throw new TypeError(`url must be the http(s) address of the server, not "${url}"`);
    this.#language = options.language ?? "en";
    this.#store = options.store ?? defaultStore(`im ${url}`);
    this.#rest = new RestClient({ url, language: () => this.#language });
    this.#url = url;
  }

  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  async #start(): Promise<void> {
    await this.#store.open();
    this.deviceId = await deviceIdOf(this.#store);
    this.#openLink = this.#makeLink();
    await this.#link.start();
    const { connection, session } = await this.#link.ask("hello");
    this.connection = connection;
    this.me = session.me;
    await this.#reload();
    this.#events.emit("session", session);
    this.#events.emit("connection", this.connection);
  }

  /** The store's name says which tabs belong together, and is known once it is open. */
  #makeLink(): Link {
    const deps = {
      url: this.#url,
      store: this.#store,
      rest: this.#rest,
      onChange: (change: Change) => this.#changed(change),
      onNewLead: () => void this.#reload(),
    };
    const isBrowser = typeof window === "object" && "locks" in navigator && typeof BroadcastChannel === "function";
    return (this.#options.tabs ?? isBrowser) ? new TabsLink(deps) : new OwnLink(deps);
  }

  get #link(): Link {
    if (!this.#openLink) throw new ImError(0, "Call start() first");
    return this.#openLink;
  }

  async stop(): Promise<void> {
    if (!this.#started) return;
    await this.#started.catch(() => undefined);
    for (const window of [...this.#windows]) window.close();
    await this.#openLink?.stop();
    await this.#store.close();
  }

  setLanguage(language: "en" | "zh"): void {
    this.#language = language;
  }

  async register(account: Params<"user.register">): Promise<OwnUser> {
    await this.#rest.call("user.register", account, null);
    return this.signIn({ username: account.username, password: account.password });
  }

  async signIn(credentials: Omit<Params<"auth.login">, "deviceId" | "deviceType" | "deviceName">): Promise<OwnUser> {
    await this.start();
    const { deviceType = "web", deviceName } = this.#options;
    const device = { deviceId: this.deviceId!, deviceType, ...(deviceName !== undefined && { deviceName }) };
    const login = await this.#rest.call("auth.login", { ...credentials, ...device }, null);
    this.#token = login.accessToken;
    await this.#link.ask("adopt", login);
    return login.user;
  }

  async signOut({ all = false }: { readonly all?: boolean } = {}): Promise<void> {
    try {
      await this.call("auth.logout", all ? { all } : {});
    } catch (error) {
      if (all) throw error; // alone here would not be what was asked for
    }
    this.#token = null;
    await this.#link.ask("signOut", "signed_out");
  }

  reconnect(): void {
    void this.#link.ask("reconnect").catch(() => undefined);
  }

  async call<A extends RestAction>(
    action: A,
    ...[params]: object extends Params<A> ? [Params<A>?] : [Params<A>]
  ): Promise<Result<A>> {
    const given = (params ?? {}) as Params<A>;
    this.#token ??= await this.#link.ask("token");
    const used = this.#token;
    const result = await this.#rest.call(action, given, used).catch(async (error: unknown) => {
      if (!(error instanceof ImError) || error.status !== 401 || error.code === 1002) throw error;
      // Expired, or replaced by another tab; whether the session is over, the renewal tells.
      this.#token = await this.#link.ask("token", used);
      if (this.#token === used && error.code !== TOKEN_EXPIRED) throw error;
      return this.#rest.call(action, given, this.#token);
    });
    if (action === "user.me" || action === "user.updateProfile") await this.#link.ask("setMe", result as OwnUser);
    return result;
  }

  get conversations(): readonly LocalConversation[] {
    return this.#cache.list;
  }

  conversation(conversationId: string): LocalConversation | null {
    return this.#cache.conversation(conversationId);
  }

  async openDirect(userId: string): Promise<LocalConversation> {
    const conversation = await this.call("conversation.open", { userId });
    await this.#link.ask("opened", conversation);
    return this.#cache.conversation(conversation.conversationId) ?? viewOf(conversation, this.me?.userId ?? "");
  }

  async updateConversation(
    conversationId: string,
    change: { readonly pinned?: boolean; readonly muted?: boolean; readonly hidden?: boolean; readonly draft?: string },
  ): Promise<void> {
    const before = this.#cache.records.get(conversationId)?.conversation;
    await this.#link.ask("setLocally", { conversationId, values: change });
    const { draft: _, ...rest } = change; // a draft is kept here and told later
    if (Object.keys(rest).length === 0) return;
    try {
      await this.call("conversation.update", { conversationId, ...rest });
    } catch (error) {
      if (before) {
        const values = Object.fromEntries(Object.keys(rest).map((name) => [name, before[name as keyof typeof rest]]));
        await this.#link.ask("setLocally", { conversationId, values });
      }
      throw error;
    }
  }

  async clearConversation(conversationId: string): Promise<void> {
    await this.call("conversation.clear", { conversationId });
    await this.#link.ask("cleared", conversationId);
  }

  async markRead(conversationId: string, seq?: number): Promise<void> {
    const conversation = this.#cache.records.get(conversationId)?.conversation;
    const upTo = seq ?? conversation?.maxSeq ?? 0;
    if (!conversation || upTo <= conversation.readSeq) return;
    await this.#link.ask("markRead", { conversationId, seq: upTo });
  }

  typing(conversationId: string, kind: "text" | "voice" | "none"): void {
    void this.#link.ask("typing", { conversationId, kind }).catch(() => undefined);
  }

  messages(conversationId: string): MessageWindow {
    const window = new LiveWindow(conversationId, this.#windowDeps);
    this.#windows.add(window);
    void this.#loadReceipts(conversationId);
    return window;
  }

  async send({ type = "text", ...draft }: Draft): Promise<LocalMessage> {
    if (!this.me) throw new ImError(1010, "Nobody is signed in");
    const message = { clientMsgId: crypto.randomUUID(), draft: { type, ...draft }, createdAt: Date.now() };
    return outgoingMessage(await this.#link.ask("send", message), this.me.userId);
  }

  retry(clientMsgId: string): Promise<void> {
    return this.#link.ask("retry", clientMsgId);
  }

  discard(clientMsgId: string): Promise<void> {
    return this.#link.ask("discard", clientMsgId);
  }

  async edit(messageId: string, text: string): Promise<void> {
    await this.#link.ask("took", await this.call("message.edit", { messageId, content: { text } }));
  }

  async recall(messageId: string): Promise<void> {
    await this.#link.ask("took", await this.call("message.recall", { messageId }));
  }

  async deleteForMe(messageId: string): Promise<void> {
    const { conversationId } = await this.call("message.deleteForMe", { messageId });
    await this.#link.ask("deleted", { conversationId, messageId });
  }

  async react(messageId: string, emoji: string, remove = false): Promise<void> {
    const message = await this.call(remove ? "message.unreact" : "message.react", { messageId, emoji });
    await this.#link.ask("took", message);
  }

  async pin(messageId: string, pinned: boolean): Promise<void> {
    await this.#link.ask("took", await this.call(pinned ? "message.pin" : "message.unpin", { messageId }));
  }

  get friends(): readonly Friend[] {
    return this.#cache.friends;
  }

  get groups(): readonly Group[] {
    return this.#cache.groups;
  }

  watchPresence(userIds: readonly string[]): () => void {
    const watch = [...userIds];
    this.#watches.add(watch);
    this.#tellWatches();
    return () => {
      if (this.#watches.delete(watch)) this.#tellWatches();
    };
  }

  presenceOf(userId: string): Presence | null {
    return this.#presence.get(userId) ?? null;
  }

  on<E extends ClientEventName>(event: E, listener: (payload: ClientEvents[E]) => void): () => void {
    return this.#events.on(event, listener);
  }

  readonly #windowDeps: WindowDeps = {
    store: { list: (...args: Parameters<Store["list"]>) => this.#store.list(...args) } as Store,
    me: () => this.me?.userId ?? "",
    record: (id) => this.#cache.records.get(id) ?? null,
    outgoing: (id) => this.#cache.outgoing(id),
    history: (params) => this.call("message.history", params),
    keep: (page) => void this.#link.ask("keep", page).catch(() => undefined),
    onClose: (window) => void this.#windows.delete(window),
  };

  async #loadReceipts(conversationId: string): Promise<void> {
    try {
      const { items } = await this.call("conversation.receipts", { conversationId });
      const others = items.filter(({ userId }) => userId !== this.me?.userId);
      const read = Math.max(0, ...others.map(({ readSeq }) => readSeq));
      const delivered = Math.max(0, ...others.map(({ deliveredSeq }) => deliveredSeq));
      await this.#link.ask("receipts", { conversationId, delivered, read });
    } catch {
      // Pushes tell what comes from now on.
    }
  }

  #tellWatches(): void {
    const userIds = [...new Set([...this.#watches].flat())];
    void this.#link.ask("watch", { tab: this.#tab, userIds }).catch(() => undefined);
  }

  /** Reads everything from the store: at the start, and when another tab leads, whose predecessor may have told not all. */
  async #reload(): Promise<void> {
    this.#early ??= [];
    this.#cache.setMe(this.me?.userId ?? "");
    await this.#cache.load(this.#store);
    const early = this.#early ?? [];
    this.#early = null;
    for (const change of early) this.#changed(change);
    if (this.#watches.size > 0) this.#tellWatches();
    this.#events.emit("friends", this.#cache.friends);
    this.#events.emit("groups", this.#cache.groups);
    this.#events.emit("conversations", { changed: [...this.#cache.records.keys()] });
    for (const window of this.#windows) if (!window.hasNewer) void window.loadLatest().catch(() => undefined);
  }

  #changed(change: Change): void {
    if (this.#early) return void this.#early.push(change);
    const { signals = {}, news = [], failed = [] } = change;
    if (signals.session) this.#sessionChanged(signals.session.me);
    if (signals.connection) this.connection = signals.connection;
    if (signals.friends) this.#cache.friends = signals.friends;
    if (signals.groups) this.#cache.groups = signals.groups;
    if (signals.presence) this.#presence.set(signals.presence.userId, signals.presence);
    const changed = this.#cache.apply(change);
    for (const window of this.#windows) window.apply(change, changed.has(window.conversationId));
    if (changed.size > 0) this.#events.emit("conversations", { changed: [...changed] });
    const me = this.me?.userId ?? "";
    for (const message of news) {
      const record = this.#cache.records.get(message.conversationId);
      if (record) this.#events.emit("message", storedMessage(message, record, me));
    }
    for (const record of failed) this.#events.emit("failed", outgoingMessage(record, me));
    for (const [name, payload] of Object.entries(signals)) this.#events.emit(name as ClientEventName, payload);
  }

  #sessionChanged(me: OwnUser | null): void {
    const isOther = me?.userId !== this.me?.userId;
    this.me = me;
    if (!isOther) return;
    this.#token = null;
    this.#presence.clear();
    if (me) void this.#reload();
    else {
      this.#cache.clear();
      this.#cache.setMe("");
    }
  }
}

function viewOf({ lastMessage, ...conversation }: Result<"conversation.open">, me: string): LocalConversation {
  const cursors = { othersDelivered: 0, othersRead: 0, persistedSeq: 0 };
  return { ...conversation, lastMessage: lastMessage && storedMessage(lastMessage, cursors, me), active: true };
}

/** The same as long as the store lives, for whoever signs in. */
async function deviceIdOf(store: Store): Promise<string> {
  const known = (await store.get("meta", ["deviceId"])) as string | undefined;
  if (known !== undefined) return known;
  const made = crypto.randomUUID();
  await store.write([{ table: "meta", key: ["deviceId"], put: made }]);
  return made;
}
