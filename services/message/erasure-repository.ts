import type { Content } from "../../contracts/entities.ts";
import { forwardedIn, withoutForwarded } from "../../lib/erased-words.ts";
import type { ChangeLog } from "../../mixins/change-log/index.ts";
import { forUpdate, isAmong } from "../../mixins/database/dialect.ts";
import type { Database, Tx } from "../../mixins/database/port.ts";
import { changeOf } from "./change-entry.ts";
import type { MessageRow } from "./rows.ts";

/** Where a page of forwards ended. */
export interface ForwardKey {
  readonly conversationId: string;
  readonly seq: number;
}

/** Messages that one statement looks at for forwards among them. */
const SCANNED = 2_000;
const scrubbed = "conversation_id, seq, message_id, version, type, content";

/** Where a page of `limit` rows ended; null when it was the last. */
function keyBehind(rows: readonly Pick<MessageRow, "conversation_id" | "seq">[], limit: number): ForwardKey | null {
  const last = rows[limit - 1];
  return last ? { conversationId: last.conversation_id, seq: Number(last.seq) } : null;
}

/** What the change log names a message by. */
type Named = Pick<MessageRow, "conversation_id" | "seq" | "message_id">;
type StoredReaction = Pick<MessageRow, "conversation_id" | "seq"> & {
  message_id: MessageRow["message_id"] | null;
  emoji: string;
};

/**
 * SQL that takes away what a user wrote, and notes in the change log what others see change by it. Every method may run again,
 * and every statement reads a bounded number of rows.
 */
export class ErasureRepository {
  readonly #sql: Database;
  readonly #changes: Pick<ChangeLog, "record">;

  constructor(sql: Database, changes: Pick<ChangeLog, "record">) {
    this.#sql = sql;
    this.#changes = changes;
  }

