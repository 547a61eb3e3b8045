import { CHANGE_LOG_KEEP_MS, MAX_CHANGE_LOG_ENTRIES } from "../../config/limits.ts";
import { gather } from "../../lib/gather.ts";
import { byIndex, unindexed } from "../database/dialect.ts";
import type { Database, Tx } from "../database/port.ts";

export type ChangeType = "edited" | "recalled" | "deleted" | "reacted" | "pinned";

/** Something that happened to a message that stands already. */
export interface NewChange {
  readonly type: ChangeType;
  readonly conversationId: string;
  readonly seq: number;
  readonly messageId: string;
  /** The one user whom it concerns (what is deleted for me); null: everybody who can see the message. */
  readonly userId: string | null;
  /** Epoch ms. */
  readonly at: number;
}

export interface Change extends NewChange {
  /** From 1, in the order of commits. */
  readonly position: number;
}

export interface ChangesAsked {
  /** The position behind which to begin. */
  readonly after: number;
  /** The last position to look at: a head that was read before. */
  readonly upTo: number;
  readonly conversationIds: readonly string[];
  /** Who asks: what concerns another user alone is left out. */
  readonly userId: string;
  /** Entries at most; go on behind the last one. */
  readonly limit: number;
}

export interface ChangeLogBounds {
  /** How long an entry is kept, in ms. */
  readonly keepMs: number;
  readonly maxEntries: number;
}

interface ChangeRow {
  position: number;
  type: ChangeType;
  conversation_id: string;
  seq: number;
  message_id: string | number;
  user_id: string | number | null;
  at: number;
}

/** Entries that one transaction removes. */
const PORTION = 1_000;
/** Portions of one run; what is left goes with the next. */
const MAX_PORTIONS = 100;
/** So many entries are looked through one by one rather than for each conversation by itself. */
const LOOKED_THROUGH = 1_000;
/** Conversations that one statement names. */
const CONVERSATIONS_ASKED = 500;
const HEAD = { id: 1 };

/**
 * What happened to messages, for clients that were away. A transaction that changes a message records it at its end; the
 * lock of the one row that gives positions holds until the commit, so positions follow the commits, and all at or below a
 * head that somebody reads is committed. Bounded in time and number: what is trimmed moves the floor.
 */
