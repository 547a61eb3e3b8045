import { chunksOf } from "../../lib/page.ts";
import type { Database, Row, Tx } from "../../mixins/database/port.ts";
import { newRow } from "./rows.ts";
import { advanceVersions, currentVersion, versionsOf } from "./versions.ts";

export interface Membership {
  readonly conversationId: string;
  readonly userIds: readonly string[];
  readonly seq: number;
  readonly at: number;
}

/** People of one transaction: thousands come and go at once, and others write in between. */
const PORTION = 500;

/**
 * SQL of who comes into a group's conversation and who leaves it. Each method works in portions; one that was broken off runs
 * again as a whole, and does nothing to those it was through with.
 */
export class Memberships {
  readonly #sql: Database;

  constructor(sql: Database) {
    this.#sql = sql;
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
    membership: Membership,
    { minSeq, who, from, params }: { minSeq: number; who: string; from: string; params: Row },
  ): Promise<void> {
    await this.#inPortions(membership, async ({ conversationId, userIds, seq, at }, tx) => {
      const versions = await versionsOf(this.#sql, tx, userIds);
      const rows = userIds.map((userId) =>
        newRow(userId, conversationId, at, { minSeq, sinceSeq: seq, version: versions.get(userId)! }),
      );
      if ((await this.#sql.insertRows("conversation_member", rows, "keep", tx)) === rows.length) return;
      await this.#sql.execute(
        `update conversation_member set min_seq = ${from}, active = 1, max_seq = null, read_seq = :seq, read_at = :at,
           shown_seq = :seq, shown_at = :at, delivered_seq = :seq, delivered_at = :at, told_seq = :seq, since_seq = :seq, version = ${currentVersion}
         where conversation_id = :conversationId and user_id in (:userIds) and ${who}`,
        { ...params, conversationId, userIds, seq, minSeq, at },
        tx,
      );
    });
  }

  /** Those of these people who are in it now. */
  async activeAmong(conversationId: string, userIds: readonly string[]): Promise<ReadonlySet<string>> {
    if (userIds.length === 0) return new Set();
    const rows = await this.#sql.select<{ user_id: string | number }>(
      "select user_id from conversation_member where conversation_id = :conversationId and user_id in (:userIds) and active = 1",
      { conversationId, userIds },
    );
    return new Set(rows.map((row) => String(row.user_id)));
  }

  /** People see nothing behind `seq`; nothing happens to those who came in behind it. */
  async closeFor(membership: Membership): Promise<void> {
    await this.#inPortions(membership, async ({ conversationId, userIds, seq }, tx) => {
      await this.#sql.execute(
        `update conversation_member set active = 0, max_seq = :seq, since_seq = :seq, version = ${currentVersion}
         where conversation_id = :conversationId and user_id in (:userIds) and active = 1 and since_seq <= :seq`,
        { conversationId, userIds, seq },
        tx,
      );
    });
  }

  /**
   * People left; `seq` is the last they see, also of those who were closed out at `closedAt` for this leaving, and heard what was
   * said up to it. Who had left already sees no more by it: a joining that was undone before it was announced must not show what
   * was said in between, nor a leaving that could not be announced for a while.
   */
  async leave(membership: Membership, closedAt?: number): Promise<void> {
    const wasClosed = closedAt === undefined ? "" : "or (max_seq = :closedAt and since_seq = :closedAt)";
    await this.#inPortions(membership, async ({ conversationId, userIds, seq }, tx) => {
      await this.#sql.execute(
        `update conversation_member set active = 0, max_seq = :seq, since_seq = :seq, version = ${currentVersion}
         where conversation_id = :conversationId and user_id in (:userIds) and since_seq < :seq
           and (active = 1 ${wasClosed})`,
        { conversationId, userIds, seq, ...(closedAt !== undefined && { closedAt }) },
        tx,
      );
    });
  }

  async #inPortions(membership: Membership, work: (portion: Membership, tx: Tx) => Promise<void>): Promise<void> {
    for (const userIds of chunksOf(membership.userIds.toSorted(), PORTION)) {
      await this.#sql.transaction(async (tx) => {
        await advanceVersions(this.#sql, tx, userIds);
        await work({ ...membership, userIds }, tx);
      });
    }
  }
}
