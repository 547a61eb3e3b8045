import type { Friend, Group, OwnUser, Presence } from "../../contracts/entities.ts";
import type { Params, Result } from "../../contracts/index.ts";
import type { RestAction } from "../../contracts/routes.ts";
import { Calls } from "./calls.ts";
import type { Command, Commands } from "./core/core.ts";
import { ImError } from "./errors.ts";
import { deviceIdOf } from "./device-id.ts";
import type { Link } from "./link.ts";
import { firstView, furthest, outgoingMessage } from "./local-message.ts";
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
import { openLink } from "./tabs-link.ts";
import { uniqueText } from "./unique-text.ts";
import { View } from "./view.ts";
import { Watches } from "./watches.ts";

export function createClient(options: ImClientOptions = {}): ImClient {
  return new Client(options);
}

class Client implements ImClient {
  deviceId: string | null = null;
  readonly #options: ImClientOptions;
  readonly #store: Store;
  readonly #rest: RestClient;
  readonly #url: string;
  readonly #view: View;
  readonly #calls: Calls;
  readonly #watches = new Watches(() => this.#tellWatches());
  readonly #tab = uniqueText();
  #link: Link | null = null;
  #language: string;
  #started: Promise<void> | null = null;
  #stopping: Promise<void> = Promise.resolve();