  /**
   * Recalls a page of what the user sent in a conversation, in the order of the unique key: no other index knows senders.
   * @returns the client message id behind which to go on; null at the end
   */
  async recallPage(userId: string, conversationId: string, after: string, at: number, limit: number): Promise<string | null> {
    const rows = await this.#sql.select<Pick<MessageRow, "seq" | "client_msg_id">>(
      `select seq, client_msg_id from message where conversation_id = :conversationId and sender_id = :userId and client_msg_id > :after
       order by client_msg_id limit :limit`,
      { userId, conversationId, after, limit },
    );
    if (rows.length === 0) return null;
    await this.#recall(
      conversationId,
      rows.map(({ seq }) => Number(seq)),
      at,
    );
    return rows.length < limit ? null : rows.at(-1)!.client_msg_id;
  }

  /** The fingerprint of the words goes with them. */
  async #recall(conversationId: string, seqs: readonly number[], at: number): Promise<void> {
    const which = { conversationId, seqs };
    await this.#sql.transaction(async (tx) => {
      const standing = await this.#standing(conversationId, seqs, tx);
      await this.#sql.execute(
        `update message set content = '{}', mentions = null, reply_to = null, body_hash = '', recalled_at = coalesce(recalled_at, :at),
           version = version + 1
         where conversation_id = :conversationId and seq in (:seqs) and (recalled_at is null or body_hash <> '')`,
        { ...which, at },
        tx,
      );
      for (const table of ["message_edit", "reaction", "message_pin", "burn_timer"])
        await this.#sql.execute(`delete from ${table} where conversation_id = :conversationId and seq in (:seqs)`, which, tx);
      await this.#sql.execute(
        `update favorite set content = '{}', recalled_at = :at
         where conversation_id = :conversationId and seq in (:seqs) and recalled_at is null`,
        { ...which, at },
        tx,
      );
      await this.#changes.record(
        tx,
        standing.map((row) => changeOf(row, "recalled", at)),
      );
    });
  }

  /** Those that are not recalled; nobody else recalls them before `tx` ends. */
  async #standing(conversationId: string, seqs: readonly number[], tx: Tx): Promise<Named[]> {
    return this.#sql.select<Named>(
      `select conversation_id, seq, message_id from message
       where conversation_id = :conversationId and seq in (:seqs) and recalled_at is null order by seq${forUpdate(this.#sql)}`,
      { conversationId, seqs },
      tx,
    );
  }

  /** @returns whether there may be more */
  async removeReactions(userId: string, at: number, limit: number): Promise<boolean> {
    const rows = await this.#sql.select<StoredReaction>(
      `select r.conversation_id, r.seq, r.emoji, m.message_id from reaction r
       left join message m on m.conversation_id = r.conversation_id and m.seq = r.seq
       where r.user_id = :userId order by r.conversation_id, r.seq, r.emoji limit :limit`,
      { userId, limit },
    );
    await this.#sql.transaction(async (tx) => {
      const changed = new Map<string, Named>();
      for (const row of rows) {
        const { message_id } = row;
        if ((await this.#removeReaction(row, userId, tx)) && message_id !== null)
          changed.set(String(message_id), { ...row, message_id });
      }
      await this.#changes.record(
        tx,
        [...changed.values()].map((row) => changeOf(row, "reacted", at)),
      );
    });
    return rows.length === limit;
  }

  async #removeReaction({ conversation_id, seq, emoji }: StoredReaction, userId: string, tx: Tx): Promise<boolean> {
    const removed = await this.#sql.execute(
      "delete from reaction where conversation_id = :conversation_id and seq = :seq and emoji = :emoji and user_id = :userId",
      { conversation_id, seq, emoji, userId },
      tx,
    );
    return removed > 0;
  }

  /** What the user had removed from their own history. */
  async forgetHidden(userId: string): Promise<void> {
    await this.#sql.execute("delete from message_hidden where user_id = :userId", { userId });
  }

  /**
   * Takes the user's words and name out of a page of all merged forwards, by whomever they are.
   * @returns the key behind which to go on; null at the end
   */
  async scrubForwards(userId: string, after: ForwardKey, at: number, limit: number): Promise<ForwardKey | null> {
    const { forwards, next } = await this.#forwardsBehind(after, limit);
    for (const row of forwards) if (row.content.includes(`"${userId}"`)) await this.#scrub(row, userId, at);
    return next;
  }

  async #forwardsBehind(after: ForwardKey, limit: number): Promise<{ forwards: MessageRow[]; next: ForwardKey | null }> {
    if (this.#sql.dialect === "mysql") return this.#forwardsAmong(after, limit);
    const forwards = await this.#sql.select<MessageRow>(
      `select ${scrubbed} from message
       where type = 'forward' and (conversation_id, seq) > (:conversationId, :seq) order by conversation_id, seq limit :limit`,
      { ...after, limit },
    );
    return { forwards, next: keyBehind(forwards, limit) };
  }

  /** No index on MySQL knows forwards alone: they are looked for among all messages, `SCANNED` at a time. */
  async #forwardsAmong(after: ForwardKey, limit: number): Promise<{ forwards: MessageRow[]; next: ForwardKey | null }> {
    const rows = await this.#sql.select<Pick<MessageRow, "conversation_id" | "seq" | "type">>(
      `select conversation_id, seq, type from message
       where conversation_id > :conversationId or (conversation_id = :conversationId and seq > :seq)
       order by conversation_id, seq limit :limit`,
      { ...after, limit: SCANNED },
      undefined,
      { replica: true },
    );
    const found = rows.filter(({ type }) => type === "forward");
    const keys = found.slice(0, limit).map(({ conversation_id, seq }) => [conversation_id, Number(seq)]);
    const next = found.length > limit ? keyBehind(found, limit) : keyBehind(rows, SCANNED);
    if (keys.length === 0) return { forwards: [], next };
    const { where, params } = isAmong(this.#sql, ["conversation_id", "seq"], keys);
    return { forwards: await this.#sql.select<MessageRow>(`select ${scrubbed} from message where ${where}`, params), next };
  }

  /** A forward that was recalled meanwhile has another version and no words; one that was gone through before stays as it is. */
  async #scrub(row: MessageRow, userId: string, at: number): Promise<void> {
    const { conversation_id, seq, version, type, content: stored } = row;
    const words = { type, content: JSON.parse(stored) as Content };
    if (!forwardedIn(words).includes(userId)) return;
    const content = JSON.stringify(withoutForwarded(words, new Set([userId])));
    if (content === stored) return;
    await this.#sql.transaction(async (tx) => {
      const changed = await this.#sql.execute(
        `update message set content = :content, version = version + 1
         where conversation_id = :conversation_id and seq = :seq and version = :version`,
        { conversation_id, seq, version, content },
        tx,
      );
      if (changed > 0) await this.#changes.record(tx, [changeOf(row, "edited", at)]);
    });
  }
}
