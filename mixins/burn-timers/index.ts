import type { MessageRecord } from "../../contracts/records.ts";
import { parseConversationId } from "../../lib/conversation-id.ts";
import { isAmong } from "../database/dialect.ts";
import type { Database, Row, Tx } from "../database/port.ts";

/**
 * Messages that burn after reading, as rows of `burn_timer`: from the moment they are stored until they burn or are recalled. The
 * persister makes a row in the transaction that makes the message's; the transaction that moves its reader's cursor past it
 * starts its timer; the scheduler asks what is due. So nothing has to be heard of, and a message that does not burn has no part
 * in it.
 */

/** How far a user has read. */
export interface Reading {
  readonly userId: string;
  readonly conversationId: string;
  readonly readSeq: number;
  /** How far others may know of it. */
  readonly shownSeq: number;
  /** Epoch ms. */
  readonly at: number;
}
export interface BurnTimer {
  readonly conversationId: string;
  readonly seq: number;
  readonly messageId: string;
  readonly readerId: string;
  /** Its sender may know that it was read, and so when it burns. */
  readonly isShown: boolean;
  /** Epoch ms. */
  readonly burnsAt: number;
}
export type BurnTime = Omit<BurnTimer, "messageId">;
export type TimerPlace = Pick<BurnTimer, "conversationId" | "seq">;

interface TimerRow {
  conversation_id: string;
  seq: number;
  message_id: string | number;
  reader_id: string | number;
  burn_after_ms: number;
  burns_at: number | null;
  is_shown: number;
}
interface CursorRow {
  user_id: string | number;
  conversation_id: string;
  read_seq: number;
  read_at: number;
  shown_seq: number;
}

const columns = "conversation_id, seq, message_id, reader_id, burn_after_ms, burns_at, is_shown";

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
  const rows = await sql.select<{ message_id: string | number }>(
    "select message_id from message where (conversation_id, seq) in (:places) and type <> 'void' and recalled_at is null",
    { places: records.map(({ conversationId, seq }) => [conversationId, seq]) },
    tx,
  );
  return new Set(rows.map(({ message_id }) => String(message_id)));
}

/** The other one of the two; null where there are not two. */
function readerOf({ conversationId, senderId }: MessageRecord): string | null {
  const parsed = parseConversationId(conversationId);
  return parsed?.type === "direct" ? (parsed.userIds.find((userId) => userId !== senderId) ?? null) : null;
}

/** Starts the timers of what these users have read, in the transaction that moves their cursors and behind the move. */
export async function startBurnTimers(sql: Database, readings: readonly Reading[], tx: Tx): Promise<void> {
  const direct = readings.filter(({ conversationId, readSeq }) => readSeq > 0 && conversationId.startsWith("d_"));
  if (direct.length === 0) return;
  const waiting = await sql.select<TimerRow>(
    `select ${columns} from burn_timer
     where conversation_id in (:ids) and burns_at is null order by conversation_id, seq`,
    { ids: [...new Set(direct.map(({ conversationId }) => conversationId))] },
    tx,
  );
  for (const timer of waiting) {
    const reading = direct.find(
      ({ userId, conversationId, readSeq }) =>
        conversationId === timer.conversation_id && userId === String(timer.reader_id) && readSeq >= Number(timer.seq),
    );
    if (reading) await start(sql, timer, { readAt: reading.at, isShown: reading.shownSeq >= Number(timer.seq) }, tx);
  }
}

/** Nothing happens to one that runs. */
async function start(
  sql: Database,
  timer: TimerRow,
  { readAt, isShown }: { readAt: number; isShown: boolean },
  tx?: Tx,
): Promise<void> {
  await sql.execute(
    `update burn_timer set burns_at = :burnsAt, due_at = :readAt, is_shown = :isShown
     where conversation_id = :conversationId and seq = :seq and burns_at is null`,
    {
      conversationId: timer.conversation_id,
      seq: Number(timer.seq),
      burnsAt: readAt + Number(timer.burn_after_ms),
      readAt,
      isShown: Number(isShown),
    },
    tx,
  );
}

