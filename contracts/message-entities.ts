import { Type, type Static } from "typebox";
import * as limits from "./limits.ts";
import { ClientMsgId, Closed, ConversationId, Id, Line, OneOf, PositiveSeq, Time } from "./primitives.ts";

/** What a client may send. The types that need a stored file are accepted once files exist. */
export const SendableType = OneOf("text", "markdown", "location", "card", "custom", "forward");
export const MessageType = OneOf(
  "text",
  "markdown",
  "image",
  "voice",
  "video",
  "file",
  "location",
  "card",
  "custom",
  "forward",
  "system",
  "call",
  "void",
);
/** Its shape follows the type; `contentOf` (contracts/content.ts) has one schema for each. */
export const Content = Type.Record(Type.String(), Type.Unknown());
export const Mention = Type.Union([Id, Type.Literal("all")]);
export const Mentions = Type.Array(Mention, { maxItems: limits.MAX_MENTIONS, uniqueItems: true });
export const BurnAfterMs = Type.Integer({
  minimum: limits.MIN_BURN_AFTER_MS,
  maximum: limits.MAX_BURN_AFTER_MS,
  description: "The message burns so long after its reader has read it; between two people only",
});
export const Emoji = Line(1, limits.MAX_EMOJI_LENGTH);
export const Reaction = Closed({
  emoji: Emoji,
  count: Type.Integer(),
  userIds: Type.Array(Id),
  mine: Type.Optional(Type.Boolean()),
});
export const ReplyPreview = Closed({
  messageId: Id,
  seq: PositiveSeq,
  senderId: Type.String(),
  type: MessageType,
  preview: Type.String(),
  withheld: Type.Optional(
    Type.Boolean({
      description:
        "The words are not given here; who can see the original finds them in the history, others show that there is one",
    }),
  ),
});
/** The messages that were sent in a thread, as far as they are not recalled and the viewer can see them. */
export const ThreadSummary = Closed({ count: Type.Integer({ minimum: 1 }), lastSeq: PositiveSeq, lastAt: Time });
export const Message = Closed({
  messageId: Id,
  conversationId: ConversationId,
  seq: PositiveSeq,
  /** "0" for system messages. */
  senderId: Type.String({ pattern: "^(0|[1-9][0-9]{0,18})$" }),
  clientMsgId: ClientMsgId,
  type: MessageType,
  content: Content,
  replyTo: Type.Optional(ReplyPreview),
  mentions: Type.Optional(Mentions),
  createdAt: Time,
  editedAt: Type.Optional(Time),
  recalledAt: Type.Optional(Time),
  reactions: Type.Optional(Type.Array(Reaction)),
  threadId: Type.Optional(Type.String({ pattern: "^[1-9][0-9]{0,18}$", description: "The message at which its thread begins" })),
  thread: Type.Optional(ThreadSummary),
  pinnedAt: Type.Optional(Time),
  burnAfterMs: Type.Optional(BurnAfterMs),
  burnsAt: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: "Epoch milliseconds; given to its reader once it is read, to its sender where they may know of the reading",
    }),
  ),
  status: OneOf("accepted", "persisted"),
});
export const PinnedMessage = Closed({ ...Message.properties, pinnedAt: Time, pinnedBy: Id });
/** What a message said when its user kept it. Its content is `{}` once the message is recalled. */
export const Favorite = Closed({
  favoriteId: Id,
  message: Closed({
    messageId: Id,
    conversationId: ConversationId,
    seq: PositiveSeq,
    senderId: Id,
    type: MessageType,
    content: Content,
    createdAt: Time,
    recalledAt: Type.Optional(Time),
  }),
  createdAt: Time,
});
/** What a client says of a message that it sends, now or later. */
export const draft = {
  conversationId: ConversationId,
  clientMsgId: ClientMsgId,
  type: SendableType,
  content: Content,
  replyTo: Type.Optional(Id),
  mentions: Type.Optional(Mentions),
};
/**
 * A message that waits for its time. `sending`: its time has come, and it can be neither changed nor cancelled; `failed`: it was
 * refused then. Its content is `{}` once it is sent or cancelled.
 */
export const ScheduledState = OneOf("waiting", "sending", "sent", "failed", "cancelled");
export const ScheduledMessage = Closed({
  scheduledId: Id,
  ...draft,
  sendAt: Time,
  state: ScheduledState,
  failure: Type.Optional(Closed({ code: Type.Integer(), message: Type.String() })),
  messageId: Type.Optional(Id),
  seq: Type.Optional(PositiveSeq),
  sentAt: Type.Optional(Time),
  createdAt: Time,
});
/** Seqs whose messages could never be stored; clients pass over them. */
export const VoidRange = Closed({ seq: PositiveSeq, toSeq: PositiveSeq, type: Type.Literal("void") });
export const HistoryItem = Type.Union([Message, VoidRange]);
export const SendResult = Closed({ messageId: Id, conversationId: ConversationId, seq: PositiveSeq, createdAt: Time });

export type MessageType = Static<typeof MessageType>;
export type SendableType = Static<typeof SendableType>;
export type Content = Static<typeof Content>;
export type Reaction = Static<typeof Reaction>;
export type ReplyPreview = Static<typeof ReplyPreview>;
export type ThreadSummary = Static<typeof ThreadSummary>;
export type Message = Static<typeof Message>;
export type PinnedMessage = Static<typeof PinnedMessage>;
export type Favorite = Static<typeof Favorite>;
export type ScheduledState = Static<typeof ScheduledState>;
export type ScheduledMessage = Static<typeof ScheduledMessage>;
export type VoidRange = Static<typeof VoidRange>;
export type HistoryItem = Static<typeof HistoryItem>;
export type SendResult = Static<typeof SendResult>;
