import type { Database, Row, Tx } from "../../mixins/database/port.ts";

/** A row of `conversation_member`. */
export interface MemberRow {
  user_id: string | number;
  conversation_id: string;
  active: number;
  min_seq: number;
  max_seq: number | null;
  read_seq: number;
  read_at: number;
  shown_seq: number;
  shown_at: number;
  delivered_seq: number;
  delivered_at: number;
  pinned: number;
  muted: number;
  hidden_seq: number | null;
  draft: string;
  since_seq: number;
  version: number;
  created_at: number;
}
/** How far one user has got in one conversation; a cursor that is not given stays. */
export interface CursorMove {
  readonly userId: string;
  readonly conversationId: string;
  readonly readSeq: number;
  /** How far others may know that they have read; a move that is kept from them gives 0. */
  readonly shownSeq: number;
  readonly deliveredSeq: number;
  readonly at: number;
}
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
export interface Membership {
  readonly conversationId: string;
  readonly userIds: readonly string[];
  readonly seq: number;
  readonly at: number;
}

const columns =
  "user_id, conversation_id, active, min_seq, max_seq, read_seq, read_at, shown_seq, shown_at, delivered_seq, delivered_at, pinned, muted, hidden_seq, draft, since_seq, version, created_at";

/** In this order: MySQL sees what stands before as changed already. */
const showing = `shown_at = case when shown_seq < :shownSeq then :at else shown_at end,
  shown_seq = case when shown_seq < :shownSeq then :shownSeq else shown_seq end`;

const newRow = (userId: string, conversationId: string, at: number, seqs: { minSeq: number; sinceSeq: number }): Row => ({
  user_id: userId,
  conversation_id: conversationId,
  active: 1,
  min_seq: seqs.minSeq,
  max_seq: null,
  read_seq: seqs.sinceSeq,
  read_at: at,
  shown_seq: seqs.sinceSeq,
  shown_at: at,
  delivered_seq: seqs.sinceSeq,
  delivered_at: at,
  pinned: 0,
  muted: 0,
  hidden_seq: null,
  draft: "",
  since_seq: seqs.sinceSeq,
  version: 1,
  created_at: at,
});

type Key = Pick<CursorMove, "userId" | "conversationId">;
/** In the order of the primary key, so that two writers do not wait for each other. */
const byKey = (a: Key, b: Key): number =>
  a.userId === b.userId
    ? Number(a.conversationId > b.conversationId) - Number(a.conversationId < b.conversationId)
    : a.userId < b.userId
      ? -1
      : 1;

/** All SQL of the conversation service. */
export class ConversationRepository {
  readonly #sql: Database;
  readonly #ahead: CursorsAhead;

  constructor(sql: Database, ahead: CursorsAhead) {
    this.#sql = sql;
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
    const rows = await this.#sql.select<MemberRow>(
      `select ${columns} from conversation_member where user_id = :userId order by conversation_id`,
      { userId },
    );
    return rows.map((row) => this.#withAhead(row));
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
    const rows = await this.#sql.select<MemberRow>(
      "select conversation_id from conversation_member where user_id = :userId and active = 1 and substr(conversation_id, 1, 2) = 'g_'",
      { userId },
    );
    return rows.map((row) => row.conversation_id);
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

