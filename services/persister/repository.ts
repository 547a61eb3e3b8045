import type { MessageRecord } from "../../contracts/records.ts";
import { withoutWords } from "../../lib/erased-words.ts";
import { storedReply } from "../../lib/message-view.ts";
import { placeBurnTimers } from "../../mixins/burn-timers/index.ts";
import type { Database, Row, Tx } from "../../mixins/database/port.ts";
import { erasedAuthors, noneErased } from "../../mixins/message-log/erased-senders.ts";

const NO_WORDS = JSON.stringify({});

/** A message that stands in the way of another. */
export interface Standing {
  readonly messageId: string;
  readonly conversationId: string;
  readonly seq: number;
  readonly isVoid: boolean;
  /** Held, recalled or erased. */
  readonly isWithoutWords: boolean;
}

/** Rows of `message` as the persister writes them. */
export class PersistRepository {
  readonly #sql: Database;

  constructor(sql: Database) {
    this.#sql = sql;
  }

  /**
   * Writes the records, all or none; of those that burn no timers.
   * @throws when one of them is there already, another has its place, or it holds words of someone who was erased
   */
  insertNew(records: readonly MessageRecord[], at: number): Promise<void> {
    return this.#sql.bulkInsert(
      "message",
      records.map((record) => rowOf(record, at)),
      { unless: noneErased(records) },
    );
  }

  /** Those of the people whose words the records hold that were erased. */
  erasedAuthors(records: readonly MessageRecord[], tx: Tx): Promise<ReadonlySet<string>> {
    return erasedAuthors(this.#sql, records, tx);
  }

  /**
   * Writes the records in one statement; what is there already stays. Of the words of those who were erased nothing is
   * written: what they sent stands there as recalled. @returns how many were new
   */
  insert(records: readonly MessageRecord[], erased: ReadonlySet<string>, at: number, tx: Tx): Promise<number> {
    return this.#sql.insertRows(
      "message",
      records.map((record) =>
        erased.size === 0 ? rowOf(record, at) : rowOf(withoutWords(record, erased), at, erased.has(record.senderId) ? at : null),
      ),
      "keep",
      tx,
    );
  }

  /** Keeps the seq of a record that can never be written, so that its conversation has no hole. */
  async insertVoid(record: MessageRecord, at: number, tx: Tx): Promise<void> {
    await this.#sql.insertRows("message", [voidOf(record, at)], "keep", tx);
  }

  /** Keeps the seq of a record that the database refuses, as the record's own. */
  async insertHeld(record: MessageRecord, at: number, tx: Tx): Promise<void> {
    await this.#sql.insertRows("message", [rowOf({ ...record, content: {}, replyTo: null, mentions: null }, at)], "keep", tx);
  }

  /** Timers of those of the records that burn and are stored. */
  placeBurnTimers(records: readonly MessageRecord[], at: number, tx: Tx): Promise<void> {
    return placeBurnTimers(this.#sql, records, at, tx);
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
    const [row] = await this.#sql.select<{
      message_id: string;
      conversation_id: string;
      seq: number;
      type: string;
      content: string;
    }>(`select message_id, conversation_id, seq, type, content from message where ${where}`, params, tx);
    if (!row) return null;
    return {
      messageId: String(row.message_id),
      conversationId: row.conversation_id,
      seq: Number(row.seq),
      isVoid: row.type === "void",
      isWithoutWords: row.content === NO_WORDS,
    };
  }

  /** Nobody whom `work` did not find among the erased is marked as one before it is committed. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#sql.transaction(work, { serializable: true });
  }

  isTransient(error: unknown): boolean {
    return this.#sql.isTransient(error);
  }
}

function rowOf(record: MessageRecord, at: number, recalledAt: number | null = null): Row {
  const { replyTo, mentions } = record;
  return {
    conversation_id: record.conversationId,
    seq: record.seq,
    message_id: record.messageId,
    sender_id: record.senderId,
    client_msg_id: record.clientMsgId,
    type: record.type,
    content: JSON.stringify(record.content),
    reply_to: storedReply(replyTo),
    mentions: mentions && JSON.stringify(mentions),
    body_hash: record.bodyHash,
    created_at: record.createdAt,
    persisted_at: at,
    version: 0,
    edited_at: null,
    recalled_at: recalledAt,
    thread_id: record.threadId ?? null,
    burn_after_ms: record.burnAfterMs ?? null,
  };
}

/** Takes from the record nothing but its place and its time: the rest may be what the database refuses. */
function voidOf({ conversationId, seq, messageId, createdAt }: MessageRecord, at: number): Row {
  return {
    conversation_id: conversationId,
    seq,
    message_id: messageId,
    sender_id: "0",
    client_msg_id: `void-${messageId}`,
    type: "void",
    content: "{}",
    reply_to: null,
    mentions: null,
    body_hash: "",
    created_at: Number.isSafeInteger(createdAt) ? createdAt : at,
    persisted_at: at,
    version: 0,
    edited_at: null,
    recalled_at: null,
    thread_id: null,
  };
}
