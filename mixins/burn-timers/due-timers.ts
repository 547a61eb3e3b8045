import { chunksOf } from "../../lib/page.ts";
import { byIndex } from "../database/dialect.ts";
import type { Database, SqlParams } from "../database/port.ts";
import { columns, timerOf, type BurnTimer, type CursorRow, type TimerPlace, type TimerRow } from "./rows.ts";
import { startTimers } from "./start.ts";

/** A timer that waits, and how far its reader has got. */
type WaitingRow = TimerRow & Pick<CursorRow, "read_seq" | "read_at" | "shown_seq">;
interface AnswerRow {
  part: number;
  seq: number;
  created_at: number;
}

/** Readers of one statement, which is a union. */
const LANES_PER_STATEMENT = 32;
/** Answers of one reader that are looked at; what lies behind them is for the next round. */
const ANSWERS = 100;

const seqOf = ({ seq }: TimerRow): number => Number(seq);
const isRead = (row: WaitingRow): boolean => Number(row.read_seq) >= seqOf(row);

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
    const rows = await this.#sql.select<WaitingRow>(
      `select ${columns.replaceAll(/(\w+)/g, "t.$1")}, c.read_seq, c.read_at, c.shown_seq
       from burn_timer t ${byIndex(this.#sql, "primary")}
       left join conversation_member c on c.user_id = t.reader_id and c.conversation_id = t.conversation_id
       where t.conversation_id >= :conversationId and (t.conversation_id > :conversationId or t.seq > :seq) and t.burns_at is null
       order by t.conversation_id, t.seq limit :limit`,
      { ...after, limit },
    );
    const lanes = [...Map.groupBy(rows, (row) => `${row.conversation_id} ${row.reader_id}`).values()];
    for (const lane of lanes) await this.#startRead(lane.filter(isRead));
    const unread = lanes.map((lane) => lane.filter((row) => !isRead(row))).filter(({ length }) => length > 0);
    for (const several of chunksOf(unread, LANES_PER_STATEMENT)) await this.#startAnswered(several);
    const last = rows.at(-1);
    return last && rows.length === limit ? { conversationId: last.conversation_id, seq: Number(last.seq) } : null;
  }

  /** Those of one reader whose cursor is behind them. */
  async #startRead(lane: readonly WaitingRow[]): Promise<void> {
    const [first] = lane;
    if (!first) return;
    const cursor = { readAt: Number(first.read_at), shownSeq: Number(first.shown_seq) };
    await startTimers(this.#sql, { conversationId: first.conversation_id, seqs: lane.map(seqOf), ...cursor });
  }

  /** Those of several readers that lie before something that their reader has said: that is there for both to see. */
  async #startAnswered(lanes: readonly WaitingRow[][]): Promise<void> {
    const answers = await this.#answers(lanes);
    for (const [i, lane] of lanes.entries()) {
      const own = answers.filter(({ part }) => Number(part) === i);
      for (const [answer, timers] of Map.groupBy(lane, (row) => own.find(({ seq }) => Number(seq) > seqOf(row)))) {
        if (!answer) continue;
        const said = { readAt: Number(answer.created_at), shownSeq: Number(answer.seq) };
        await startTimers(this.#sql, { conversationId: lane[0]!.conversation_id, seqs: timers.map(seqOf), ...said });
      }
    }
  }

  /** What readers have said behind the first of their timers, the first of it, ascending; `part` is the place of the lane. */
  #answers(lanes: readonly WaitingRow[][]): Promise<AnswerRow[]> {
    const part = (_: unknown, i: number): string =>
      `select * from (select ${i} as part, seq, created_at from message
       where conversation_id = :conversationId${i} and sender_id = :readerId${i} and seq > :seq${i} order by seq limit ${ANSWERS}) a${i}`;
    const params = lanes.map(([first], i) => ({
      [`conversationId${i}`]: first!.conversation_id,
      [`readerId${i}`]: String(first!.reader_id),
      [`seq${i}`]: seqOf(first!),
    }));
    return this.#sql.select(lanes.map(part).join(" union all "), Object.assign({}, ...params) as SqlParams);
  }
}
