import { startBurnTimers } from "../../mixins/burn-timers/index.ts";
import type { Database, Row, Tx } from "../../mixins/database/port.ts";
import { advanceCursors, type CursorMove, type StandingCursors } from "./cursor-rows.ts";
import { MemberReads } from "./member-reads.ts";
import { Memberships } from "./memberships.ts";
import { columns, newRow, type MemberRow } from "./rows.ts";
import { advanceVersions, currentVersion, versionsOf } from "./versions.ts";

export type { CursorMove, StandingCursors } from "./cursor-rows.ts";
export type { MemberRow } from "./rows.ts";

/** Cursors that are known and not written yet. */
export interface CursorsAhead {
  of(userId: string, conversationId: string): CursorMove | undefined;
}
export interface OwnChange {
  readonly pinned?: boolean | undefined;
  readonly muted?: boolean | undefined;
  readonly hiddenSeq?: number | null | undefined;
  readonly draft?: string | undefined;
}
/** In this order: MySQL sees what stands before as changed already. */
const showing = `shown_at = case when shown_seq < :shownSeq then :at else shown_at end,
  shown_seq = case when shown_seq < :shownSeq then :shownSeq else shown_seq end,
  told_seq = case when told_seq < :shownSeq then :shownSeq else told_seq end`;
const one = "user_id = :userId and conversation_id = :conversationId";

/**
 * All SQL of the conversation service. A transaction that changes rows moves the counters of their users first (`versions.ts`).
 */
export class ConversationRepository {
  /** Who comes and who leaves. */
  readonly memberships: Memberships;
  readonly #sql: Database;
  readonly #reads: MemberReads;
  readonly #ahead: CursorsAhead;

  constructor(sql: Database, ahead: CursorsAhead) {
    this.memberships = new Memberships(sql);
    this.#sql = sql;
    this.#reads = new MemberReads(sql);
    this.#ahead = ahead;
  }

