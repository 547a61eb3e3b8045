import type { Params, Result } from "../../contracts/index.ts";
import { DEFAULT_PAGE } from "../../contracts/limits.ts";
import { invalidField } from "../../lib/validation.ts";
import type { Bounds, MessageRow } from "./repository.ts";
import { viewPage } from "./view.ts";
import { boundsFor, type VisibleDeps } from "./visible.ts";

type HistoryParams = Params<"message.history">;

const positions = ["beforeSeq", "afterSeq", "aroundSeq", "aroundTime"] as const;

/** A page of what the user may see, ascending by seq. */
export async function readHistory(deps: VisibleDeps, userId: string, params: HistoryParams): Promise<Result<"message.history">> {
  const given = positions.filter((position) => params[position] !== undefined);
  if (given.length > 1) throw invalidField(given[1]!, `cannot stand beside ${given[0]}`);
  const { conversationId } = params;
  const { minSeq, maxSeq } = await boundsFor(deps, conversationId, userId);
  const rows = await pageOf(deps, userId, params, { minSeq, maxSeq });
  return { items: await viewPage(deps.repository, conversationId, rows, userId, minSeq), maxSeq, minSeq };
}

async function pageOf(deps: VisibleDeps, userId: string, params: HistoryParams, bounds: Bounds): Promise<MessageRow[]> {
  const { conversationId, beforeSeq, afterSeq, aroundSeq, aroundTime, limit = DEFAULT_PAGE } = params;
  const page = (within: Partial<Bounds>, direction: "up" | "down") => {
    const clipped = {
      minSeq: Math.max(bounds.minSeq, within.minSeq ?? 0),
      maxSeq: Math.min(bounds.maxSeq, within.maxSeq ?? Infinity),
    };
    return clipped.minSeq > clipped.maxSeq
      ? Promise.resolve([])
      : deps.repository.page(conversationId, userId, clipped, direction, limit);
  };
  if (afterSeq !== undefined) return page({ minSeq: afterSeq + 1 }, "up");
  if (beforeSeq !== undefined) return page({ maxSeq: beforeSeq - 1 }, "down");
  const middle = aroundTime === undefined ? aroundSeq : await seqAt(deps, conversationId, aroundTime, bounds);
  if (middle === undefined) return page({}, "down");
  const [older, newer] = await Promise.all([page({ maxSeq: middle }, "down"), page({ minSeq: middle + 1 }, "up")]);
  return balance(older, newer, limit);
}

/** As many from both sides as the limit allows; what one side lacks the other fills. */
function balance(older: MessageRow[], newer: MessageRow[], limit: number): MessageRow[] {
  const half = Math.ceil(limit / 2);
  const fromNewer = Math.min(newer.length, Math.max(limit - half, limit - older.length));
  return [...older.slice(-(limit - fromNewer)), ...newer.slice(0, fromNewer)];
}

/** The first seq at or after a time, found by halving: times ascend with seqs. */
async function seqAt(
  { repository }: VisibleDeps,
  conversationId: string,
  time: number,
  { minSeq, maxSeq }: Bounds,
): Promise<number> {
  let low = minSeq;
  let high = maxSeq;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (((await repository.createdAt(conversationId, middle)) ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
