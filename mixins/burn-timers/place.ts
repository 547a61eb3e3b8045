import type { MessageRecord } from "../../contracts/records.ts";
import { parseConversationId } from "../../lib/conversation-id.ts";
import { isAmong } from "../database/dialect.ts";
import type { Database, Row, Tx } from "../database/port.ts";
import { selectAt, type CursorRow } from "./rows.ts";

/**
 * Makes the rows of those of these records that burn and are stored, in a serializable transaction: its reader's cursor stands
 * still until it ends. What was read on its way to the database burns from then on.
 */
export async function placeBurnTimers(sql: Database, records: readonly MessageRecord[], now: number, tx: Tx): Promise<void> {
  const burning = records.filter(burns);
  if (burning.length === 0) return;
  const stored = await storedAmong(sql, burning, tx);
  const timers = burning.flatMap((record) => {
    const readerId = stored.has(record.messageId) ? readerOf(record) : null;
    return readerId === null ? [] : [{ record, readerId }];
  });
  if (timers.length === 0) return;
  const keys = timers.map(({ record, readerId }) => [readerId, record.conversationId]);
  const { where, params } = isAmong(sql, ["user_id", "conversation_id"], keys);
  const cursors = await sql.select<CursorRow>(
    `select user_id, conversation_id, read_seq, read_at, shown_seq from conversation_member where ${where}`,
    params,
    tx,
  );
  const rows = timers.map(({ record, readerId }): Row => {
    const { conversationId, seq, messageId, burnAfterMs } = record;
    const cursor = cursors.find((one) => String(one.user_id) === readerId && one.conversation_id === conversationId);
    const isRead = cursor !== undefined && Number(cursor.read_seq) >= seq;
    return {
      conversation_id: conversationId,
      seq,
      message_id: messageId,
      reader_id: readerId,
      burn_after_ms: burnAfterMs,
      burns_at: isRead ? Number(cursor.read_at) + burnAfterMs : null,
      is_shown: Number(isRead && Number(cursor.shown_seq) >= seq),
      due_at: isRead ? now : null,
    };
  });
  await sql.insertRows("burn_timer", rows, "keep", tx);
}

type Burning = MessageRecord & { readonly burnAfterMs: number };

export const burns = (record: MessageRecord): record is Burning => record.burnAfterMs !== undefined;

/** Ids of those whose row is there and has its words: not of one that another has the place of, or that is recalled already. */
async function storedAmong(sql: Database, records: readonly MessageRecord[], tx: Tx): Promise<ReadonlySet<string>> {
  const select = "select message_id from message where type <> 'void' and recalled_at is null";
  const rows = await selectAt<{ message_id: string | number }>(sql, select, records, tx);
  return new Set(rows.map(({ message_id }) => String(message_id)));
}

/** The other one of the two; null where there are not two. */
function readerOf({ conversationId, senderId }: MessageRecord): string | null {
  const parsed = parseConversationId(conversationId);
  return parsed?.type === "direct" ? (parsed.userIds.find((userId) => userId !== senderId) ?? null) : null;
}
