import { chunksOf } from "../../lib/page.ts";
import type { Database, Tx } from "../database/port.ts";
import type { TimerRow } from "./rows.ts";

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

/** Timers of one statement. */
const STARTED_AT_ONCE = 500;

/** Starts the timers of what these users have read, in the transaction that moves their cursors and behind the move. */
export async function startBurnTimers(sql: Database, readings: readonly Reading[], tx: Tx): Promise<void> {
  const direct = readings.filter(({ conversationId, readSeq }) => readSeq > 0 && conversationId.startsWith("d_"));
  if (direct.length === 0) return;
  const waiting = await sql.select<Pick<TimerRow, "conversation_id" | "seq" | "reader_id">>(
    `select conversation_id, seq, reader_id from burn_timer
     where conversation_id in (:ids) and burns_at is null order by conversation_id, seq`,
    { ids: [...new Set(direct.map(({ conversationId }) => conversationId))] },
    tx,
  );
  const readingOf = ({ conversation_id, seq, reader_id }: (typeof waiting)[number]): Reading | undefined =>
    direct.find(
      ({ userId, conversationId, readSeq }) =>
        conversationId === conversation_id && userId === String(reader_id) && readSeq >= Number(seq),
    );
  for (const [reading, timers] of Map.groupBy(waiting, readingOf)) {
    if (!reading) continue;
    const { conversationId, at: readAt, shownSeq } = reading;
    await startTimers(sql, { conversationId, seqs: timers.map(({ seq }) => Number(seq)), readAt, shownSeq }, tx);
  }
}

export interface Start {
  readonly conversationId: string;
  readonly seqs: readonly number[];
  /** Epoch ms. */
  readonly readAt: number;
  /** How far others may know that they are read. */
  readonly shownSeq: number;
}

/** Starts timers that were read at one time. Nothing happens to one that runs. */
export async function startTimers(sql: Database, { seqs, ...start }: Start, tx?: Tx): Promise<void> {
  for (const chunk of chunksOf(seqs, STARTED_AT_ONCE))
    await sql.execute(
      `update burn_timer set burns_at = :readAt + burn_after_ms, due_at = :readAt,
         is_shown = case when seq <= :shownSeq then 1 else 0 end
       where conversation_id = :conversationId and seq in (:seqs) and burns_at is null`,
      { ...start, seqs: chunk },
      tx,
    );
}
