import type { Message } from "../contracts/entities.ts";
import type { MessageRecord } from "../contracts/records.ts";
import { parseConversationId } from "./conversation-id.ts";
import { conversationRoom, userRoom, type Deliveries } from "./push.ts";

/** Sender of system messages. */
export const SYSTEM_SENDER = "0";

/** A message as clients see it, from the record that travels. */
export function messageOf(record: MessageRecord, status: Message["status"]): Message {
  const { messageId, conversationId, seq, senderId, clientMsgId, type, content, createdAt } = record;
  const { replyTo, mentions, threadId, burnAfterMs } = record;
  const message: Message = { messageId, conversationId, seq, senderId, clientMsgId, type, content, createdAt, status };
  if (replyTo) message.replyTo = replyTo;
  if (mentions) message.mentions = [...mentions];
  if (threadId !== undefined) message.threadId = threadId;
  if (burnAfterMs !== undefined) message.burnAfterMs = burnAfterMs;
  return message;
}

/** A message, or a range of a page, for who has left its conversation: pins are set, and taken away, later too. */
export function withoutPin<T extends object>(item: T): T {
  if (!("pinnedAt" in item)) return item;
  const { pinnedAt: _, ...rest } = item;
  return rest as T;
}

/** What a row keeps of the message that one answers, as JSON. The preview is made from the original when it is read: a recall takes it along. */
export function storedReply(reply: MessageRecord["replyTo"]): string | null {
  if (reply === null) return null;
  const { messageId, seq, senderId, type } = reply;
  return JSON.stringify({ messageId, seq, senderId, type });
}

/**
 * An event for everybody in a conversation: each user's room in a direct one, the conversation's room in a group.
 * @param except rooms or connections that do not get it
 */
export function toConversation(conversationId: string, event: string, payload: unknown, except: string[] = []): Deliveries {
  const parsed = parseConversationId(conversationId);
  if (parsed === null) return [];
  const rooms = parsed.type === "direct" ? parsed.userIds.map(userRoom) : [conversationRoom(conversationId)];
  return rooms.map((room) => (except.length === 0 ? { room, event, payload } : { room, event, payload, except }));
}
