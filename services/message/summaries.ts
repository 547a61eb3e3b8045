import type { Params, Result } from "../../contracts/index.ts";
import { MAX_COUNTED_UNREAD } from "../../contracts/limits.ts";
import { mapConcurrently } from "../../lib/map-concurrently.ts";
import { itemsOf } from "./history.ts";
import { viewMessages } from "./view.ts";
import type { VisibleDeps } from "./visible.ts";

/** A range of voids at the end of a conversation, and the message behind it; hidden ones are no items. */
const LOOK_BEHIND = 2;
/** Conversations that are read at once. */
const PARALLEL = 16;

export async function readHeads(
  { repository, conversations }: VisibleDeps,
  { items, stored }: Params<"message.heads">,
): Promise<Result<"message.heads">> {
  if (stored) {
    return mapConcurrently(items, PARALLEL, async ({ conversationId, maxSeq }) => {
      const head = await repository.storedHead(conversationId, maxSeq);
      return { maxSeq: head.seq, at: head.at };
    });
  }
  const stable = await conversations.stableSeqs(items.map(({ conversationId }) => conversationId));
  return mapConcurrently(items, PARALLEL, async ({ conversationId, maxSeq }) => {
    const bound = Math.min(maxSeq ?? Infinity, stable.get(conversationId) ?? Infinity);
    const head = await repository.head(conversationId, bound === Infinity ? null : bound);
    return { maxSeq: head.seq, at: head.at };
  });
}

/**
 * What a conversation list shows of each conversation. Unread is counted from the messages, so that it cannot drift, among the
 * newest `MAX_COUNTED_UNREAD`.
 */
export async function readSummaries(
  deps: VisibleDeps,
  { userId, items }: Params<"message.summaries">,
): Promise<Result<"message.summaries">> {
  const heads = await readHeads(deps, { items: items.map(({ conversationId, maxSeq }) => ({ conversationId, maxSeq })) });
  const indexed = items.map((item, i) => ({ ...item, maxSeq: heads[i]!.maxSeq }));
  return mapConcurrently(indexed, PARALLEL, async ({ conversationId, minSeq, maxSeq, readSeq }) => {
    const newest = await itemsOf(deps, {
      conversationId,
      userId,
      bounds: { minSeq, maxSeq },
      direction: "down",
      limit: LOOK_BEHIND,
    });
    const last = newest.findLast(({ type }) => type !== "void");
    const [lastMessage = null] = last ? await viewMessages(deps.repository, conversationId, [last], userId, minSeq) : [];
    const from = Math.max(readSeq + 1, minSeq, maxSeq - MAX_COUNTED_UNREAD + 1);
    const { count, mentioned } =
      from > maxSeq
        ? { count: 0, mentioned: false }
        : await deps.repository.unread(conversationId, userId, { minSeq: from, maxSeq });
    return { conversationId, maxSeq, lastMessage, unread: count, mentioned };
  });
}
