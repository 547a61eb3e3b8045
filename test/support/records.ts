import { randomInt } from "node:crypto";
import type { MessageRecord } from "../../contracts/records.ts";

let made = 0;
/** An id as the generator makes them: no number of JavaScript holds it. */
export const newId = (): string => `9${String(randomInt(1e9)).padStart(9, "0")}${String(++made).padStart(8, "0")}`;

/** A text message on its way, in a conversation of its own unless one is given. */
export function buildRecord(more: Partial<MessageRecord> = {}): MessageRecord {
  const messageId = newId();
  return {
    messageId,
    conversationId: `g_${newId()}`,
    seq: 1,
    senderId: "7",
    clientMsgId: `c-${messageId}`,
    type: "text",
    content: { text: "hello" },
    replyTo: null,
    mentions: null,
    bodyHash: "hash",
    createdAt: 1_760_000_000_000,
    requestId: null,
    ...more,
  };
}

/** Messages `from`, `from + 1`, … of one conversation. */
export function buildRecords(count: number, more: Partial<MessageRecord> = {}, from = 1): MessageRecord[] {
  const conversationId = more.conversationId ?? `g_${newId()}`;
  return Array.from({ length: count }, (_, index) => buildRecord({ conversationId, seq: from + index, ...more }));
}
