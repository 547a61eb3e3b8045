import type { MessageRecord } from "../../contracts/records.ts";
import type { Database, Row, Tx } from "../../mixins/database/port.ts";

/** A message that stands in the way of another. */
export interface Standing {
  readonly messageId: string;
  readonly conversationId: string;
  readonly seq: number;
}

/** Rows of `message` as the persister writes them. */
export class PersistRepository {
  readonly #sql: Database;

  constructor(sql: Database) {
    this.#sql = sql;
  }

  /** Writes the records in one statement; what is there already stays. @returns how many were new */
  insert(records: readonly MessageRecord[], at: number, tx: Tx): Promise<number> {
    return this.#sql.insertRows(
      "message",
      records.map((record) => rowOf(record, at)),
      "keep",
      tx,
    );
  }

  /** Keeps the seq of a record that can never be written, so that its conversation has no hole. */
  async insertVoid(record: MessageRecord, at: number, tx: Tx): Promise<void> {
    const row = {
      ...rowOf(record, at),
      sender_id: "0",
      client_msg_id: `void-${record.messageId}`,
      type: "void",
      content: "{}",
      reply_to: null,
      mentions: null,
    };
    await this.#sql.insertRows("message", [row], "keep", tx);
  }

  async at(conversationId: string, seq: number, tx: Tx): Promise<Standing | null> {
    return this.#one("conversation_id = :conversationId and seq = :seq", { conversationId, seq }, tx);
  }

  async withClientMsgId({ conversationId, senderId, clientMsgId }: MessageRecord, tx: Tx): Promise<Standing | null> {
    return this.#one(
      "conversation_id = :conversationId and sender_id = :senderId and client_msg_id = :clientMsgId",
      { conversationId, senderId, clientMsgId },
      tx,
    );
  }

  async #one(where: string, params: Record<string, string | number>, tx: Tx): Promise<Standing | null> {
    const [row] = await this.#sql.select<{ message_id: string; conversation_id: string; seq: number }>(
      `select message_id, conversation_id, seq from message where ${where}`,
      params,
      tx,
    );
    return row ? { messageId: String(row.message_id), conversationId: row.conversation_id, seq: Number(row.seq) } : null;
  }

  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#sql.transaction(work);
  }

  isTransient(error: unknown): boolean {
    return this.#sql.isTransient(error);
  }
}

function rowOf(record: MessageRecord, at: number): Row {
  const { replyTo, mentions } = record;
  return {
    conversation_id: record.conversationId,
    seq: record.seq,
    message_id: record.messageId,
    sender_id: record.senderId,
    client_msg_id: record.clientMsgId,
    type: record.type,
    content: JSON.stringify(record.content),
    // The preview is made from the original when it is read: a recall takes it along.
    reply_to:
      replyTo &&
      JSON.stringify({ messageId: replyTo.messageId, seq: replyTo.seq, senderId: replyTo.senderId, type: replyTo.type }),
    mentions: mentions && JSON.stringify(mentions),
    body_hash: record.bodyHash,
    created_at: record.createdAt,
    persisted_at: at,
    version: 0,
    edited_at: null,
    recalled_at: null,
  };
}
