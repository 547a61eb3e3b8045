import type { Message } from "../../contracts/entities.ts";
import type { Params, Result } from "../../contracts/index.ts";
import { mapConcurrently } from "../../lib/map-concurrently.ts";
import { itemsOf } from "./history.ts";
import type { LiveSeveral, Tails } from "./live-several.ts";
import type { MessageRow } from "./rows.ts";
import type { RowsQuery } from "./several-repository.ts";
import { joinVoids, messagesAmong } from "./view.ts";
import { viewSeveral } from "./view-several.ts";
import type { VisibleDeps } from "./visible.ts";

export interface SeveralDeps extends VisibleDeps {
  readonly several: LiveSeveral;
}

/** Conversations whose voids are passed over at once. */
const PARALLEL = 16;

/** Rows of the items of each query, as `itemsOf` gives them: voids that fill a page are one item of it. */
export async function readRows(
  deps: SeveralDeps,
  userId: string,
  queries: readonly RowsQuery[],
  tails: Tails,
): Promise<MessageRow[][]> {
  const pages = await deps.several.pages(userId, queries, tails);
  const read = queries.map((query, i) => ({ ...query, rows: pages[i]! }));
  return mapConcurrently(read, PARALLEL, async ({ conversationId, minSeq, maxSeq, direction, limit, rows }) => {
    if (rows.length < limit || rows.every(({ type }) => type !== "void")) return rows;
    return itemsOf(deps, { conversationId, userId, bounds: { minSeq, maxSeq }, direction, limit });
  });
}

/** One page of each conversation: behind `afterSeq`, or the newest one. */
export async function readPages(deps: SeveralDeps, { userId, items }: Params<"message.pages">): Promise<Result<"message.pages">> {
  const queries = items.map(({ conversationId, afterSeq, minSeq, maxSeq, limit }): RowsQuery => {
    const from = afterSeq === null ? minSeq : Math.max(minSeq, afterSeq + 1);
    return { conversationId, minSeq: from, maxSeq, direction: afterSeq === null ? "down" : "up", limit: limit + 1 };
  });
  const filled = queries.filter(({ minSeq, maxSeq }) => minSeq <= maxSeq);
  const tails = await deps.several.tails(filled.map(({ conversationId }) => conversationId));
  const found = await readRows(deps, userId, filled, tails);
  const rows = new Map(filled.map((query, i) => [query, found[i]!]));
  const pages = items.map(({ conversationId, minSeq, maxSeq }, i) => ({
    conversationId,
    rows: rows.get(queries[i]!) ?? [],
    bounds: { minSeq, maxSeq },
  }));
  const views = await viewSeveral(
    deps.several,
    pages.map((page) => ({ ...page, rows: messagesAmong(page.rows) })),
    userId,
    tails,
  );
  return pages.map((page, i) => {
    const all = joinVoids(page.rows, views[i]!);
    const { afterSeq, limit } = items[i]!;
    return { items: afterSeq === null ? all.slice(-limit) : all.slice(0, limit), more: all.length > limit };
  });
}

/** Messages at these places as the user sees them now, without those that they do not see. */
export async function readViews(deps: SeveralDeps, { userId, items }: Params<"message.views">): Promise<Result<"message.views">> {
  const places = items.flatMap(({ conversationId, minSeq, maxSeq, seqs }) =>
    seqs.filter((seq) => seq >= minSeq && seq <= maxSeq).map((seq) => ({ conversationId, seq })),
  );
  const found = await deps.several.visibleAt(userId, places);
  const rows = Map.groupBy(
    found.sort((a, b) => Number(a.seq) - Number(b.seq)),
    (row) => row.conversation_id,
  );
  const pages = items.map(({ conversationId, minSeq, maxSeq }) => ({
    conversationId,
    rows: rows.get(conversationId) ?? [],
    bounds: { minSeq, maxSeq },
  }));
  const views: Message[][] = await viewSeveral(deps.several, pages, userId);
  return views.flat();
}
