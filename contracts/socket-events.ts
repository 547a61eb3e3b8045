import { Type, type Static, type TSchema } from "typebox";
import { Emoji, Message, Notification, Presence } from "./entities.ts";
import type { ActionName } from "./index.ts";
import { Closed, ConversationId, Id, Nullable, OneOf, PositiveSeq, Seq, Time, Version } from "./primitives.ts";

/**
 * Socket.IO events a client may send: each is one action (or answered by the gateway itself where `action` is null). The
 * acknowledgement is `{code: 0, data}` or `{code, message, data?}`.
 */
export interface ClientEvent {
  readonly action: ActionName | null;
  /** Events of one user in a minute. */
  readonly perMinute: number;
  readonly summary: string;
}

export const clientEvents = {
  "message:send": { action: "message.send", perMinute: 1_200, summary: "Send a message" },
  "message:delivered": { action: "conversation.markDelivered", perMinute: 1_200, summary: "This device has all up to a seq" },
  "message:read": { action: "conversation.markRead", perMinute: 1_200, summary: "All up to a seq was read" },
  "message:recall": { action: "message.recall", perMinute: 60, summary: "Take a message back" },
  "message:edit": { action: "message.edit", perMinute: 60, summary: "Change the text of a message" },
  "message:delete": { action: "message.deleteForMe", perMinute: 120, summary: "Remove a message from my own history" },
  "message:react": { action: "message.react", perMinute: 120, summary: "React to a message, or take it back with `remove`" },
  typing: { action: "conversation.typing", perMinute: 120, summary: "Tell the others that I am typing" },
  sync: { action: "sync.pull", perMinute: 600, summary: "What changed since a version, or all that a new device needs" },
  "presence:subscribe": { action: "presence.subscribe", perMinute: 60, summary: "Hear when people come and go" },
  "presence:unsubscribe": { action: "presence.unsubscribe", perMinute: 60, summary: "Hear no more of them" },
  "auth:renew": { action: null, perMinute: 10, summary: "Go on with a new access token" },
} as const satisfies Record<string, ClientEvent>;
export type ClientEventName = keyof typeof clientEvents;

/** Events that the server does not know, of one user in a minute, all names together. */
export const UNKNOWN_EVENTS_PER_MINUTE = 60;

/** Params of events whose payload is not exactly the params of their action. */
export const clientEventParams = {
  "message:react": Closed({ messageId: Id, emoji: Emoji, remove: Type.Optional(Type.Boolean()) }),
  "auth:renew": Closed({ token: Type.String({ minLength: 1, maxLength: 4_096 }) }),
} as const satisfies Partial<Record<ClientEventName, TSchema>>;

const Receipt = Closed(
  { conversationId: ConversationId, userId: Id, seq: Seq, at: Time },
  {
    description:
      "Cumulative, of each user the newest, at most five times a second in a conversation; the highest counts. Who sends a message has read all before it: no receipt says so",
  },
);

/** What changed in one's own list; only that is named. */
const ConversationUpdated = Type.Object(
  {
    conversationId: ConversationId,
    version: Version,
    pinned: Type.Optional(Type.Boolean()),
    muted: Type.Optional(Type.Boolean()),
    hidden: Type.Optional(Type.Boolean({ description: "Until there is a message behind `maxSeq`" })),
    draft: Type.Optional(Type.String()),
    maxSeq: Type.Optional(Type.Integer({ minimum: 0, description: "With `hidden`: the last message then" })),
    readSeq: Type.Optional(Type.Integer({ minimum: 0, description: "Read up to here; the highest counts" })),
    clearedSeq: Type.Optional(
      Type.Integer({ minimum: 0, description: "Nothing up to here is visible any more; the highest counts" }),
    ),
    deleted: Type.Optional(Type.String({ description: "messageId of what was deleted for me" })),
  },
  {
    additionalProperties: true,
    description:
      "To my own devices; the connection that read is left out. `pinned`, `muted`, `hidden` and `draft` come together: those of the highest `version`, a whole number there, hold.",
  },
);

/** Socket.IO events the server sends. */
export const serverEvents = {
  "message:new": Message,
  "message:updated": Closed({
    ...Message.properties,
    change: Type.Optional(Closed({ userId: Id, emoji: Emoji, added: Type.Boolean() })),
  }),
  "message:persisted": Closed({ conversationId: ConversationId, upToSeq: PositiveSeq }),
  "receipt:delivered": Receipt,
  "receipt:read": Receipt,
  "conversation:updated": ConversationUpdated,
  "friend:updated": Closed({ version: Version }),
  "group:updated": Closed({ groupId: Id, version: Version }),
  "notification:new": Notification,
  "notification:read": Closed({
    ids: Nullable(Type.Array(Id)),
    count: Type.Integer({ description: "Unread afterwards" }),
  }),
  "presence:changed": Presence,
  typing: Closed({ conversationId: ConversationId, userId: Id, kind: OneOf("text", "voice", "none") }),
  /** Some events were not sent: this client read too slowly, or the servers could not reach each other. */
  "sync:needed": Closed({ reason: OneOf("slow", "missed") }),
  "session:ended": Closed({ code: Type.Integer(), reason: Type.String() }),
} as const satisfies Record<string, TSchema>;
export type ServerEventName = keyof typeof serverEvents;
export type ServerEventPayload<E extends ServerEventName> = Static<(typeof serverEvents)[E]>;
