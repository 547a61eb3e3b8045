import type { Content, MessageType, ReplyPreview } from "./entities.ts";

/**
 * A message as it travels from acceptance to the database: the pending entry of the hot store and the record on the message
 * log (Kafka topics `im-message-private`, `im-message-group`, key = conversationId). It never changes after acceptance.
 */
export interface MessageRecord {
  readonly messageId: string;
  readonly conversationId: string;
  readonly seq: number;
  readonly senderId: string;
  readonly clientMsgId: string;
  readonly type: MessageType;
  readonly content: Content;
  /** Without words: they are shown as the original has them at that time, and only to those who can see it. */
  readonly replyTo: ReplyPreview | null;
  readonly mentions: readonly string[] | null;
  /** Fingerprint of what the client sent: recognises a repeated clientMsgId with another body. */
  readonly bodyHash: string;
  readonly createdAt: number;
  readonly requestId: string | null;
  /** W3C trace context of the request, where it is traced. */
  readonly traceparent?: string;
  /** Id of the message at which the thread begins in which it was sent. */
  readonly threadId?: string;
  /** It burns so long after its reader has read it. */
  readonly burnAfterMs?: number;
}
