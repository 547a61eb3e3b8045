import type { Content, Favorite, MessageType } from "../../contracts/entities.ts";
import { forwardedIn, withoutForwarded } from "../../lib/erased-words.ts";
import { MAX_ID } from "../../lib/page.ts";
import { forUpdate, takeTurn } from "../../mixins/database/dialect.ts";
import type { Database, TransactionOptions, Tx } from "../../mixins/database/port.ts";

interface FavoriteRow {
  favorite_id: string | number;
  user_id: string | number;
  conversation_id: string;
  seq: number;
  message_id: string | number;
  sender_id: string | number;
  type: MessageType;
  content: string;
  sent_at: number;
  recalled_at: number | null;
  created_at: number;
}
/** A message at its place, as one user keeps it. */
export interface FavoritePlace {
  readonly userId: string;
  readonly conversationId: string;
  readonly seq: number;
}

const columns =
  "favorite_id, user_id, conversation_id, seq, message_id, sender_id, type, content, sent_at, recalled_at, created_at";

/** SQL of favorites. A recall of the message takes the words along (`MessageRepository.recall`). */
export class FavoriteRepository {
  readonly #sql: Database;

  constructor(sql: Database) {
    this.#sql = sql;
  }

  transaction<T>(work: (tx: Tx) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return this.#sql.transaction(work, options);
  }

  /** What one user keeps is counted one after the other; the first statement of `tx`. */
  inTurn(userId: string, tx: Tx): Promise<void> {
    return takeTurn(this.#sql, tx, `favorites ${userId}`);
  }

  async at({ userId, conversationId, seq }: FavoritePlace, tx?: Tx): Promise<Favorite | null> {
    const [row] = await this.#sql.select<FavoriteRow>(
      `select ${columns} from favorite where conversation_id = :conversationId and seq = :seq and user_id = :userId`,
      { userId, conversationId, seq },
      tx,
    );
    return row ? favoriteOf(row) : null;
  }

  async count(userId: string, tx: Tx): Promise<number> {
    const [row] = await this.#sql.select<{ count: number }>(
      "select count(*) as count from favorite where user_id = :userId",
      { userId },
      tx,
    );
    return Number(row?.count ?? 0);
  }

  async add(userId: string, { favoriteId, message, createdAt }: Favorite, tx: Tx): Promise<void> {
    const row = {
      favorite_id: favoriteId,
      user_id: userId,
      conversation_id: message.conversationId,
      seq: message.seq,
      message_id: message.messageId,
      sender_id: message.senderId,
      type: message.type,
      content: JSON.stringify(message.content),
      sent_at: message.createdAt,
      recalled_at: null,
      created_at: createdAt,
    };
    await this.#sql.insertRows("favorite", [row], "fail", tx);
  }

  /** Newest first. */
  async of(userId: string, before: string | null, limit: number): Promise<Favorite[]> {
    const rows = await this.#sql.select<FavoriteRow>(
      `select ${columns} from favorite where user_id = :userId and favorite_id < :before order by favorite_id desc limit :limit`,
      { userId, before: before ?? MAX_ID, limit },
    );
    return rows.map(favoriteOf);
  }

  /** @returns false when the user keeps none of this id */
  async remove(userId: string, favoriteId: string): Promise<boolean> {
    const removed = await this.#sql.execute("delete from favorite where favorite_id = :favoriteId and user_id = :userId", {
      userId,
      favoriteId,
    });
    return removed > 0;
  }

  /** Removes some of what a user keeps. @returns whether there may be more */
  async forget(userId: string, limit: number): Promise<boolean> {
    const rows = await this.#sql.select<FavoriteRow>("select favorite_id from favorite where user_id = :userId limit :limit", {
      userId,
      limit,
    });
    const ids = rows.map(({ favorite_id }) => favorite_id);
    await this.#sql.execute("delete from favorite where favorite_id in (:ids)", { ids });
    return rows.length === limit;
  }

  /**
   * Takes a user's words and name out of a page of the merged forwards that people keep.
   * @returns the id behind which to go on; null at the end
   */
  async scrubForwards(userId: string, after: string, limit: number): Promise<string | null> {
    const rows = await this.#sql.select<FavoriteRow>(
      "select favorite_id, content from favorite where type = 'forward' and favorite_id > :after order by favorite_id limit :limit",
      { after, limit },
    );
    for (const row of rows) if (row.content.includes(`"${userId}"`)) await this.#scrub(row.favorite_id, userId);
    return rows.length < limit ? null : String(rows.at(-1)!.favorite_id);
  }

  /** Nobody else changes the row meanwhile: another one may be scrubbed out of it at the same time. */
  #scrub(favoriteId: string | number, userId: string): Promise<void> {
    return this.#sql.transaction(async (tx) => {
      const [row] = await this.#sql.select<FavoriteRow>(
        `select type, content from favorite where favorite_id = :favoriteId${forUpdate(this.#sql)}`,
        { favoriteId },
        tx,
      );
      if (!row) return;
      const words = { type: row.type, content: JSON.parse(row.content) as Content };
      if (!forwardedIn(words).includes(userId)) return;
      const content = JSON.stringify(withoutForwarded(words, new Set([userId])));
      await this.#sql.execute(
        "update favorite set content = :content where favorite_id = :favoriteId",
        { favoriteId, content },
        tx,
      );
    });
  }
}

function favoriteOf(row: FavoriteRow): Favorite {
  return {
    favoriteId: String(row.favorite_id),
    message: {
      messageId: String(row.message_id),
      conversationId: row.conversation_id,
      seq: Number(row.seq),
      senderId: String(row.sender_id),
      type: row.type,
      content: JSON.parse(row.content) as Content,
      createdAt: Number(row.sent_at),
      ...(row.recalled_at !== null && { recalledAt: Number(row.recalled_at) }),
    },
    createdAt: Number(row.created_at),
  };
}
