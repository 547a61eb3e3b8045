import type { Conversation, Message } from "../../contracts/entities.ts";
import type { ConversationRecord, OutboxRecord } from "./core/records.ts";
import type { LocalConversation, LocalMessage, MessageState } from "./types.ts";

export type Cursors = Pick<ConversationRecord, "othersDelivered" | "othersRead" | "persistedSeq">;

export const NO_CURSORS: Cursors = { othersDelivered: 0, othersRead: 0, persistedSeq: 0 };

const keyOf = (senderId: string, clientMsgId: string): string => `${senderId}:${clientMsgId}`;

/** How far a stored message has come, as far as this device was told. */
export function stateOf(message: Message, cursors: Cursors, me: string): MessageState {
  if (message.senderId !== me) return "received";
  if (message.seq <= cursors.othersRead) return "read";
  if (message.seq <= cursors.othersDelivered) return "delivered";
  return message.status === "persisted" || message.seq <= cursors.persistedSeq ? "persisted" : "accepted";
}

export function storedMessage(message: Message, cursors: Cursors, me: string): LocalMessage {
  const { status: _, ...rest } = message;
  return { ...rest, key: keyOf(message.senderId, message.clientMsgId), state: stateOf(message, cursors, me) };
}

/** A message that is on its way, or failed. Whom it quotes is for the caller to look up: only the server's copy carries it. */
export function outgoingMessage({ draft, clientMsgId, createdAt, failure, accepted }: OutboxRecord, me: string): LocalMessage {
  const { conversationId, type, content, mentions, threadId, burnAfterMs } = draft;
  return {
    key: keyOf(me, clientMsgId),
    messageId: accepted?.messageId ?? null,
    seq: accepted?.seq ?? null,
    conversationId,
    senderId: me,
    clientMsgId,
    type,
    content,
    ...(mentions && { mentions }),
    ...(threadId !== undefined && { threadId }),
    ...(burnAfterMs !== undefined && { burnAfterMs }),
    createdAt: accepted?.createdAt ?? createdAt,
    state: failure ? "failed" : accepted ? "accepted" : "sending",
    ...(failure && { failure }),
  };
}

/** A conversation of which this device knows nothing else yet. */
export function firstView({ lastMessage, ...conversation }: Conversation, me: string): LocalConversation {
  return { ...conversation, lastMessage: lastMessage && storedMessage(lastMessage, NO_CURSORS, me), active: true };
}

/** How far the first of the others has got. */
export function furthest(
  receipts: readonly { readonly userId: string; readonly readSeq: number; readonly deliveredSeq: number }[],
  me: string,
): { delivered: number; read: number } {
  const others = receipts.filter(({ userId }) => userId !== me);
  return {
    delivered: Math.max(0, ...others.map(({ deliveredSeq }) => deliveredSeq)),
    read: Math.max(0, ...others.map(({ readSeq }) => readSeq)),
  };
}