/** When each of these messages burns; those that wait for their reader are missing. */
export async function burnTimesAt(
  sql: Pick<Database, "select">,
  places: readonly (readonly [conversationId: string, seq: number])[],
): Promise<BurnTime[]> {
  if (places.length === 0) return [];
  const rows = await sql.select<TimerRow>(
    `select ${columns} from burn_timer where (conversation_id, seq) in (:places) and burns_at is not null`,
    { places },
  );
  return rows.map(timerOf);
}

const timerOf = (row: TimerRow): BurnTimer => ({
  conversationId: row.conversation_id,
  seq: Number(row.seq),
  messageId: String(row.message_id),
  readerId: String(row.reader_id),
  isShown: Number(row.is_shown) === 1,
  burnsAt: Number(row.burns_at),
});

/** What is done about timers by whoever has the lease of the scheduler. */
export class DueTimers {
  readonly #sql: Database;

  constructor(sql: Database) {
    this.#sql = sql;
  }

  async hasDue(now: number): Promise<boolean> {
    return (await this.#sql.select("select 1 as one from burn_timer where due_at <= :now limit 1", { now })).length > 0;
  }

  /** Timers that started and nobody was told of, and those that ran out; the longest first. */
  async due(now: number, limit: number): Promise<BurnTimer[]> {
    const rows = await this.#sql.select<TimerRow>(
      `select ${columns} from burn_timer where due_at <= :now order by due_at, conversation_id, seq limit :limit`,
      { now, limit },
    );
    return rows.map(timerOf);
  }

  /** It is looked at again at `dueAt`. */
  async putOff({ conversationId, seq }: BurnTimer, dueAt: number): Promise<void> {
    await this.#sql.execute("update burn_timer set due_at = :dueAt where conversation_id = :conversationId and seq = :seq", {
      conversationId,
      seq,
      dueAt,
    });
  }

  /** Those that ran out and have not burnt: how many, and since when the first of them should have. */
  async late(now: number): Promise<{ count: number; oldestAt: number | null }> {
    const [row] = await this.#sql.select<{ count: number; oldest: number | null }>(
      "select count(*) as count, min(burns_at) as oldest from burn_timer where burns_at <= :now",
      { now },
    );
    return { count: Number(row?.count ?? 0), oldestAt: row?.oldest == null ? null : Number(row.oldest) };
  }

  /**
   * Starts the timers of a portion of those that wait although their reader has read: who answers has read, be it that a crash
   * kept their cursor from following what they sent.
   * @returns where to go on; null at the end
   */
  async repair(after: TimerPlace, limit: number): Promise<TimerPlace | null> {
    const rows = await this.#sql.select<TimerRow & Pick<CursorRow, "read_seq" | "read_at" | "shown_seq">>(
      `select ${columns.replaceAll(/(\w+)/g, "t.$1")}, c.read_seq, c.read_at, c.shown_seq
       from burn_timer t left join conversation_member c on c.user_id = t.reader_id and c.conversation_id = t.conversation_id
       where (t.conversation_id, t.seq) > (:conversationId, :seq) and t.burns_at is null
       order by t.conversation_id, t.seq limit :limit`,
      { ...after, limit },
    );
    for (const row of rows) {
      const isRead = Number(row.read_seq) >= Number(row.seq);
      const readAt = isRead ? Number(row.read_at) : await this.#answeredAt(row);
      // An answer is there for both to see.
      const isShown = !isRead || Number(row.shown_seq) >= Number(row.seq);
      if (readAt !== null) await start(this.#sql, row, { readAt, isShown });
    }
    const last = rows.at(-1);
    return last && rows.length === limit ? { conversationId: last.conversation_id, seq: Number(last.seq) } : null;
  }

  async #answeredAt({ conversation_id: conversationId, seq, reader_id: readerId }: TimerRow): Promise<number | null> {
    const [answer] = await this.#sql.select<{ created_at: number }>(
      `select created_at from message where conversation_id = :conversationId and seq > :seq and sender_id = :readerId
       order by seq limit 1`,
      { conversationId, seq: Number(seq), readerId: String(readerId) },
    );
    return answer ? Number(answer.created_at) : null;
  }
}
