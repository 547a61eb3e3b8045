import type { Conversation, Friend, Group, Message, Notification, OwnUser, Presence } from "../../contracts/entities.ts";
import type { Params, Result } from "../../contracts/index.ts";
import type { RestAction } from "../../contracts/routes.ts";
import type { ServerEventPayload } from "../../contracts/socket-events.ts";
import type { Store } from "./store/port.ts";

/** How far a message has come; `received` for those of others. In a group the two last ones mean one of the others at least. */
export type MessageState = "sending" | "failed" | "accepted" | "persisted" | "delivered" | "read" | "received";

/** Why the server refused something: `code` of its table of errors, and a sentence in the user's language. */
export interface Refusal {
  readonly code: number;
  readonly message: string;
}

/** A message as this device has it, also before the server has it. */
export interface LocalMessage extends Omit<Message, "messageId" | "seq" | "status"> {
  /** The same before and after it was sent. */
  readonly key: string;
  /** Null until the server has it. */
  readonly messageId: string | null;
  /** Its place in the conversation; null until the server has it. */
  readonly seq: number | null;
  readonly state: MessageState;
  /** Of one that failed. */
  readonly failure?: Refusal;
}

/** A conversation as this device has it. */
export interface LocalConversation extends Omit<Conversation, "lastMessage"> {
  /** The newest one, be it still on its way. */
  readonly lastMessage: LocalMessage | null;
  /** False when the user is no member any more: what was seen can be read, nothing follows. */
  readonly active: boolean;
}

/**
 * `signed-out`: nobody is signed in. `connecting`: looking for the server. `syncing`: connected, and being brought up to date.
 * `online`: up to date and live. `offline`: not connected; the next try is at `retryAt`.
 */
export interface Connection {
  readonly state: "signed-out" | "offline" | "connecting" | "syncing" | "online";
  /** Epoch ms of the next try, when offline. */
  readonly retryAt: number | null;
  /** What the server said, when it was the one that refused. */
  readonly refusal: Refusal | null;
}

/** Why nobody is signed in any more: what the server said (`kicked`, `removed`, `password_changed`, ...), or `signed_out` here. */
export type SignOutReason = string;

export interface ClientEvents {
  connection: Connection;
  /** Somebody signed in, changed their profile, or was signed out. */
  session: { readonly me: OwnUser | null; readonly reason: SignOutReason | null };
  /** Something in the list of conversations changed; these did. */
  conversations: { readonly changed: readonly string[] };
  /** A new message of somebody else, each once, in the order of its conversation; not the history that a new device loads. */
  message: LocalMessage;
  /** An own message could not be sent and is not tried any more. */
  failed: LocalMessage;
  friends: readonly Friend[];
  groups: readonly Group[];
  /** Members, mutes or settings of a group changed. */
  group: { readonly groupId: string };
  /** Friend requests, mine or to me, may have changed. */
  requests: null;
  typing: ServerEventPayload<"typing">;
  presence: Presence;
  notification: Notification;
  /** `ids` null: all of them. */
  notificationsRead: { readonly ids: readonly string[] | null; readonly unread: number };
}
export type ClientEventName = keyof ClientEvents;

/** What `send` takes. `type` is `text` unless given. */
export type Draft = Omit<Params<"message.send">, "clientMsgId" | "type"> & { readonly type?: Params<"message.send">["type"] };

/**
 * A stretch of one conversation that follows what happens in it. `items` is ascending and is replaced, never changed in place.
 * What is on its way stands at the end, when the stretch reaches the end.
 */
export interface MessageWindow {
  readonly conversationId: string;
  readonly items: readonly LocalMessage[];
  /** There may be more before the first one; false: that is the beginning. */
  readonly hasOlder: boolean;
  /** There are newer ones than the last one; false: it is live. */
  readonly hasNewer: boolean;
  readonly loading: "older" | "newer" | "around" | "latest" | null;
  /** Messages of one page, at most `limit`. @throws ImError when the server is needed and not there */
  loadOlder(limit?: number): Promise<void>;
  loadNewer(limit?: number): Promise<void>;
  /** Leaves the stretch for the one around a place. */
  loadAround(place: { readonly seq: number } | { readonly time: number }): Promise<void>;
  /** Back to the end. */
  loadLatest(): Promise<void>;
  /** Called after each change. @returns ends it */
  onChange(listener: () => void): () => void;
  close(): void;
}