  async blindTo(conversationId: string, seq: number): Promise<string[]> {
    const rows = await this.#sql.select<MemberRow>(
      "select user_id from conversation_member where conversation_id = :conversationId and active = 1 and min_seq > :seq",
      { conversationId, seq },
    );
    return rows.map((row) => String(row.user_id));
  }

  /** Rows of a direct conversation, made when its first message or setting comes. */
  async ensure(conversationId: string, userIds: readonly string[], at: number): Promise<void> {
    await this.#sql.insertRows(
      "conversation_member",
      userIds.toSorted().map((userId) => newRow(userId, conversationId, at, { minSeq: 1, sinceSeq: 0 })),
      "keep",
    );
  }

  /** Moves cursors forward, never back; read pulls delivered along, and shown where the move is shown. */
  async advance(moves: readonly CursorMove[]): Promise<void> {
    await this.#sql.transaction(async (tx) => {
      for (const { userId, conversationId, readSeq, shownSeq, deliveredSeq, at } of moves.toSorted(byKey)) {
        const key = { userId, conversationId, at };
        const where = "where user_id = :userId and conversation_id = :conversationId";
        if (readSeq > 0)
          await this.#sql.execute(
            `update conversation_member set read_seq = :readSeq, read_at = :at, ${showing}, version = version + 1 ${where} and read_seq < :readSeq`,
            { ...key, readSeq, shownSeq },
            tx,
          );
        const delivered = Math.max(readSeq, deliveredSeq);
        await this.#sql.execute(
          `update conversation_member set delivered_seq = :delivered, delivered_at = :at ${where} and delivered_seq < :delivered`,
          { ...key, delivered },
          tx,
        );
      }
    });
  }

  async change(userId: string, conversationId: string, change: OwnChange): Promise<void> {
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
    if (sets.length === 0) return;
    await this.#sql.execute(
      `update conversation_member set ${sets.join(", ")}, version = version + 1 where user_id = :userId and conversation_id = :conversationId`,
      { ...values, userId, conversationId },
    );
  }

  /** What a user who is gone had begun to write. */
  async forgetDrafts(userId: string): Promise<void> {
    await this.#sql.execute("update conversation_member set draft = '' where user_id = :userId and draft <> ''", { userId });
  }

  /** All up to `seq` is no longer visible to the user, and read; others may know it as far as `shownSeq`. */
  async clear({ userId, conversationId, readSeq: seq, shownSeq, at }: CursorMove): Promise<void> {
    await this.#sql.transaction(async (tx) => {
      await this.#sql.execute(
        "update conversation_member set min_seq = :next, version = version + 1 where user_id = :userId and conversation_id = :conversationId and min_seq < :next",
        { userId, conversationId, next: seq + 1 },
        tx,
      );
      await this.#sql.execute(
        `update conversation_member set read_seq = :seq, read_at = :at, ${showing}, delivered_seq = case when delivered_seq < :seq then :seq else delivered_seq end
         where user_id = :userId and conversation_id = :conversationId and read_seq < :seq`,
        { userId, conversationId, seq, shownSeq, at },
        tx,
      );
    });
  }

  /** People may read what comes behind `seq`; nothing happens to those who can already. */
  async admit(membership: Membership, historyVisible: boolean): Promise<void> {
    const minSeq = historyVisible ? 1 : membership.seq + 1;
    await this.#letIn(membership, { minSeq, who: "active = 0 and since_seq <= :seq", from: ":minSeq", params: {} });
  }

  /** People joined at `seq`; nothing happens to those whose last joining or leaving is newer. */
  async join(
    membership: Membership,
    { historyVisible, admittedBehind }: { historyVisible: boolean; admittedBehind: number },
  ): Promise<void> {
    await this.#letIn(membership, {
      minSeq: historyVisible ? 1 : membership.seq,
      who: "since_seq < :seq",
      from: "case when active = 1 and since_seq >= :admittedBehind then min_seq else :minSeq end",
      params: { admittedBehind },
    });
  }

  /** Makes rows of people, or begins anew with the rows of those that `who` takes; they see `from` there on. */
  async #letIn(
    { conversationId, userIds, seq, at }: Membership,
    { minSeq, who, from, params }: { minSeq: number; who: string; from: string; params: Row },
  ): Promise<void> {
    await this.#sql.transaction(async (tx) => {
      const rows = userIds.toSorted().map((userId) => newRow(userId, conversationId, at, { minSeq, sinceSeq: seq }));
      if ((await this.#sql.insertRows("conversation_member", rows, "keep", tx)) === rows.length) return;
      await this.#sql.execute(
        `update conversation_member set min_seq = ${from}, active = 1, max_seq = null, read_seq = :seq, read_at = :at,
           shown_seq = :seq, shown_at = :at, delivered_seq = :seq, delivered_at = :at, since_seq = :seq, version = version + 1
         where conversation_id = :conversationId and user_id in (:userIds) and ${who}`,
        { ...params, conversationId, userIds, seq, minSeq, at },
        tx,
      );
    });
  }

  /** People see nothing behind `seq`; nothing happens to those who came in behind it. */
  async closeFor({ conversationId, userIds, seq }: Membership): Promise<void> {
    await this.#sql.execute(
      `update conversation_member set active = 0, max_seq = :seq, since_seq = :seq, version = version + 1
       where conversation_id = :conversationId and user_id in (:userIds) and active = 1 and since_seq <= :seq`,
      { conversationId, userIds, seq },
    );
  }

  /**
   * People left; `seq` is the last they see, also of those who were closed out at `closedAt` for this leaving, and heard what was
   * said up to it. Who had left already sees no more by it: a joining that was undone before it was announced must not show what
   * was said in between, nor a leaving that could not be announced for a while.
   */
  async leave({ conversationId, userIds, seq }: Membership, closedAt?: number): Promise<void> {
    const wasClosed = closedAt === undefined ? "" : "or (max_seq = :closedAt and since_seq = :closedAt)";
    await this.#sql.execute(
      `update conversation_member set active = 0, max_seq = :seq, since_seq = :seq, version = version + 1
       where conversation_id = :conversationId and user_id in (:userIds) and since_seq < :seq
         and (active = 1 ${wasClosed})`,
      { conversationId, userIds, seq, ...(closedAt !== undefined && { closedAt }) },
    );
  }
}
