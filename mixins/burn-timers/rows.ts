import { chunksOf } from "../../lib/page.ts";
import { isAmong } from "../database/dialect.ts";
import type { Database, Tx } from "../database/port.ts";

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
export type TimerPlace = Pick<BurnTimer, "conversationId" | "seq">;

/** A row of `burn_timer`. */
export interface TimerRow {
  conversation_id: string;
  seq: number;
  message_id: string | number;
  reader_id: string | number;
  burn_after_ms: number;
  burns_at: number | null;
  is_shown: number;
}
/** Of `conversation_member`: how far the reader has got. */
export interface CursorRow {
  user_id: string | number;
  conversation_id: string;
  read_seq: number;
  read_at: number;
  shown_seq: number;
}

export const columns = "conversation_id, seq, message_id, reader_id, burn_after_ms, burns_at, is_shown";

export const timerOf = (row: TimerRow): BurnTimer => ({
  conversationId: row.conversation_id,
  seq: Number(row.seq),
  messageId: String(row.message_id),
  readerId: String(row.reader_id),
  isShown: Number(row.is_shown) === 1,
  burnsAt: Number(row.burns_at),
});

/** Places of one statement. */
const PLACES_PER_STATEMENT = 256;

/** What a SELECT that ends in its condition finds at these places. */
export async function selectAt<R extends object>(
  sql: Pick<Database, "dialect" | "select">,
  select: string,
  places: readonly TimerPlace[],
  tx?: Tx,
): Promise<R[]> {
  const found: R[] = [];
  for (const chunk of chunksOf(places, PLACES_PER_STATEMENT)) {
    const keys = chunk.map(({ conversationId, seq }) => [conversationId, seq]);
    const { where, params } = isAmong(sql, ["conversation_id", "seq"], keys);
    found.push(...(await sql.select<R>(`${select} and ${where}`, params, tx)));
  }
  return found;
}
