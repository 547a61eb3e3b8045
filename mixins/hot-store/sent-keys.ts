import type { Database } from "../database/port.ts";
import type { KnownMessage } from "./port.ts";

export interface SentKey extends KnownMessage {
  readonly clientMsgId: string;
}

/** What a sender sent in a conversation last. */
export interface SentKeys {
  /** Newest first. */
  readonly keys: readonly SentKey[];
  /** Older ones may exist behind this: all from this seq on are here. 0: these are all. */
  readonly from: number;
  /** The time of the newest message below `from`; 0 when there is none. */
  readonly olderUntil: number;
}

/** At most `limit` client message ids that a sender used last in a conversation. @throws as the database */
export type SentKeysReader = (conversationId: string, senderId: string, limit: number) => Promise<SentKeys>;

interface SentRow {
  client_msg_id: string;
  message_id: string | number;
  seq: number;
  created_at: number;
  body_hash: string;
}
const sent =
  "select client_msg_id, message_id, seq, created_at, body_hash from message where conversation_id = :conversationId and sender_id = :senderId and type <> 'void'";

/** The newest messages of a conversation that are looked through for those of one who has sent more than is kept, per kept one. */
const WINDOW_FACTOR = 4;

/**
 * Reads them from SQL, a bounded number of rows: all of a sender by their key; of one who has sent more than `limit` those
 * among the newest of the conversation, since no index has them by seq.
 */
export function sqlSentKeys(sql: Database): SentKeysReader {
  return async (conversationId, senderId, limit) => {
    const all = await sql.select<SentRow>(`${sent} limit :limit`, { conversationId, senderId, limit: limit + 1 });
    if (all.length <= limit) return { keys: all.map(keyOf).toSorted((a, b) => b.seq - a.seq), from: 0, olderUntil: 0 };
    const [head] = await sql.select<{ seq: number }>(
      "select max(seq) as seq from message where conversation_id = :conversationId",
      { conversationId },
    );
    const window = Math.max(1, Number(head?.seq ?? 0) - limit * WINDOW_FACTOR);
    const rows = await sql.select<SentRow>(`${sent} and seq >= :window order by seq desc limit :limit`, {
      conversationId,
      senderId,
      window,
      limit,
    });
    const from = rows.length < limit ? window : Number(rows.at(-1)!.seq);
    return { keys: rows.map(keyOf), from, olderUntil: await timeBelow(sql, conversationId, from) };
  };
}

async function timeBelow(sql: Database, conversationId: string, seq: number): Promise<number> {
  const [row] = await sql.select<{ created_at: number }>(
    "select created_at from message where conversation_id = :conversationId and seq < :seq order by seq desc limit 1",
    { conversationId, seq },
  );
  return Number(row?.created_at ?? 0);
}

const keyOf = (row: SentRow): SentKey => ({
  clientMsgId: row.client_msg_id,
  messageId: String(row.message_id),
  seq: Number(row.seq),
  createdAt: Number(row.created_at),
  bodyHash: row.body_hash,
});