  constructor(options: ImClientOptions) {
    this.#options = options;
    const url = (options.url ?? globalThis.location?.origin ?? "").replace(/\/+$/, "");
    if (!/^https?:\/\//.test(url)) throw new TypeError(`url must be the http(s) address of the server, not "${url}"`);
    this.#language = options.language ?? "en";
    this.#store = options.store ?? defaultStore(`im ${url}`);
    this.#rest = new RestClient({ url, language: () => this.#language });
    this.#url = url;
    this.#calls = new Calls({
      rest: this.#rest,
      me: () => this.me?.userId ?? "",
      token: (asked) => this.#ask("token", asked),
      setMe: (me) => this.#ask("setMe", me),
    });
    this.#view = new View({
      store: this.#store,
      history: (params) => this.call("message.history", params),
      keep: (page) => void this.#ask("keep", page).catch(() => undefined),
      onUser: () => this.#calls.forgetToken(),
      onRead: () => this.#tellWatches(),
      onOnline: () => this.#loadAllReceipts(),
    });
  }

  get me(): OwnUser | null {
    return this.#view.me;
  }

  get connection(): Connection {
    return this.#view.connection;
  }

  start(): Promise<void> {
    this.#started ??= this.#stopping.then(() => this.#start());
    return this.#started;
  }

  async #start(): Promise<void> {
    try {
      this.#view.hold();
      await this.#store.open();
      this.deviceId = await deviceIdOf(this.#store);
      this.#link = openLink(this.#options.tabs, {
        url: this.#url,
        store: this.#store, // whose name says which tabs belong together, and is known once it is open
        rest: this.#rest,
        onChange: (change) => this.#view.changed(change),
        onNewLead: () => void this.#view.read().catch(() => undefined),
      });
      await this.#link.start();
      await this.#view.begin(await this.#link.ask("hello"));
    } catch (error) {
      this.#started = null;
      await this.#letGo().catch(() => undefined);
      throw error;
    }
  }

  async stop(): Promise<void> {
    const started = this.#started;
    if (!started) return this.#stopping;
    await started.catch(() => undefined);
    if (this.#started !== started) return this.#stopping; // it did not start, or was stopped meanwhile
    this.#started = null;
    this.#stopping = this.#end().catch(() => undefined);
    return this.#stopping;
  }

  async #end(): Promise<void> {
    for (const window of [...this.#view.windows]) window.close();
    this.#watches.clear();
    await this.#letGo();
    const connection = { state: this.me ? "offline" : "signed-out", retryAt: null, refusal: null } as const;
    if (this.connection.state !== connection.state) this.#view.changed({ signals: { connection } });
  }

  async #letGo(): Promise<void> {
    const link = this.#link;
    this.#link = null;
    await link?.stop();
    await this.#store.close();
  }

  async #ask<C extends Command>(command: C, ...args: Parameters<Commands[C]>): Promise<ReturnType<Commands[C]>> {
    if (!this.#link) throw new ImError(0, "Call start() first");
    return this.#link.ask(command, ...args);
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
    await this.#ask("adopt", login);
    this.#calls.forgetToken();
    await this.#view.settled();
    return login.user;
  }

  async signOut({ all = false }: { readonly all?: boolean } = {}): Promise<void> {
    await this.#ask("signOut", { all });
    this.#calls.forgetToken();
  }

  reconnect(): void {
    void this.#ask("reconnect").catch(() => undefined);
  }

  call<A extends RestAction>(action: A, ...[params]: object extends Params<A> ? [Params<A>?] : [Params<A>]): Promise<Result<A>> {
    return this.#calls.call(action, (params ?? {}) as Params<A>);
  }

  get conversations(): readonly LocalConversation[] {
    return this.#view.cache.list;
  }

  conversation(conversationId: string): LocalConversation | null {
    return this.#view.cache.conversation(conversationId);
  }

  async openDirect(userId: string): Promise<LocalConversation> {
    const conversation = await this.call("conversation.open", { userId });
    await this.#ask("opened", conversation);
    return this.#view.cache.conversation(conversation.conversationId) ?? firstView(conversation, this.me?.userId ?? "");
  }

  async updateConversation(
    conversationId: string,
    change: { readonly pinned?: boolean; readonly muted?: boolean; readonly hidden?: boolean; readonly draft?: string },
  ): Promise<void> {
    const before = this.#view.cache.records.get(conversationId)?.conversation;
    await this.#ask("setLocally", { conversationId, values: change });
    const { draft: _, ...rest } = change; // a draft is kept here and told later
    if (Object.keys(rest).length === 0) return;
    try {
      await this.call("conversation.update", { conversationId, ...rest });
    } catch (error) {
      if (before) {
        const values = Object.fromEntries(Object.keys(rest).map((name) => [name, before[name as keyof typeof rest]]));
        await this.#ask("setLocally", { conversationId, values });
      }
      throw error;
    }
  }

  async clearConversation(conversationId: string): Promise<void> {
    const seq = this.#view.cache.records.get(conversationId)?.conversation.maxSeq ?? 0; // what comes meanwhile may stay
    await this.call("conversation.clear", { conversationId });
    await this.#ask("cleared", { conversationId, seq });
  }

  async markRead(conversationId: string, seq?: number): Promise<void> {
    const conversation = this.#view.cache.records.get(conversationId)?.conversation;
    const upTo = seq ?? conversation?.maxSeq ?? 0;
    if (!conversation || upTo <= conversation.readSeq) return;
    await this.#ask("markRead", { conversationId, seq: upTo });
  }

  typing(conversationId: string, kind: "text" | "voice" | "none"): void {
    void this.#ask("typing", { conversationId, kind }).catch(() => undefined);
  }

  messages(conversationId: string): MessageWindow {
    void this.#loadReceipts(conversationId);
    return this.#view.openWindow(conversationId);
  }

  async send({ type = "text", ...draft }: Draft): Promise<LocalMessage> {
    if (!this.me) throw new ImError(1010, "Nobody is signed in");
    const { userId: senderId } = this.me;
    const message = { clientMsgId: uniqueText(), draft: { type, ...draft }, createdAt: Date.now(), senderId };
    return outgoingMessage(await this.#ask("send", message), senderId);
  }

  retry(clientMsgId: string): Promise<void> {
    return this.#ask("retry", clientMsgId);
  }

  discard(clientMsgId: string): Promise<void> {
    return this.#ask("discard", clientMsgId);
  }

  async edit(messageId: string, text: string): Promise<void> {
    await this.#ask("took", await this.call("message.edit", { messageId, content: { text } }));
  }

  async recall(messageId: string): Promise<void> {
    await this.#ask("took", await this.call("message.recall", { messageId }));
  }

  async deleteForMe(messageId: string): Promise<void> {
    const { conversationId } = await this.call("message.deleteForMe", { messageId });
    await this.#ask("deleted", { conversationId, messageId });
  }

  async react(messageId: string, emoji: string, remove = false): Promise<void> {
    const message = await this.call(remove ? "message.unreact" : "message.react", { messageId, emoji });
    await this.#ask("took", message);
  }

  async pin(messageId: string, pinned: boolean): Promise<void> {
    await this.#ask("took", await this.call(pinned ? "message.pin" : "message.unpin", { messageId }));
  }

  get friends(): readonly Friend[] {
    return this.#view.cache.friends;
  }

  get groups(): readonly Group[] {
    return this.#view.cache.groups;
  }

  watchPresence(userIds: readonly string[]): () => void {
    return this.#watches.add(userIds);
  }

  presenceOf(userId: string): Presence | null {
    return this.#view.presence.get(userId) ?? null;
  }

  on<E extends ClientEventName>(event: E, listener: (payload: ClientEvents[E]) => void): () => void {
    return this.#view.events.on(event, listener);
  }

  async #loadReceipts(conversationId: string): Promise<void> {
    try {
      const { items } = await this.call("conversation.receipts", { conversationId });
      await this.#ask("receipts", { conversationId, ...furthest(items, this.me?.userId ?? "") });
    } catch {
      // Pushes tell what comes from now on.
    }
  }

  #loadAllReceipts(): void {
    for (const id of new Set([...this.#view.windows].map(({ conversationId }) => conversationId))) void this.#loadReceipts(id);
  }

  #tellWatches(): void {
    const watched = this.#watches.userIds;
    for (const userId of this.#view.presence.keys()) if (!watched.has(userId)) this.#view.presence.delete(userId);
    void this.#ask("watch", { tab: this.#tab, userIds: [...watched] }).catch(() => undefined);
  }
}
