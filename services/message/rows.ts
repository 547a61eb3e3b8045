import type { Content, Message, MessageType, ReplyPreview } from "../../contracts/entities.ts";

/** A row of `message`. */
export interface MessageRow {
  conversation_id: string;
  seq: number;
  message_id: string | number;
  sender_id: string | number;
  client_msg_id: string;
  type: MessageType;
  content: string;
  reply_to: string | null;
  mentions: string | null;
  body_hash: string;
  created_at: number;
  /** null: it is acknowledged, and on its way here. */
  persisted_at: number | null;
  version: number;
  edited_at: number | null;
  recalled_at: number | null;
  /** The message at which the thread begins in which it was sent. */
  thread_id: string | number | null;
  /** It burns so long after its reader has read it. */
  burn_after_ms: number | null;
}
/** A row of `message_edit`: what a message said until it was edited. */
export interface EarlierRow {
  version: number;
  content: string;
  edited_at: number;
}
export interface ReactionRow {
  seq: number;
  emoji: string;
  user_id: string | number;
}

/** What a reply keeps of the message it answers; the preview is made when it is read, so that a recall takes it along. */
export type StoredReply = Omit<ReplyPreview, "preview">;

/** Bounds of what a user sees, both included. */
export interface Bounds {
  readonly minSeq: number;
  readonly maxSeq: number;
}

/** All columns of a row. */
export const columns =
  "conversation_id, seq, message_id, sender_id, client_msg_id, type, content, reply_to, mentions, body_hash, created_at, persisted_at, version, edited_at, recalled_at, thread_id, burn_after_ms";
/** The columns of a row, of a table named `m`. */
export const qualifiedColumns = columns.replaceAll(/(\w+)/g, "m.$1");

export const contentOf = (row: MessageRow): Content => JSON.parse(row.content) as Content;

/** What may be missing in SQL and what is there, by seq; what SQL has counts. */
export function merge(tail: readonly MessageRow[], rows: readonly MessageRow[]): MessageRow[] {
  const stored = new Set(rows.map(({ seq }) => Number(seq)));
  const waiting = tail.filter(({ seq }) => !stored.has(seq));
  return waiting.length === 0 ? [...rows] : [...rows, ...waiting].sort((a, b) => Number(a.seq) - Number(b.seq));
}

/** A row as clients see it, without reactions and with the reply's preview still to come. */
export function toMessage(row: MessageRow): Message {
  const message: Message = {
    messageId: String(row.message_id),
    conversationId: row.conversation_id,
    seq: Number(row.seq),
    senderId: String(row.sender_id),
    clientMsgId: row.client_msg_id,
    type: row.type,
    content: contentOf(row),
    createdAt: Number(row.created_at),
    status: row.persisted_at === null ? "accepted" : "persisted",
  };
  if (row.thread_id !== null) message.threadId = String(row.thread_id);
  if (row.burn_after_ms !== null) message.burnAfterMs = Number(row.burn_after_ms);
  if (row.mentions !== null) message.mentions = JSON.parse(row.mentions) as string[];
  if (row.edited_at !== null) message.editedAt = Number(row.edited_at);
  if (row.recalled_at !== null) message.recalledAt = Number(row.recalled_at);
  return message;
}

/** @param mentions as a row has them */
export const isMentioned = (mentions: string | null, userId: string): boolean =>
  mentions !== null && (JSON.parse(mentions) as string[]).some((one) => one === "all" || one === userId);