  async find(userId: string, conversationId: string, tx?: Tx): Promise<MemberRow | null> {
    const rows = await this.#sql.select<MemberRow>(
      `select ${columns} from conversation_member where user_id = :userId and conversation_id = :conversationId`,
      { userId, conversationId },
      tx,
    );
    return rows[0] ? this.#withAhead(rows[0]) : null;
  }

  async ofUser(userId: string): Promise<MemberRow[]> {
    const [rows] = await this.#reads.ofUser([userId]);
    return rows!.map((row) => this.#withAhead(row));
  }

  /** Those of the user's rows that are named, by conversation id. */
  async some(userId: string, conversationIds: readonly string[]): Promise<MemberRow[]> {
    const [rows] = await this.#reads.some([{ userId, conversationIds }]);
    return rows!.map((row) => this.#withAhead(row));
  }

  /** The value of the user's counter; read it before the rows: those that changed later have a higher version. */
  async version(userId: string): Promise<number> {
    const [version] = await this.#reads.version([userId]);
    return version!;
  }

  #withAhead(row: MemberRow): MemberRow {
    const move = this.#ahead.of(String(row.user_id), row.conversation_id);
    if (!move) return row;
    const { readSeq, deliveredSeq } = move;
    return {
      ...row,
      read_seq: Math.max(Number(row.read_seq), readSeq),
      delivered_seq: Math.max(Number(row.delivered_seq), deliveredSeq),
    };
  }

  async idsOf(userId: string): Promise<string[]> {
    const rows = await this.#sql.select<MemberRow>(
      "select conversation_id from conversation_member where user_id = :userId order by conversation_id",
      { userId },
    );
    return rows.map((row) => row.conversation_id);
  }

  async activeGroups(userId: string): Promise<string[]> {
    const [conversationIds] = await this.#reads.activeGroups([userId]);
    return [...conversationIds!];
  }

  /**
   * Active members who could see this seq, be it that they have cleared it away since, with how far others may know that they
   * have read.
   */
  async readersOf(conversationId: string, seq: number): Promise<MemberRow[]> {
    return this.#sql.select<MemberRow>(
      "select user_id, shown_seq, shown_at from conversation_member where conversation_id = :conversationId and active = 1 and (min_seq <= :seq or since_seq <= :seq) order by user_id",
      { conversationId, seq },
    );
  }

  /** How far others may know that each active member got; at most `limit` of them. */
  async toldBy(
    conversationId: string,
    limit: number,
  ): Promise<Pick<MemberRow, "user_id" | "shown_seq" | "shown_at" | "told_seq">[]> {
    return this.#sql.select(
      "select user_id, shown_seq, shown_at, told_seq from conversation_member where conversation_id = :conversationId and active = 1 order by user_id limit :limit",
      { conversationId, limit },
    );
  }

  async blindTo(conversationId: string, seq: number, limit: number): Promise<string[]> {
    const rows = await this.#sql.select<MemberRow>(
      "select user_id from conversation_member where conversation_id = :conversationId and active = 1 and min_seq > :seq limit :limit",
      { conversationId, seq, limit },
    );
    return rows.map((row) => String(row.user_id));
  }

  /** Rows of a direct conversation, made when its first message or setting comes. */
  async ensure(conversationId: string, userIds: readonly string[], at: number): Promise<void> {
    const there = await this.#sql.select(
      "select user_id from conversation_member where user_id in (:userIds) and conversation_id = :conversationId",
      { userIds, conversationId },
    );
    if (there.length === userIds.length) return;
    await this.#changing(userIds, async (tx) => {
      const versions = await versionsOf(this.#sql, tx, userIds);
      const rows = userIds
        .toSorted()
        .map((userId) => newRow(userId, conversationId, at, { minSeq: 1, sinceSeq: 0, version: versions.get(userId)! }));
      await this.#sql.insertRows("conversation_member", rows, "keep", tx);
    });
  }

  /** Moves cursors forward, never back; read pulls delivered along, and shown where the move is shown. */
  advance(moves: readonly CursorMove[]): Promise<ReadonlyMap<string, StandingCursors>> {
    return advanceCursors(this.#sql, moves);
  }

  /** @returns the row as this change leaves it; null when nothing is to be changed */
  async change(userId: string, conversationId: string, change: OwnChange): Promise<MemberRow | null> {
    const { pinned, muted, hiddenSeq, draft } = change;
    const sets: string[] = [];
    const values: Row = {};
    const set = (column: string, value: string | number | null | undefined): void => {
      if (value === undefined) return;
      sets.push(`${column} = :${column}`);
      values[column] = value;
    };
    set("pinned", pinned === undefined ? undefined : Number(pinned));
    set("muted", muted === undefined ? undefined : Number(muted));
    set("hidden_seq", hiddenSeq);
    set("draft", draft);
    if (sets.length === 0) return null;
    return this.#changing([userId], async (tx) => {
      await this.#sql.execute(
        `update conversation_member set ${sets.join(", ")}, version = ${currentVersion} where ${one}`,
        { ...values, userId, conversationId },
        tx,
      );
      return this.find(userId, conversationId, tx);
    });
  }

  /** What a user who is gone had begun to write. */
  async forgetDrafts(userId: string): Promise<void> {
    await this.#changing([userId], async (tx) => {
      await this.#sql.execute(
        `update conversation_member set draft = '', version = ${currentVersion} where user_id = :userId and draft <> ''`,
        { userId },
        tx,
      );
    });
  }

  /**
   * All up to `seq` is no longer visible to the user, and read; others may know it as far as `shownSeq`.
   * @returns the row as this change leaves it; null when it was so already
   */
  async clear({ userId, conversationId, readSeq: seq, shownSeq, at }: CursorMove): Promise<MemberRow | null> {
    return this.#changing([userId], async (tx) => {
      const cleared = await this.#sql.execute(
        `update conversation_member set min_seq = :next, version = ${currentVersion} where ${one} and min_seq < :next`,
        { userId, conversationId, next: seq + 1 },
        tx,
      );
      const read = await this.#sql.execute(
        `update conversation_member set read_seq = :seq, read_at = :at, ${showing},
           delivered_seq = case when delivered_seq < :seq then :seq else delivered_seq end, version = ${currentVersion}
         where ${one} and read_seq < :seq`,
        { userId, conversationId, seq, shownSeq, at },
        tx,
      );
      await startBurnTimers(this.#sql, [{ userId, conversationId, readSeq: seq, shownSeq, at }], tx);
      return cleared + read === 0 ? null : this.find(userId, conversationId, tx);
    });
  }

  #changing<T>(userIds: readonly string[], work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#sql.transaction(async (tx) => {
      await advanceVersions(this.#sql, tx, userIds);
      return work(tx);
    });
  }
}
