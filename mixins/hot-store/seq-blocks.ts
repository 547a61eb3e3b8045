import { mapConcurrently } from "../../lib/map-concurrently.ts";
import type { Database, Row, Tx } from "../database/port.ts";

/** Seqs reserved at once in a conversation where much is said, and in one where little is. */
const BUSY_BLOCK = 256;
const QUIET_BLOCK = 16;
/** A conversation is busy when its last block was reserved less than this ago. */
const BUSY_WITHIN_MS = 60_000;
/** Rows of one statement. */
const VOIDS_AT_ONCE = 500;
const SEQS_AT_ONCE = 1_000;
/** Conversations that are looked at in SQL at one time. */
const READS_AT_ONCE = 8;

/** How far a conversation's seqs are reserved, and since when. */
export interface SeqMark {
  readonly epoch: number;
  /** The last seq that may have been given. */
  readonly reserved: number;
}

/** The seqs behind `base` up to `reserved` may be given in this epoch. */
export interface SeqBlock extends SeqMark {
  readonly base: number;
}

/** What SQL has of a conversation whose counter is lost. */
export interface SeqsInSql {
  /** All at or below is in SQL, or was in the log when it was last noted. */
  readonly stable: number;
  /** There are messages behind the first seq that is missing. */
  readonly hasHole: boolean;
}

/**
 * Seqs are reserved here before a hot store that can lose its data gives them: what it loses, SQL knows to have been given
 * perhaps. Every method may be repeated. @throws as the database
 */
export interface SeqBlocks {
  /** null: none was ever reserved. */
  find(conversationId: string): Promise<SeqMark | null>;
  /** The first block of a conversation, behind what SQL has and `headSeq`; null when there is one already. */
  first(conversationId: string, headSeq: number): Promise<SeqBlock | null>;
  /**
   * More seqs in the same epoch. @param stable all at or below is in the log or void
   * @returns how far they are reserved now; null when another epoch has begun
   */
  extend(conversationId: string, mark: SeqMark & { readonly stable: number }): Promise<number | null>;
  /**
   * A new epoch behind all that was reserved. What is not in SQL below it becomes void, so everything that was acknowledged must be
   * there already; a record that comes later finds its place taken. null when another epoch than `seen` has begun, or more was
   * reserved.
   */
  renew(conversationId: string, seen: SeqMark): Promise<SeqBlock | null>;
  /** Of those of the conversations of which seqs were reserved. */
  inSql(conversationIds: readonly string[]): Promise<ReadonlyMap<string, SeqsInSql>>;
}

interface SeqRow {
  conversation_id: string;
  epoch: number;
  reserved: number;
  stable: number;
  reserved_at: number;
}
const columns = "conversation_id, epoch, reserved, stable, reserved_at";

/** Rows of `conversation_seq`, and the voids that a lost counter leaves behind. */
export class SqlSeqBlocks implements SeqBlocks {
  readonly #sql: Database;
  readonly #now: () => number;

  constructor(sql: Database, now: () => number = Date.now) {
    this.#sql = sql;
    this.#now = now;
  }

  async find(conversationId: string): Promise<SeqMark | null> {
    const row = await this.#row(conversationId);
    return row && { epoch: Number(row.epoch), reserved: Number(row.reserved) };
  }

