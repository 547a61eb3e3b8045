import { Type } from "typebox";
import type { ServiceContract } from "../define.ts";
import { Content, Favorite, HistoryItem, Message, SendResult } from "../entities.ts";
import { MAX_PAGE } from "../limits.ts";
import { ClientMsgId, Closed, ConversationId, Id, Nothing, Nullable, PositiveSeq, Seq } from "../primitives.ts";

/** What other services ask of messages; clients reach none of it. */
export const messageInternals = {
  /** Internal: a system message (C5); the same `clientMsgId` gives the same message. */
  sendSystem: {
    summary: "Write a system message",
    params: Closed({ conversationId: ConversationId, clientMsgId: ClientMsgId, content: Content }),
    result: SendResult,
    errors: ["CONVERSATION_NOT_FOUND", "SEND_FAILED"],
    idempotent: true,
    batched: true,
  },
  /** Internal: highest stable seq of each conversation, not beyond `maxSeq`, and the time of that message; 0 where there is none. One entry for each item, in order. */
  heads: {
    summary: "Highest stable seqs",
    params: Closed({
      items: Type.Array(Closed({ conversationId: ConversationId, maxSeq: Nullable(Seq) }), { maxItems: 10_000 }),
      /** Of what is in SQL, without asking the hot store. */
      stored: Type.Optional(Type.Literal(true)),
    }),
    result: Type.Array(Closed({ maxSeq: Seq, at: Type.Integer() })),
    idempotent: true,
  },
  /**
   * Internal: what a conversation list shows of each conversation, within the given bounds; one entry for each item, in order. What
   * the caller has read just now is not read again: `head`, as `heads` gave it, and `lastMessage`, as the user sees it up to there.
   */
  summaries: {
    summary: "Last message and unread for conversation lists",
    params: Closed({
      userId: Id,
      items: Type.Array(
        Closed({
          conversationId: ConversationId,
          minSeq: PositiveSeq,
          maxSeq: Nullable(Seq),
          readSeq: Seq,
          head: Type.Optional(Seq),
          lastMessage: Type.Optional(Message),
        }),
        { maxItems: 5_000 },
      ),
    }),
    result: Type.Array(
      Closed({
        conversationId: ConversationId,
        maxSeq: Seq,
        /** As given, or the user's own last message where that is further: who sends has read. */
        readSeq: Seq,
        lastMessage: Nullable(Message),
        unread: Type.Integer(),
        mentioned: Type.Boolean(),
      }),
    ),
    idempotent: true,
  },
  /**
   * Internal: one page of each conversation within bounds that `heads` gave: what follows `afterSeq`, or the newest where that is
   * null. `more`: there are items behind the page, or before the newest one. One entry for each item, in order.
   */
  pages: {
    summary: "A page of each of several conversations",
    params: Closed({
      userId: Id,
      items: Type.Array(
        Closed({
          conversationId: ConversationId,
          afterSeq: Nullable(Seq),
          minSeq: PositiveSeq,
          maxSeq: Seq,
          limit: Type.Integer({ minimum: 1, maximum: MAX_PAGE }),
        }),
        { maxItems: MAX_PAGE },
      ),
    }),
    result: Type.Array(Closed({ items: Type.Array(HistoryItem), more: Type.Boolean() })),
    idempotent: true,
  },
  /** Internal: stored messages as the user sees them now, of each conversation those within its bounds and not deleted for them. */
  views: {
    summary: "Single messages of several conversations",
    params: Closed({
      userId: Id,
      items: Type.Array(
        Closed({ conversationId: ConversationId, minSeq: PositiveSeq, maxSeq: Seq, seqs: Type.Array(PositiveSeq) }),
        { maxItems: 1_000 },
      ),
    }),
    result: Type.Array(Message),
    idempotent: true,
  },
  /** Internal: what a user has not read in each range; one entry for each, in order. */
  unread: {
    summary: "Unread messages in ranges of conversations",
    params: Closed({
      userId: Id,
      ranges: Type.Array(Closed({ conversationId: ConversationId, minSeq: PositiveSeq, maxSeq: Seq }), { maxItems: 5_000 }),
    }),
    result: Type.Array(Closed({ unread: Type.Integer(), mentioned: Type.Boolean() })),
    idempotent: true,
  },
  /** Internal: recalls all messages of a deleted user. */
  eraseOf: { summary: "Recall everything a user sent", params: Closed({ userId: Id }), result: Nothing, idempotent: true },
  /** Internal: a user's own messages, for the export; pages ascend by (conversationId, seq), a short one is the last. */
  exportOf: {
    summary: "Messages a user sent",
    params: Closed({
      userId: Id,
      after: Type.Optional(Closed({ conversationId: ConversationId, seq: Seq })),
      limit: Type.Integer({ minimum: 1, maximum: 1000 }),
    }),
    result: Type.Array(Message),
    idempotent: true,
  },
  /** Internal: what a user keeps, for the export; newest first, a short page is the last. */
  exportFavorites: {
    summary: "Favorites of a user",
    params: Closed({ userId: Id, before: Type.Optional(Id), limit: Type.Integer({ minimum: 1, maximum: 1000 }) }),
    result: Type.Array(Favorite),
    idempotent: true,
  },
  /** Internal: a `MessageRecord` that the log had refused is accepted anew, under its own client message id. */
  readmit: {
    summary: "Accept a dead letter again",
    params: Closed({ record: Type.Record(Type.String(), Type.Unknown()) }),
    result: Nullable(SendResult),
    errors: ["SEND_FAILED"],
    idempotent: true,
  },
  /** Internal (E12): where one message stands, each step with its time; null when nothing is known of it. */
  explain: {
    summary: "The life of one message",
    params: Closed({ messageId: Id }),
    result: Nullable(Type.Record(Type.String(), Type.Unknown())),
    idempotent: true,
  },
} satisfies ServiceContract;
