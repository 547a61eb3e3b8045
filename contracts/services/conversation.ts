import { Type } from "typebox";
import type { ServiceContract } from "../define.ts";
import { Conversation, Message } from "../entities.ts";
import { MAX_COUNTED_UNREAD, MAX_DRAFT_LENGTH, MAX_GROUP_MEMBERS, MAX_READERS_GROUP } from "../limits.ts";
import {
  Block,
  Closed,
  ConversationId,
  Cursor,
  Id,
  Limit,
  Nothing,
  Nullable,
  OneOf,
  Page,
  PositiveSeq,
  Seq,
  Time,
} from "../primitives.ts";

const One = Closed({ conversationId: ConversationId });
const Cursors = Closed({ seq: Seq });

const Unread = {
  unread: Type.Integer({
    minimum: 0,
    maximum: MAX_COUNTED_UNREAD,
    description: "The highest stands for that many or more",
  }),
  mentioned: Type.Boolean({ description: "Whether one of them mentions me" }),
  conversations: Type.Integer({ minimum: 0, description: "Those with unread messages" }),
};

export const conversationContract = {
  list: {
    summary: "My conversations, pinned first, then by last message",
    params: Closed({ limit: Limit, cursor: Cursor }),
    result: Page(Conversation),
    idempotent: true,
  },
  unread: {
    summary: "What a badge shows: all that is unread in conversations that are not hidden, the muted ones apart",
    params: Closed({}),
    result: Closed({ ...Unread, muted: Closed(Unread) }),
    idempotent: true,
  },
  open: {
    summary: "The direct conversation with a friend",
    params: Closed({ userId: Id }),
    result: Conversation,
    errors: ["CANNOT_MESSAGE", "CANNOT_ADD_SELF"],
    idempotent: true,
  },
  update: {
    summary: "Pin, mute, hide, or keep a draft; mine alone",
    params: Closed({
      conversationId: ConversationId,
      pinned: Type.Optional(Type.Boolean()),
      muted: Type.Optional(Type.Boolean()),
      hidden: Type.Optional(Type.Boolean()),
      draft: Type.Optional(Block(MAX_DRAFT_LENGTH)),
    }),
    result: Conversation,
    errors: ["CONVERSATION_NOT_FOUND", "GROUP_NOT_FOUND"],
    idempotent: true,
  },
  clear: {
    summary: "Empty a conversation for me alone",
    params: One,
    result: Nothing,
    errors: ["CONVERSATION_NOT_FOUND", "GROUP_NOT_FOUND"],
    idempotent: true,
  },
  markRead: {
    summary: "I have read all up to this seq",
    params: Closed({ conversationId: ConversationId, seq: Seq }),
    result: Cursors,
    errors: ["CONVERSATION_NOT_FOUND", "GROUP_NOT_FOUND"],
    idempotent: true,
  },
  markDelivered: {
    summary: "A device of mine has all up to this seq",
    params: Closed({ conversationId: ConversationId, seq: Seq }),
    result: Cursors,
    errors: ["CONVERSATION_NOT_FOUND", "GROUP_NOT_FOUND"],
    idempotent: true,
  },
  receipts: {
    summary: "How far the others have got, as their receipts have told; who hides receipts is not listed",
    params: One,
    result: Closed({
      items: Type.Array(
        Closed({
          userId: Id,
          readSeq: Seq,
          readAt: Nullable(Time),
          deliveredSeq: Seq,
        }),
        { maxItems: MAX_READERS_GROUP },
      ),
    }),
    errors: ["CONVERSATION_NOT_FOUND", "GROUP_NOT_FOUND", "TOO_MANY_READERS"],
    idempotent: true,
  },
  typing: {
    summary: "Tell the others that I am typing",
    params: Closed({ conversationId: ConversationId, kind: OneOf("text", "voice", "none") }),
    /** `off`: why nobody is told. */
    result: Type.Union([Nothing, Closed({ off: Type.Literal("large_group") })]),
    errors: ["CONVERSATION_NOT_FOUND", "GROUP_NOT_FOUND", "CANNOT_MESSAGE", "BLOCKED_BY_YOU"],
  },
  /**
   * Internal: what `userId` may see. `minSeq` and `maxSeq` bound it (`maxSeq` null: to the end); `isMember` false for one who
   * has left. Throws the 404 of the conversation's kind for an outsider.
   */
  access: {
    summary: "A user's bounds and cursors in a conversation",
    params: Closed({ conversationId: ConversationId, userId: Id }),
    result: Closed({ isMember: Type.Boolean(), minSeq: PositiveSeq, maxSeq: Nullable(Seq), readSeq: Seq, deliveredSeq: Seq }),
    errors: ["CONVERSATION_NOT_FOUND", "GROUP_NOT_FOUND"],
    idempotent: true,
  },
  /** Internal: puts the conversation and its members into the hot store, from SQL. False when there is no such conversation. */
  warm: { summary: "Load a conversation into the hot store", params: One, result: Type.Boolean(), idempotent: true },
  /** Internal: reads members' states from SQL again and writes them through to the hot store; all of a direct conversation. */
  refreshMembers: {
    summary: "Write members' states through to the hot store",
    params: Closed({ conversationId: ConversationId, userIds: Type.Array(Id, { maxItems: MAX_GROUP_MEMBERS }) }),
    result: Nothing,
    idempotent: true,
  },
  /**
   * Internal: people who are about to be announced as members may read from now on, so that whoever hears of it and reads at
   * once finds the conversation. Returns the head behind which they read, which is all that was acknowledged so far; `joined` follows.
   */
  admit: {
    summary: "Members are about to join a group conversation",
    params: Closed({
      conversationId: ConversationId,
      userIds: Type.Array(Id, { maxItems: MAX_GROUP_MEMBERS }),
      historyVisible: Type.Boolean(),
      /** No `joined` follows: UNAVAILABLE unless all of them can read now. */
      quiet: Type.Optional(Type.Boolean()),
    }),
    result: Closed({ head: Seq }),
    errors: ["UNAVAILABLE"],
    idempotent: true,
  },
  /** Internal: people joined a group at `seq` (the system message that says so); they see from there, or all when `historyVisible`. */
  joined: {
    summary: "Members joined a group conversation",
    params: Closed({
      conversationId: ConversationId,
      userIds: Type.Array(Id, { maxItems: MAX_GROUP_MEMBERS }),
      seq: PositiveSeq,
      historyVisible: Type.Boolean(),
      /** Who was admitted behind this head, or later, keeps reading from there. */
      admittedBehind: Seq,
    }),
    result: Nothing,
    idempotent: true,
  },
  /** Internal: people have left a group, be it that the message that says so cannot be written yet. */
  leaving: {
    summary: "Former members send and see nothing more in a group conversation",
    params: Closed({
      conversationId: ConversationId,
      userIds: Type.Array(Id, { maxItems: MAX_GROUP_MEMBERS }),
      /** No message says so: UNAVAILABLE unless all of them are out now. */
      quiet: Type.Optional(Type.Boolean()),
      /** The last message that they see; else the last one there is. Who came in behind it stays. */
      seq: Type.Optional(Seq),
    }),
    /** The last message that they see. */
    result: Closed({ head: Seq }),
    errors: ["UNAVAILABLE"],
    idempotent: true,
  },
  /** Internal: people left a group; `seq` is the last message they see, the last one there is when no message says so. */
  left: {
    summary: "Members left a group conversation",
    params: Closed({
      conversationId: ConversationId,
      userIds: Type.Array(Id, { maxItems: MAX_GROUP_MEMBERS }),
      seq: Type.Optional(PositiveSeq),
      /** What `leaving` answered: who was closed out there sees up to `seq` too. */
      closedAt: Type.Optional(Seq),
    }),
    result: Nothing,
    idempotent: true,
  },
  /** Internal: group conversations whose room a new connection of the user joins. */
  roomsOf: {
    summary: "Group conversations of a user",
    params: Closed({ userId: Id }),
    result: Type.Array(ConversationId),
    idempotent: true,
  },
  /** Internal: the sender's own cursor follows what was sent. */
  sent: {
    summary: "Users have sent up to these seqs",
    params: Closed({ items: Type.Array(Closed({ conversationId: ConversationId, userId: Id, seq: PositiveSeq })) }),
    result: Nothing,
    idempotent: true,
  },
  /** Internal: cursors of all members who could see `seq`, for who-has-read. */
  readersOf: {
    summary: "Who has read up to a seq",
    params: Closed({ conversationId: ConversationId, seq: PositiveSeq }),
    result: Closed({ read: Type.Array(Closed({ userId: Id, readAt: Type.Integer() })), unread: Type.Array(Id) }),
    idempotent: true,
  },
  /** Internal: members to whom a message of this seq is not visible, since they came later or cleared their history; some of them, with a `limit`. */
  blindTo: {
    summary: "Members who cannot see a seq",
    params: Closed({
      conversationId: ConversationId,
      seq: PositiveSeq,
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_GROUP_MEMBERS + 1 })),
    }),
    result: Type.Array(Id),
    idempotent: true,
  },
  /**
   * Internal: all conversations that a user is or was in, with their bounds as in `access`. Each row has the value of the user's
   * counter at its last change; what changes after this answer gets a value above `version`.
   */
  forSync: {
    summary: "Bounds, cursors and versions of all conversations of a user",
    params: Closed({ userId: Id }),
    result: Closed({
      version: Type.Integer(),
      rows: Type.Array(
        Closed({
          conversationId: ConversationId,
          minSeq: PositiveSeq,
          maxSeq: Nullable(Seq),
          readSeq: Seq,
          deliveredSeq: Seq,
          active: Type.Boolean(),
          /** It stands in the list without a message: it is pinned or has a draft. */
          kept: Type.Boolean(),
          version: Type.Integer(),
        }),
      ),
    }),
    idempotent: true,
  },
  /**
   * Internal: conversations as `list` shows them, in this order; those that the user was never in are missing. `known`: what the
   * caller has read of some just now, as `message.summaries` takes it.
   */
  viewMany: {
    summary: "Conversations of a user by id",
    params: Closed({
      userId: Id,
      conversationIds: Type.Array(ConversationId, { maxItems: 1_000 }),
      known: Type.Optional(Type.Record(ConversationId, Closed({ head: Seq, lastMessage: Type.Optional(Message) }))),
    }),
    result: Type.Array(Conversation),
    idempotent: true,
  },
  /** Internal: ids of all conversations a user is or was in, ascending. */
  idsOf: {
    summary: "All conversations of a user",
    params: Closed({ userId: Id }),
    result: Type.Array(ConversationId),
    idempotent: true,
  },
  /** Internal: a user's own rows, for the export. */
  exportOf: {
    summary: "A user's conversations and their settings",
    params: Closed({ userId: Id }),
    result: Type.Record(Type.String(), Type.Unknown()),
    idempotent: true,
  },
} satisfies ServiceContract;
