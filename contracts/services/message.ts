import { Type } from "typebox";
import type { ServiceContract } from "../define.ts";
import { BurnAfterMs, Content, draft, Emoji, Favorite, HistoryItem, Message, PinnedMessage, SendResult } from "../entities.ts";
import { MAX_PINS } from "../limits.ts";
import { Closed, ConversationId, Cursor, Id, Limit, Nothing, Page, PositiveSeq, Seq, Time } from "../primitives.ts";
import { messageInternals } from "./message-internal.ts";

const NotVisible = ["MESSAGE_NOT_FOUND", "CONVERSATION_NOT_FOUND", "GROUP_NOT_FOUND"] as const;
const MayNotWrite = ["CANNOT_MESSAGE", "BLOCKED_BY_YOU", "MUTED"] as const;

export const messageContract = {
  send: {
    summary: "Send a message; the answer means that it is stored",
    params: Closed({
      ...draft,
      threadId: Type.Optional(Id),
      burnAfterMs: Type.Optional(BurnAfterMs),
    }),
    result: SendResult,
    errors: [
      "CANNOT_MESSAGE",
      "BLOCKED_BY_YOU",
      "MUTED",
      "ROLE_FORBIDS",
      "GROUP_NOT_FOUND",
      "CONVERSATION_NOT_FOUND",
      "IDEMPOTENCY_CONFLICT",
      "TEXT_TOO_LARGE",
      "SEND_FAILED",
    ],
    idempotent: true,
    batched: true,
  },
  /** Internal: throws what sending this as the caller would throw now, and sends nothing; a client message id that is used is a conflict. */
  checkSend: {
    summary: "Whether a message could be sent",
    params: Closed({
      ...draft,
      threadId: Type.Optional(Id),
    }),
    result: Nothing,
    errors: [
      "CANNOT_MESSAGE",
      "BLOCKED_BY_YOU",
      "MUTED",
      "GROUP_NOT_FOUND",
      "CONVERSATION_NOT_FOUND",
      "ROLE_FORBIDS",
      "IDEMPOTENCY_CONFLICT",
      "TEXT_TOO_LARGE",
    ],
    idempotent: true,
  },
  /** Internal: the time of a message that burns has run out; it becomes a recalled one. */
  burn: {
    summary: "Take a message away that has burnt",
    params: Closed({ conversationId: ConversationId, seq: PositiveSeq, messageId: Id }),
    result: Nothing,
    idempotent: true,
  },
  /** Internal: pushes a message as it is now to everybody who can see it, or to one of them; nothing happens to one that is not there. */
  announce: {
    summary: "Tell how a message stands",
    params: Closed({ messageId: Id, userId: Type.Optional(Id) }),
    result: Nothing,
    idempotent: true,
  },
  history: {
    summary: "A page of messages, ascending by seq; without a position the newest page",
    params: Closed({
      conversationId: ConversationId,
      beforeSeq: Type.Optional(PositiveSeq),
      afterSeq: Type.Optional(Seq),
      aroundSeq: Type.Optional(PositiveSeq),
      aroundTime: Type.Optional(Time),
      limit: Limit,
    }),
    result: Closed({ items: Type.Array(HistoryItem), maxSeq: Seq, minSeq: Seq }),
    errors: ["CONVERSATION_NOT_FOUND", "GROUP_NOT_FOUND"],
    idempotent: true,
  },
  thread: {
    summary:
      "A page of the messages of a thread, ascending by seq, and the one at which it begins; without a position the newest page",
    params: Closed({
      messageId: Id,
      afterSeq: Type.Optional(Seq),
      beforeSeq: Type.Optional(PositiveSeq),
      limit: Limit,
    }),
    result: Closed({ root: Message, items: Type.Array(Message), maxSeq: Seq, minSeq: Seq }),
    errors: NotVisible,
    idempotent: true,
  },
  recall: {
    summary: "Take a message back, for everyone",
    params: Closed({ messageId: Id }),
    result: Message,
    errors: [...NotVisible, "RECALL_TIME_PASSED", "NOT_YOUR_MESSAGE", "NOT_EDITABLE"],
    idempotent: true,
  },
  edit: {
    summary: "Change the text of my message",
    params: Closed({ messageId: Id, content: Content }),
    result: Message,
    errors: [...NotVisible, "EDIT_TIME_PASSED", "NOT_YOUR_MESSAGE", "NOT_EDITABLE", "MESSAGE_RECALLED", "TEXT_TOO_LARGE"],
    idempotent: true,
  },
  edits: {
    summary: "What a message said before each of its edits, the first first; nothing once it is recalled",
    params: Closed({ messageId: Id, limit: Limit, cursor: Cursor }),
    /** `editedAt`: when the next text took the place of this one. */
    result: Page(Closed({ content: Content, editedAt: Time })),
    errors: NotVisible,
    idempotent: true,
  },
  pin: {
    summary: "Pin a message for everybody in its conversation; in a group the owner and admins do",
    params: Closed({ messageId: Id }),
    result: Message,
    errors: [...NotVisible, ...MayNotWrite, "ROLE_FORBIDS", "MESSAGE_RECALLED", "NOT_EDITABLE", "TOO_MANY_PINS"],
    idempotent: true,
  },
  unpin: {
    summary: "Pin a message no more",
    params: Closed({ messageId: Id }),
    result: Message,
    errors: [...NotVisible, ...MayNotWrite, "ROLE_FORBIDS"],
    idempotent: true,
  },
  pins: {
    summary: "Pinned messages of a conversation, the last pinned first",
    params: Closed({ conversationId: ConversationId }),
    result: Closed({ items: Type.Array(PinnedMessage, { maxItems: MAX_PINS }) }),
    errors: ["CONVERSATION_NOT_FOUND", "GROUP_NOT_FOUND"],
    idempotent: true,
  },
  addFavorite: {
    summary: "Keep what a message says; it stays when I lose the message, until it is recalled",
    params: Closed({ messageId: Id }),
    result: Favorite,
    errors: ["MESSAGE_NOT_FOUND", "MESSAGE_RECALLED", "TOO_MANY_FAVORITES"],
    idempotent: true,
  },
  favorites: {
    summary: "What I keep, newest first",
    params: Closed({ limit: Limit, cursor: Cursor }),
    result: Page(Favorite),
    idempotent: true,
  },
  removeFavorite: {
    summary: "Keep it no more",
    params: Closed({ favoriteId: Id }),
    result: Nothing,
    errors: ["FAVORITE_NOT_FOUND"],
    idempotent: true,
  },
  deleteForMe: {
    summary: "Remove a message from my own history",
    params: Closed({ messageId: Id }),
    result: Message,
    errors: NotVisible,
    idempotent: true,
  },
  react: {
    summary: "React to a message",
    params: Closed({ messageId: Id, emoji: Emoji }),
    result: Message,
    errors: [...NotVisible, "MESSAGE_RECALLED", "NOT_EDITABLE"],
    idempotent: true,
  },
  unreact: {
    summary: "Take a reaction back",
    params: Closed({ messageId: Id, emoji: Emoji }),
    result: Message,
    errors: NotVisible,
    idempotent: true,
  },
  readers: {
    summary: "Who has read a message, who has not",
    params: Closed({ messageId: Id }),
    result: Closed({ read: Type.Array(Closed({ userId: Id, readAt: Time })), unread: Type.Array(Id) }),
    errors: [...NotVisible, "TOO_MANY_READERS"],
    idempotent: true,
  },
  ...messageInternals,
} satisfies ServiceContract;
