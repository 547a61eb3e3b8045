import type { Database, Row, Tx } from "../../mixins/database/port.ts";
import { columns, scheduledOf, withoutWords, type Scheduled, type ScheduledRow } from "./rows.ts";

/** It is due, and no earlier one of its author in its conversation was tried and put off. */
const isNext = `s.due_at <= :now and not exists (select 1 from scheduled_message e
  where e.user_id = s.user_id and e.state = 'sending' and e.conversation_id = s.conversation_id and e.due_at > :now
    and (e.send_at < s.send_at or (e.send_at = s.send_at and e.scheduled_id < s.scheduled_id)))`;

/** All SQL by which one runner at a time sends what is due. What it writes it writes under the token of its lease. */
export class DueRepository {
  readonly #sql: Database;

  constructor(sql: Database) {
    this.#sql = sql;
  }

  /** What is due, the longest first; of one author in one conversation nothing before what is to come before it. */
  async due(now: number, limit: number): Promise<Scheduled[]> {
    const rows = await this.#sql.select<ScheduledRow>(
      `select ${columns} from scheduled_message s where ${isNext} order by s.send_at, s.scheduled_id limit :limit`,
      { now, limit },
    );
    return rows.map(scheduledOf);
  }

  async hasDue(now: number): Promise<boolean> {
    return (await this.#sql.select(`select 1 as one from scheduled_message s where ${isNext} limit 1`, { now })).length > 0;
  }

  /**
   * Takes one that is due, after which it can be neither changed nor cancelled. null when it was cancelled or put off meanwhile, or a
   * runner with a newer lease has it.
   */
  async take(scheduledId: string, token: number, now: number): Promise<Scheduled | null> {
    const taken = await this.#sql.execute(
      `update scheduled_message set state = 'sending', token = :token, tries = tries + 1, unknown_at = :now
       where scheduled_id = :scheduledId and due_at <= :now and state in ('waiting', 'sending') and token <= :token`,
      { scheduledId, token, now },
    );
    if (taken === 0) return null;
    const [row] = await this.#sql.select<ScheduledRow>(
      `select ${columns} from scheduled_message where scheduled_id = :scheduledId and state = 'sending' and token = :token`,
      { scheduledId, token },
    );
    return row ? scheduledOf(row) : null;
  }

  /** @returns false when a runner with a newer lease has it */
  async sent(
    scheduledId: string,
    token: number,
    { messageId, seq, createdAt, at }: { messageId: string; seq: number; createdAt: number; at: number },
  ): Promise<boolean> {
    return this.#end(
      `state = 'sent', ${withoutWords}, message_id = :messageId, seq = :seq, sent_at = :createdAt, ended_at = :at`,
      { scheduledId, token, messageId, seq, createdAt, at },
    );
  }

  /** Its words stay: its author may want them. */
  async failed(scheduledId: string, token: number, { failure, at }: { failure: string; at: number }, tx: Tx): Promise<boolean> {
    return this.#end("state = 'failed', failure = :failure, ended_at = :at", { scheduledId, token, failure, at }, tx);
  }

  async #end(sets: string, params: Row, tx?: Tx): Promise<boolean> {
    const changed = await this.#sql.execute(
      `update scheduled_message set ${sets}, due_at = null where scheduled_id = :scheduledId and state = 'sending' and token = :token`,
      params,
      tx,
    );
    return changed > 0;
  }

  /** It is looked at again at `dueAt`. */
  async putOff(
    scheduledId: string,
    token: number,
    { dueAt, unknownAt }: { dueAt: number; unknownAt: number | null },
  ): Promise<void> {
    await this.#sql.execute(
      `update scheduled_message set due_at = :dueAt, unknown_at = :unknownAt
       where scheduled_id = :scheduledId and state = 'sending' and token = :token`,
      { scheduledId, token, dueAt, unknownAt },
    );
  }

  /** Those whose time has come and that are not sent: how many, and since when the first of them waits. */
  async late(now: number): Promise<{ count: number; oldestAt: number | null }> {
    const [row] = await this.#sql.select<{ count: number; oldest: number | null }>(
      "select count(*) as count, min(send_at) as oldest from scheduled_message where state in ('waiting', 'sending') and send_at <= :now",
      { now },
    );
    return { count: Number(row?.count ?? 0), oldestAt: row?.oldest == null ? null : Number(row.oldest) };
  }

  /** Removes some of those that ended before this time. @returns how many */
  async prune(before: number, limit: number): Promise<number> {
    const rows = await this.#sql.select<{ scheduled_id: string | number }>(
      "select scheduled_id from scheduled_message where ended_at < :before limit :limit",
      { before, limit },
    );
    if (rows.length === 0) return 0;
    return this.#sql.execute("delete from scheduled_message where scheduled_id in (:ids)", {
      ids: rows.map(({ scheduled_id }) => String(scheduled_id)),
    });
  }

  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#sql.transaction(work);
  }
}