export interface ImClientOptions {
  /** The server, such as `https://im.example.com`; in a browser, that of the page unless given. */
  readonly url?: string;
  /** Where messages are kept: IndexedDB in a browser, memory elsewhere, unless given. */
  readonly store?: Store;
  /** What other devices see of this one. */
  readonly deviceType?: Params<"auth.login">["deviceType"];
  readonly deviceName?: string;
  /** Of the server's sentences; `en` unless given. */
  readonly language?: "en" | "zh";
  /** Several clients share the store, as tabs do, and one of them works for all: in a browser, unless switched off. */
  readonly tabs?: boolean;
}

/** A user's side of the server: what it knows is here at once, follows the server while it is there, and opens without it. */
export interface ImClient {
  /** Opens the store and goes on with the session in it, if any. Works without the server. */
  start(): Promise<void>;
  /** Lets go of store and connection; nothing is lost, the session stays. */
  stop(): Promise<void>;

  readonly me: OwnUser | null;
  readonly deviceId: string | null;
  readonly connection: Connection;
  /** Of the server's sentences from now on. */
  setLanguage(language: "en" | "zh"): void;
  /** Makes an account and signs in. @throws ImError */
  register(account: Params<"user.register">): Promise<OwnUser>;
  /** @throws ImError with code 1002 for a wrong account or password */
  signIn(credentials: Omit<Params<"auth.login">, "deviceId" | "deviceType" | "deviceName">): Promise<OwnUser>;
  /** Ends the session, here at once, and forgets what is stored. `all`: on all devices. */
  signOut(options?: { readonly all?: boolean }): Promise<void>;
  /** Try to connect now, instead of at `connection.retryAt`. */
  reconnect(): void;

  /** Calls any action that has a REST route. @throws ImError */
  call<A extends RestAction>(action: A, ...params: object extends Params<A> ? [Params<A>?] : [Params<A>]): Promise<Result<A>>;

  /** The list: pinned ones first, then by the newest message; without hidden ones, and without ones in which there is nothing. */
  readonly conversations: readonly LocalConversation[];
  /** Any conversation, also a hidden one. */
  conversation(conversationId: string): LocalConversation | null;
  /** The direct conversation with a friend. @throws ImError */
  openDirect(userId: string): Promise<LocalConversation>;
  updateConversation(
    conversationId: string,
    change: { readonly pinned?: boolean; readonly muted?: boolean; readonly hidden?: boolean; readonly draft?: string },
  ): Promise<void>;
  /** Removes all messages from my own history. */
  clearConversation(conversationId: string): Promise<void>;
  /** All up to `seq`, or all, was read. Shows at once, and is told to the server when it is there. */
  markRead(conversationId: string, seq?: number): Promise<void>;
  typing(conversationId: string, kind: "text" | "voice" | "none"): void;

  /** A live view of a conversation's messages; empty until one of its `load...` is called. */
  messages(conversationId: string): MessageWindow;
  /**
   * Resolves as soon as the message is in the store; it is sent then, in the order of its conversation, again and again until the
   * server has it or refuses it.
   */
  send(draft: Draft): Promise<LocalMessage>;
  /** Sends one that failed again, behind what is on its way. */
  retry(clientMsgId: string): Promise<void>;
  /** Forgets one that failed. */
  discard(clientMsgId: string): Promise<void>;
  edit(messageId: string, text: string): Promise<void>;
  recall(messageId: string): Promise<void>;
  deleteForMe(messageId: string): Promise<void>;
  react(messageId: string, emoji: string, remove?: boolean): Promise<void>;
  /** Pins a message for all of its conversation. */
  pin(messageId: string, pinned: boolean): Promise<void>;

  readonly friends: readonly Friend[];
  readonly groups: readonly Group[];
  /** Tells `presence` events of these friends until the answer is called. */
  watchPresence(userIds: readonly string[]): () => void;
  /** As last told; null when not watched or not known. */
  presenceOf(userId: string): Presence | null;

  on<E extends ClientEventName>(event: E, listener: (payload: ClientEvents[E]) => void): () => void;
}
