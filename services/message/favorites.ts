import type { Favorite } from "../../contracts/entities.ts";
import type { Params, Result } from "../../contracts/index.ts";
import { DEFAULT_PAGE, MAX_FAVORITES } from "../../contracts/limits.ts";
import { forwardedIn, withoutForwarded } from "../../lib/erased-words.ts";
import { imError, isImError } from "../../lib/errors.ts";
import { idCursor, toPage } from "../../lib/page.ts";
import { invalidField } from "../../lib/validation.ts";
import type { Tx } from "../../mixins/database/port.ts";
import type { Deed } from "./change.ts";
import type { FavoriteRepository } from "./favorite-repository.ts";
import { contentOf, type MessageRow } from "./rows.ts";
import { storedMessage, type VisibleDeps } from "./visible.ts";

export interface FavoriteDeps extends VisibleDeps {
  readonly favorites: FavoriteRepository;
  readonly ids: { next(): string };
  readonly now: () => number;
  /** Those of these users whose account is erased. */
  erasedAmong(userIds: readonly string[], tx: Tx): Promise<ReadonlySet<string>>;
}

/**
 * Keeps what a message says. It is read and kept in one transaction, which a recall and an erasure of its author come before or
 * behind: nothing is kept that either should have taken. `repeated`: it was kept before, and is as it was then.
 * @throws MESSAGE_NOT_FOUND, MESSAGE_RECALLED, VALIDATION for a system message and one that burns, TOO_MANY_FAVORITES, SESSION_ENDED
 */
export async function addFavorite(
  deps: FavoriteDeps,
  { messageId, userId }: Deed,
): Promise<{ favorite: Favorite; repeated: boolean }> {
  const row = await rowFor(deps, { messageId, userId });
  const kept = row ? await keptAt(deps, row, userId) : await keptUnseen(deps, { messageId, userId });
  if (kept) return { favorite: kept, repeated: true };
  if (!row) throw imError("MESSAGE_NOT_FOUND");
  if (row.type === "system") throw invalidField("messageId", "is a message of the system");
  if (row.burn_after_ms !== null) throw invalidField("messageId", "is a message that burns after reading");
  return deps.favorites.transaction(
    async (tx) => {
      await deps.favorites.inTurn(userId, tx);
      return keep(deps, row, userId, tx);
    },
    { serializable: true },
  );
}

/** null for a message that the user cannot see. */
async function rowFor(deps: FavoriteDeps, { messageId, userId }: Deed): Promise<MessageRow | null> {
  try {
    return (await storedMessage(deps, messageId, userId)).row;
  } catch (error) {
    if (isImError(error, "MESSAGE_NOT_FOUND")) return null;
    throw error;
  }
}

const keptAt = ({ favorites }: FavoriteDeps, row: MessageRow, userId: string): Promise<Favorite | null> =>
  favorites.at({ userId, conversationId: row.conversation_id, seq: Number(row.seq) });

/** What was kept of a message that the user cannot see any more. */
async function keptUnseen(deps: FavoriteDeps, { messageId, userId }: Deed): Promise<Favorite | null> {
  const row = await deps.repository.byId(messageId);
  return row && keptAt(deps, row, userId);
}

async function keep(
  deps: FavoriteDeps,
  { conversation_id: conversationId, seq }: MessageRow,
  userId: string,
  tx: Tx,
): Promise<{ favorite: Favorite; repeated: boolean }> {
  const { favorites } = deps;
  const current = await deps.repository.locked({ conversation_id: conversationId, seq }, tx);
  if (!current || current.recalled_at !== null) throw imError("MESSAGE_RECALLED");
  const words = { type: current.type, content: contentOf(current) };
  const senderId = String(current.sender_id);
  const erased = await deps.erasedAmong([...new Set([userId, senderId, ...forwardedIn(words)])], tx);
  if (erased.has(userId)) throw imError("SESSION_ENDED");
  if (erased.has(senderId)) throw imError("MESSAGE_RECALLED");
  const kept = await favorites.at({ userId, conversationId, seq: Number(seq) }, tx);
  if (kept) return { favorite: kept, repeated: true };
  if ((await favorites.count(userId, tx)) >= MAX_FAVORITES) throw imError("TOO_MANY_FAVORITES", { max: MAX_FAVORITES });
  const favorite: Favorite = {
    favoriteId: deps.ids.next(),
    message: {
      messageId: String(current.message_id),
      conversationId,
      seq: Number(seq),
      senderId,
      type: current.type,
      content: withoutForwarded(words, erased),
      createdAt: Number(current.created_at),
    },
    createdAt: deps.now(),
  };
  await favorites.add(userId, favorite, tx);
  return { favorite, repeated: false };
}

/** Newest first. @throws VALIDATION */
export async function listFavorites(
  { favorites }: Pick<FavoriteDeps, "favorites">,
  userId: string,
  { limit = DEFAULT_PAGE, cursor }: Params<"message.favorites">,
): Promise<Result<"message.favorites">> {
  const found = await favorites.of(userId, idCursor(cursor), limit + 1);
  const { rows, nextCursor } = toPage(found, limit, ({ favoriteId }) => favoriteId);
  return { items: rows, nextCursor };
}

/** @throws FAVORITE_NOT_FOUND */
export async function removeFavorite(
  { favorites }: Pick<FavoriteDeps, "favorites">,
  userId: string,
  favoriteId: string,
): Promise<null> {
  if (!(await favorites.remove(userId, favoriteId))) throw imError("FAVORITE_NOT_FOUND");
  return null;
}
