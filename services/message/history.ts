import type { Params, Result } from "../../contracts/index.ts";
import { DEFAULT_PAGE } from "../../contracts/limits.ts";
import { invalidField } from "../../lib/validation.ts";
import type { Bounds, MessageRow } from "./rows.ts";
import { viewPage } from "./view.ts";
import { boundsFor, type VisibleDeps } from "./visible.ts";

type HistoryParams = Params<"message.history">;

const positions = ["beforeSeq", "afterSeq", "aroundSeq", "aroundTime"] as const;

/** A page of what the user may see, ascending by seq. */
export async function readHistory(deps: VisibleDeps, userId: string, params: HistoryParams): Promise<Result<"message.history">> {
  const given = positions.filter((position) => params[position] !== undefined);
  if (given.length > 1) throw invalidField(given[1]!, `cannot stand beside ${given[0]}`);
  const { conversationId } = params;
  const sight = await boundsFor(deps, conversationId, userId);
  const rows = await pageOf(deps, userId, params, sight);
  const items = await viewPage(deps.repository, conversationId, rows, userId, sight);
  return { items, maxSeq: sight.maxSeq, minSeq: sight.minSeq };
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
      : itemsOf(deps, { conversationId, userId, bounds: clipped, direction, limit });
  };
  if (afterSeq !== undefined) return page({ minSeq: afterSeq + 1 }, "up");
  if (beforeSeq !== undefined) return page({ maxSeq: beforeSeq - 1 }, "down");
  const middle = aroundTime === undefined ? aroundSeq : await seqAt(deps, conversationId, aroundTime, bounds);
  if (middle === undefined) return page({}, "down");
  const [older, newer] = await Promise.all([page({ maxSeq: middle }, "down"), page({ minSeq: middle + 1 }, "up")]);
  return balance(older, newer, limit);
}

interface PageQuery {
  readonly conversationId: string;
  readonly userId: string;
  readonly bounds: Bounds;
  readonly direction: "up" | "down";
  /** Of items: a message, or a range of voids. */
  readonly limit: number;
}

/** Reads on where voids, which become one item, have filled the page. */
export async function itemsOf({ repository }: Pick<VisibleDeps, "repository">, query: PageQuery): Promise<MessageRow[]> {
  const { conversationId, userId, direction, limit } = query;
  let { bounds } = query;
  const found: MessageRow[] = [];
  for (;;) {
    const rows = await repository.page(conversationId, userId, bounds, direction, limit);
    found.push(...(direction === "up" ? rows : rows.toReversed()));
    const last = found.at(-1);
    if (rows.length < limit || !last) break;
    if (countItems(found) >= limit && last.type !== "void") break;
    const seq = Number(last.seq);
    bounds = direction === "up" ? { ...bounds, minSeq: seq + 1 } : { ...bounds, maxSeq: seq - 1 };
    if (bounds.minSeq > bounds.maxSeq) break;
  }
  const page = firstItems(found, limit);
  return direction === "up" ? page : page.toReversed();
}

const isSameVoid = (row: MessageRow, before: MessageRow | undefined): boolean =>
  row.type === "void" && before?.type === "void" && Math.abs(Number(row.seq) - Number(before.seq)) === 1;

const countItems = (rows: readonly MessageRow[]): number => rows.filter((row, i) => !isSameVoid(row, rows[i - 1])).length;

/** Rows of the first `limit` items. */
function firstItems(rows: readonly MessageRow[], limit: number): MessageRow[] {
  let items = 0;
  const end = rows.findIndex((row, i) => !isSameVoid(row, rows[i - 1]) && ++items > limit);
  return end === -1 ? [...rows] : rows.slice(0, end);
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