export class ChangeLog {
  readonly #sql: Database;
  readonly #bounds: ChangeLogBounds;
  /** Everybody who asks while it is read is answered by the next reading. */
  readonly #shared = gather(
    async (askers: readonly null[]) => {
      const ends = await this.#ends();
      return askers.map(() => ends);
    },
    { parallel: 1, maxItems: Infinity },
  );

  constructor(sql: Database, bounds: ChangeLogBounds = { keepMs: CHANGE_LOG_KEEP_MS, maxEntries: MAX_CHANGE_LOG_ENTRIES }) {
    this.#sql = sql;
    this.#bounds = bounds;
  }

  /**
   * Records changes in the transaction that makes them. Call it last in the transaction: no other transaction records between
   * this and the commit, and a row that is locked afterwards may be one for which that other waits.
   */
  async record(tx: Tx, changes: readonly NewChange[]): Promise<void> {
    if (changes.length === 0) return;
    const before = (await this.#advance(tx, changes.length)) - changes.length;
    const rows = changes.map(({ type, conversationId, seq, messageId, userId, at }, i) => ({
      position: before + i + 1,
      type,
      conversation_id: conversationId,
      seq,
      message_id: messageId,
      user_id: userId,
      at,
    }));
    await this.#sql.insertRows("change_log", rows, "fail", tx);
  }

  /** The head behind this many more entries; nobody else moves it before `tx` ends. */
  async #advance(tx: Tx, count: number): Promise<number> {
    const forward = "update change_head set head = head + :count where id = :id";
    if ((await this.#sql.execute(forward, { ...HEAD, count }, tx)) === 0) {
      await this.#sql.insertRows("change_head", [{ ...HEAD, head: 0, floor: 0 }], "keep", tx);
      await this.#sql.execute(forward, { ...HEAD, count }, tx);
    }
    return (await this.#ends(tx)).head;
  }

  /** The position of the last entry that is committed; 0 when there never was one. Read it before what it stands for. */
  async head(): Promise<number> {
    const [ends] = await this.#shared([null]);
    return ends!.head;
  }

  /**
   * Entries at or below this position are no longer there. Whoever asks for changes behind a position reads the floor after
   * them: when it lies above that position, some may be missing.
   */
  async floor(): Promise<number> {
    const [ends] = await this.#shared([null]);
    return ends!.floor;
  }

  /** Entries that are there. */
  async count(): Promise<number> {
    const { head, floor } = await this.#ends();
    return head - floor;
  }

  async #ends(tx?: Tx): Promise<{ head: number; floor: number }> {
    const rows = await this.#sql.select<{ head: number; floor: number }>(
      "select head, floor from change_head where id = :id",
      HEAD,
      tx,
    );
    return { head: Number(rows[0]?.head ?? 0), floor: Number(rows[0]?.floor ?? 0) };
  }

  /** Entries of these conversations that concern everybody or this user, ascending by position. */
  async since({ conversationIds, limit, ...asked }: ChangesAsked): Promise<Change[]> {
    if (asked.after >= asked.upTo) return [];
    const isLong = asked.upTo - asked.after > LOOKED_THROUGH;
    const index = byIndex(this.#sql, isLong ? "change_log_conversation" : "primary");
    const conversation = isLong ? "conversation_id" : unindexed(this.#sql, "conversation_id");
    const found: Change[] = [];
    for (let from = 0; from < conversationIds.length; from += CONVERSATIONS_ASKED) {
      const portion = conversationIds.slice(from, from + CONVERSATIONS_ASKED);
      const rows = await this.#sql.select<ChangeRow>(
        `select position, type, conversation_id, seq, message_id, user_id, at from change_log ${index}
         where ${conversation} in (:portion) and position > :after and position <= :upTo and (user_id is null or user_id = :userId)
         order by position limit :limit`,
        { ...asked, portion, limit },
      );
      found.push(...rows.map(changeOf));
    }
    if (conversationIds.length <= CONVERSATIONS_ASKED) return found;
    return found.sort((a, b) => a.position - b.position).slice(0, limit);
  }

  /**
   * Removes entries that are too old or too many, the oldest first and a bounded number of them. Several may do so at once.
   * @param now epoch ms
   * @returns how many went through this call
   */
  async trim(now: number): Promise<number> {
    let count = 0;
    for (let portion = 0; portion < MAX_PORTIONS; portion++) {
      const removed = await this.#trimPortion(now);
      count += removed;
      if (removed < PORTION) break;
    }
    return count;
  }

  /** Entries stand in the order of commits, so the first that is kept ends it, whatever time stands in later ones. */
  async #trimPortion(now: number): Promise<number> {
    const { head, floor } = await this.#ends();
    const rows = await this.#sql.select<Pick<ChangeRow, "position" | "at">>(
      "select position, at from change_log where position > :floor order by position limit :limit",
      { floor, limit: PORTION },
    );
    const isKept = ({ position, at }: Pick<ChangeRow, "position" | "at">): boolean =>
      Number(at) > now - this.#bounds.keepMs && Number(position) > head - this.#bounds.maxEntries;
    const firstKept = rows.findIndex(isKept);
    const last = (firstKept === -1 ? rows : rows.slice(0, firstKept)).at(-1);
    return last ? this.#removeUpTo(floor, Number(last.position)) : 0;
  }

  #removeUpTo(floor: number, upTo: number): Promise<number> {
    return this.#sql.transaction(async (tx) => {
      const removed = await this.#sql.execute(
        "delete from change_log where position > :floor and position <= :upTo",
        { floor, upTo },
        tx,
      );
      await this.#sql.execute("update change_head set floor = :upTo where id = :id and floor < :upTo", { ...HEAD, upTo }, tx);
      return removed;
    });
  }
}

function changeOf(row: ChangeRow): Change {
  return {
    position: Number(row.position),
    type: row.type,
    conversationId: row.conversation_id,
    seq: Number(row.seq),
    messageId: String(row.message_id),
    userId: row.user_id === null ? null : String(row.user_id),
    at: Number(row.at),
  };
}
