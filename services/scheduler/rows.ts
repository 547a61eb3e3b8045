import type { Content, ScheduledState, SendableType } from "../../contracts/entities.ts";

/** A row of `scheduled_message`. */
export interface ScheduledRow {
  scheduled_id: string | number;
  user_id: string | number;
  conversation_id: string;
  client_msg_id: string;
  request_hash: string;
  type: SendableType;
  content: string;
  reply_to: string | number | null;
  mentions: string | null;
  send_at: number;
  state: ScheduledState;
  tries: number;
  unknown_at: number | null;
  failure: string | null;
  message_id: string | number | null;
  seq: number | null;
  sent_at: number | null;
  created_at: number;
}

export interface Scheduled {
  readonly scheduledId: string;
  readonly userId: string;
  readonly conversationId: string;
  readonly clientMsgId: string;
  /** Of what was first asked for, so that the same request is known again whatever was changed since. */
  readonly requestHash: string;
  readonly type: SendableType;
  readonly content: Content;
  readonly replyTo: string | null;
  readonly mentions: readonly string[] | null;
  /** Epoch ms, as all times here. */
  readonly sendAt: number;
  readonly state: ScheduledState;
  readonly tries: number;
  /** When it was last handed to sending without an answer that says what became of it. */
  readonly unknownAt: number | null;
  /** Type of the error by which it was refused. */
  readonly failure: string | null;
  readonly messageId: string | null;
  readonly seq: number | null;
  readonly sentAt: number | null;
  readonly createdAt: number;
}
export const columns =
  "scheduled_id, user_id, conversation_id, client_msg_id, request_hash, type, content, reply_to, mentions, send_at, state, tries, unknown_at, failure, message_id, seq, sent_at, created_at";
/** Of what is sent or cancelled no words stay here. */
export const withoutWords = "content = '{}', mentions = null, reply_to = null";

export function scheduledOf(row: ScheduledRow): Scheduled {
  return {
    scheduledId: String(row.scheduled_id),
    userId: String(row.user_id),
    conversationId: row.conversation_id,
    clientMsgId: row.client_msg_id,
    requestHash: row.request_hash,
    type: row.type,
    content: JSON.parse(row.content) as Content,
    replyTo: row.reply_to === null ? null : String(row.reply_to),
    mentions: row.mentions === null ? null : (JSON.parse(row.mentions) as string[]),
    sendAt: Number(row.send_at),
    state: row.state,
    tries: Number(row.tries),
    unknownAt: row.unknown_at === null ? null : Number(row.unknown_at),
    failure: row.failure,
    messageId: row.message_id === null ? null : String(row.message_id),
    seq: row.seq === null ? null : Number(row.seq),
    sentAt: row.sent_at === null ? null : Number(row.sent_at),
    createdAt: Number(row.created_at),
  };
}