  async first(conversationId: string, headSeq: number): Promise<SeqBlock | null> {
    const base = Math.max(headSeq, await this.#head(conversationId));
    const block = { epoch: 1, base, reserved: base + QUIET_BLOCK };
    const row = { conversation_id: conversationId, epoch: 1, reserved: block.reserved, stable: base, reserved_at: this.#now() };
    return (await this.#sql.insertRows("conversation_seq", [row], "keep")) > 0 ? block : null;
  }

  async extend(conversationId: string, mark: SeqMark & { readonly stable: number }): Promise<number | null> {
    const row = await this.#row(conversationId);
    if (!row || Number(row.epoch) !== mark.epoch) return null;
    if (Number(row.reserved) > mark.reserved) return Number(row.reserved);
    const now = this.#now();
    const reserved = mark.reserved + (now - Number(row.reserved_at) < BUSY_WITHIN_MS ? BUSY_BLOCK : QUIET_BLOCK);
    const changed = await this.#sql.execute(
      `update conversation_seq set reserved = :to, stable = :stable, reserved_at = :now
       where conversation_id = :conversationId and epoch = :epoch and reserved = :reserved`,
      { conversationId, ...mark, to: reserved, now },
    );
    if (changed > 0) return reserved;
    const found = await this.find(conversationId);
    return found?.epoch === mark.epoch ? found.reserved : null;
  }

  async renew(conversationId: string, seen: SeqMark): Promise<SeqBlock | null> {
    const base = Math.max(seen.reserved, await this.#head(conversationId));
    const block = { epoch: seen.epoch + 1, base, reserved: base + QUIET_BLOCK };
    return this.#sql.transaction(async (tx) => {
      const stable = Number((await this.#row(conversationId, tx))?.stable ?? 0);
      const changed = await this.#sql.execute(
        `update conversation_seq set epoch = :epoch, reserved = :reserved, stable = :base, reserved_at = :now
         where conversation_id = :conversationId and epoch = :seenEpoch and reserved = :seenReserved`,
        { conversationId, ...block, now: this.#now(), seenEpoch: seen.epoch, seenReserved: seen.reserved },
        tx,
      );
      if (changed === 0) return null;
      await this.#fillHoles(conversationId, stable, base, tx);
      return block;
    });
  }

  async inSql(conversationIds: readonly string[]): Promise<ReadonlyMap<string, SeqsInSql>> {
    const rows = await this.#sql.select<SeqRow>(
      `select ${columns} from conversation_seq where conversation_id in (:conversationIds)`,
      { conversationIds },
    );
    const found = await mapConcurrently(rows, READS_AT_ONCE, async ({ conversation_id: id, stable }) => {
      return [id, await this.#withoutHole(id, Number(stable))] as const;
    });
    return new Map(found);
  }

  async #row(conversationId: string, tx?: Tx): Promise<SeqRow | null> {
    const [row] = await this.#sql.select<SeqRow>(
      `select ${columns} from conversation_seq where conversation_id = :conversationId`,
      { conversationId },
      tx,
    );
    return row ?? null;
  }

  async #head(conversationId: string): Promise<number> {
    const [row] = await this.#sql.select<{ seq: number | null }>(
      "select max(seq) as seq from message where conversation_id = :conversationId",
      { conversationId },
    );
    return Number(row?.seq ?? 0);
  }

  async #withoutHole(conversationId: string, from: number): Promise<SeqsInSql> {
    for (let stable = from; ;) {
      const rows = await this.#sql.select<{ seq: number }>(
        "select seq from message where conversation_id = :conversationId and seq > :stable order by seq limit :limit",
        { conversationId, stable, limit: SEQS_AT_ONCE },
      );
      for (const { seq } of rows) {
        if (Number(seq) !== stable + 1) return { stable, hasHole: true };
        stable++;
      }
      if (rows.length < SEQS_AT_ONCE) return { stable, hasHole: false };
    }
  }

  /** Voids at the seqs behind `from` up to `to` that nothing stands at, by time where they stand by seq. */
  async #fillHoles(conversationId: string, from: number, to: number, tx: Tx): Promise<void> {
    const rows = await this.#sql.select<{ seq: number; created_at: number }>(
      "select seq, created_at from message where conversation_id = :conversationId and seq >= :from and seq <= :to order by seq",
      { conversationId, from, to },
      tx,
    );
    const times = new Map(rows.map(({ seq, created_at }) => [Number(seq), Number(created_at)]));
    const now = this.#now();
    let time = times.get(from) ?? rows[0]?.created_at ?? now;
    const voids: Row[] = [];
    for (let seq = from + 1; seq <= to; seq++) {
      const standing = times.get(seq);
      if (standing === undefined) voids.push(voidRow(conversationId, seq, Number(time), now));
      else time = standing;
    }
    for (let at = 0; at < voids.length; at += VOIDS_AT_ONCE)
      await this.#sql.insertRows("message", voids.slice(at, at + VOIDS_AT_ONCE), "keep", tx);
  }
}

/** No message has such an id or such a client message id. */
function voidRow(conversationId: string, seq: number, createdAt: number, now: number): Row {
  return {
    conversation_id: conversationId,
    seq,
    message_id: -seq,
    sender_id: "0",
    client_msg_id: `void-${seq}`,
    type: "void",
    content: "{}",
    reply_to: null,
    mentions: null,
    body_hash: "",
    created_at: createdAt,
    persisted_at: now,
    version: 0,
    edited_at: null,
    recalled_at: null,
  };
}
