import type { Conversation, Message } from "../../../contracts/entities.ts";
import type { Result } from "../../../contracts/index.ts";
import type { ServerEventName, ServerEventPayload } from "../../../contracts/socket-events.ts";
import { reportLater } from "../emitter.ts";
import { ImError } from "../errors.ts";
import type { RestClient } from "../rest.ts";
import { StoreError, type Store } from "../store/port.ts";
import type { ClientEvents } from "../types.ts";
import { Account } from "./account.ts";
import { applyCleared, applyDeleted, applyRead, applyUpdated, emptyRecord } from "./apply.ts";
import { SocketConnection } from "./connection.ts";
import { Cursors } from "./cursors.ts";
import { keepPage, type KeptPage } from "./keep-page.ts";
import { Picture } from "./picture.ts";
import { PresenceWatch } from "./presence-watch.ts";
import type { Change, OutboxRecord } from "./records.ts";
import { Rosters } from "./rosters.ts";
import { Sender } from "./sender.ts";
import { SessionKeeper } from "./session-keeper.ts";
import { Syncer } from "./syncer.ts";

const SYNC_TIMEOUT_MS = 30_000;
/** Friends and groups are waited for so long before a client that is in sync says so. */
const ROSTERS_MS = 1_000;

export interface CoreDeps {
  readonly url: string;
  readonly store: Store;
  readonly rest: RestClient;
  /** Tells all tabs, this one too. */
  readonly publish: (change: Change) => void;
  /** Resolves when no other tab leads, nor will for so long. @throws ImError with code 0 when one does; absent: there are none */
  readonly confirmLead?: (forMs: number) => Promise<void>;
}

/** What tabs ask of the one that leads, by name, with plain data. */
export interface Commands {
  hello(): { connection: ClientEvents["connection"]; session: ClientEvents["session"] };
  adopt(login: Result<"auth.login">): void;
  signOut(options: { all: boolean }): void;
  token(asked: { userId: string; refused?: string }): string;
  setMe(me: Result<"user.me">): void;
  send(message: Pick<OutboxRecord, "clientMsgId" | "draft" | "createdAt"> & { senderId: string }): OutboxRecord;
  retry(clientMsgId: string): void;
  discard(clientMsgId: string): void;
  markRead(at: { conversationId: string; seq: number }): void;
  setLocally(change: {
    conversationId: string;
    values: Partial<Pick<Conversation, "pinned" | "muted" | "hidden" | "draft">>;
  }): void;
  took(message: Message): void;
  deleted(message: { conversationId: string; messageId: string }): void;
  cleared(at: { conversationId: string; seq: number }): void;
  opened(conversation: Conversation): void;
  keep(page: KeptPage): void;
  receipts(at: { conversationId: string; delivered: number; read: number }): void;
  typing(payload: { conversationId: string; kind: "text" | "voice" | "none" }): void;
  watch(at: { tab: string; userIds: readonly string[] }): void;
  reconnect(): void;
  sync(): void;
}
export type Command = keyof Commands;
type Handlers = {
  [C in Command]: (...args: Parameters<Commands[C]>) => Promise<ReturnType<Commands[C]>> | ReturnType<Commands[C]>;
};

/** The one writer of a store and holder of the socket, for one tab or many. */
export class Core {
  readonly picture: Picture;
  readonly #deps: CoreDeps;
  readonly #session: SessionKeeper;
  readonly #connection: SocketConnection;
  readonly #syncer: Syncer;
  readonly #sender: Sender;
  readonly #cursors: Cursors;
  readonly #rosters: Rosters;
  readonly #watch: PresenceWatch;
  readonly #account: Account;
  #order = 0;
  /** Runs while the lists of friends and groups are waited for. */
  #late: ReturnType<typeof setTimeout> | undefined;

  constructor(deps: CoreDeps) {
    this.#deps = deps;
    const { store, rest, url, publish } = deps;
    const signal = (signals: Partial<ClientEvents>): void => publish({ signals });
    const picture = (this.picture = new Picture(store, publish));
    const onError = (error: unknown): void => {
      if (!(error instanceof ImError || error instanceof StoreError)) reportLater(error); // those are tried again
    };
    const isOpen = (): boolean => this.#connection.isOpen;
    const send = (event: string, payload: object, timeoutMs: number): Promise<unknown> =>
      this.#connection.send(event, payload, timeoutMs);
    const me = (): string => this.#session.session?.me.userId ?? "";
    this.#session = new SessionKeeper(store, rest, {
      onRenewing: async (forMs) => deps.confirmLead?.(forMs),
      onRenewed: ({ accessToken }) => void send("auth:renew", { token: accessToken }, SYNC_TIMEOUT_MS).catch(() => undefined),
      onEnded: (reason) => this.#account.ended(reason),
    });
    this.#connection = new SocketConnection(url, this.#session, {
      onState: (connection) => signal({ connection }),
      onOpen: () => this.#opened(),
      onClose: () => {
        clearTimeout(this.#late);
        this.#late = undefined;
        this.#syncer.close();
      },
      onPush: (event, payload) => this.#pushed(event, payload),
      onEnded: (reason) => this.#account.ended(reason),
    });
    this.#syncer = new Syncer({
      picture,
      me,
      pull: async (params) => (await send("sync", params, SYNC_TIMEOUT_MS)) as Result<"sync.pull">,
      onSynced: (versions) => {
        signal({ requests: null });
        const late = setTimeout(() => this.#connection.synced(), ROSTERS_MS);
        this.#late = late;
        void this.#rosters.follow(versions).finally(() => {
          if (this.#late === late) this.#connection.synced();
          clearTimeout(late);
        });
      },
      onApplied: () => this.#cursors.soon(),
      onError,
    });
    this.#sender = new Sender({
      picture,
      me: () => this.#session.session?.me.userId ?? null,
      isOpen,
      send: (payload, timeoutMs) => send("message:send", payload, timeoutMs),
      arrived: (tx, message) => this.#syncer.arrived(tx, message),
      requestSync: () => this.#syncer.request(),
      onError,
    });
    const withToken = async <T>(work: (token: string) => Promise<T>): Promise<T> => work(await this.#session.token());
    const saveDraft = (conversationId: string, draft: string): Promise<unknown> =>
      withToken((token) => rest.call("conversation.update", { conversationId, draft }, token));
    this.#cursors = new Cursors({ picture, isOpen, send, saveDraft, onError });
    this.#rosters = new Rosters({
      picture,
      friendsSince: (since) =>
        withToken((token) => rest.call("friend.list", since === undefined ? {} : { sinceVersion: since }, token)),
      groupsSince: (since) =>
        withToken((token) => rest.call("group.mine", since === undefined ? {} : { sinceVersion: since }, token)),
      onFriends: (friends) => signal({ friends }),
      onGroups: (groups) => signal({ groups }),
      onLeft: () => this.#syncer.request(),
      isOpen,
      onError,
    });
    this.#watch = new PresenceWatch({ isOpen, send, onPresence: (presence) => signal({ presence }) });
    this.#account = new Account({
      picture,
      session: this.#session,
      rest,
      publish,
      pause: () => {
        this.#connection.close(true);
        this.#syncer.close();
      },
      resume: () => this.#connection.open(),
    });
  }

  /** Opens what is kept; the connection follows by itself. */
  async start(): Promise<void> {
    await this.picture.load();
    await this.#session.load();
    this.#order = Math.max(0, ...[...this.picture.outbox.values()].map(({ order }) => order));
    if (this.#session.session) this.#connection.open();
    else this.#connection.close(true);
  }

  async stop(): Promise<void> {
    this.#sender.stop();
    this.#cursors.stop();
    this.#rosters.stop();
    this.#syncer.close();
    this.#connection.close(this.#session.session === null);
    await this.#session.stop();
    await this.picture.transact(async () => undefined);
  }

  readonly handlers: Handlers = {
    hello: () => ({
      connection: this.#connection.current,
      session: { me: this.#session.session?.me ?? null, reason: null },
    }),
    adopt: (login) => this.#account.adopt(login),
    signOut: ({ all }) => this.#account.signOut(all),
    token: ({ userId, refused }) => {
      if (userId !== this.#me) throw new ImError(1004, "Nobody is signed in");
      return this.#session.token(refused);
    },
    setMe: (me) => this.#account.setMe(me),
    send: async ({ senderId, ...message }) => {
      if (senderId !== this.#me) throw new ImError(1004, "Signed out meanwhile");
      const record = await this.picture.transact(async (tx) => {
        const known = tx.outbox(message.clientMsgId);
        if (known) return known; // asked twice, of two tabs that led
        const added = { ...message, order: ++this.#order, failure: null, accepted: null };
        tx.putOutbox(added);
        return added;
      });
      this.#sender.pump();
      return record;
    },
    retry: async (clientMsgId) => {
      await this.picture.transact(async (tx) => {
        const record = tx.outbox(clientMsgId);
        if (record?.failure) tx.putOutbox({ ...record, failure: null, order: ++this.#order });
      });
      this.#sender.pump();
    },
    discard: (clientMsgId) =>
      this.picture.transact(async (tx) => {
        if (tx.outbox(clientMsgId)?.failure) tx.dropOutbox(clientMsgId);
      }),
    markRead: async ({ conversationId, seq }) => {
      await this.picture.transact((tx) => applyRead(tx, this.#me, conversationId, seq, false));
      this.#cursors.soon();
    },
    setLocally: async ({ conversationId, values }) => {
      await this.picture.transact(async (tx) => {
        const record = tx.conversation(conversationId);
        if (!record) return;
        const untold = values.draft === undefined ? {} : { untoldDraft: values.draft };
        tx.putConversation({ ...record, ...untold, conversation: { ...record.conversation, ...values } });
      });
      if (values.draft !== undefined) this.#cursors.soon();
    },
    took: (message) => this.picture.transact((tx) => applyUpdated(tx, this.#me, message)),
    deleted: ({ conversationId, messageId }) =>
      this.picture.transact((tx) => applyDeleted(tx, this.#me, conversationId, messageId)),
    cleared: ({ conversationId, seq }) => this.picture.transact((tx) => applyCleared(tx, this.#me, conversationId, seq)),
    opened: async (conversation) => {
      const isNew = await this.picture.transact(async (tx) => {
        if (tx.conversation(conversation.conversationId)) return false;
        tx.putConversation({ ...emptyRecord(conversation), fromStart: conversation.maxSeq === 0 });
        return true;
      });
      if (isNew && conversation.maxSeq > 0) this.#syncer.request();
    },
    keep: (page) => this.picture.transact((tx) => keepPage(tx, page)),
    receipts: ({ conversationId, delivered, read }) =>
      this.picture.transact(async (tx) => {
        const record = tx.conversation(conversationId);
        if (!record || (record.othersDelivered >= delivered && record.othersRead >= read)) return;
        const othersRead = Math.max(record.othersRead, read);
        tx.putConversation({ ...record, othersRead, othersDelivered: Math.max(record.othersDelivered, delivered, othersRead) });
      }),
    typing: (payload) => {
      if (this.#connection.isOpen) void this.#connection.send("typing", payload, SYNC_TIMEOUT_MS).catch(() => undefined);
    },
    watch: ({ tab, userIds }) => this.#watch.set(tab, userIds),
    reconnect: () => this.#connection.now(),
    sync: () => this.#syncer.request(),
  };

  get #me(): string {
    return this.#session.session?.me.userId ?? "";
  }

  #opened(): void {
    this.#syncer.open();
    this.#sender.opened();
    this.#watch.opened();
    this.#cursors.soon();
  }

  #pushed(event: ServerEventName, payload: unknown): void {
    const signal = (signals: Partial<ClientEvents>): void => this.#deps.publish({ signals });
    switch (event) {
      case "friend:updated":
        signal({ requests: null });
        return void this.#rosters.follow({ friendsVersion: (payload as ServerEventPayload<"friend:updated">).version });
      case "group:updated":
        signal({ group: { groupId: (payload as ServerEventPayload<"group:updated">).groupId } });
        return void this.#rosters.follow({ groupsVersion: "" });
      case "notification:new":
        signal({ notification: payload as ServerEventPayload<"notification:new">, requests: null });
        return;
      case "notification:read": {
        const { ids, count } = payload as ServerEventPayload<"notification:read">;
        return signal({ notificationsRead: { ids, unread: count } });
      }
      case "presence:changed":
        return this.#watch.changed(payload as ServerEventPayload<"presence:changed">);
      case "typing":
        return signal({ typing: payload as ServerEventPayload<"typing"> });
      default:
        this.#syncer.push({ event, payload } as Parameters<Syncer["push"]>[0]);
    }
  }
}
