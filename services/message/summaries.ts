import type { Params, Result } from "../../contracts/index.ts";
import { unreadRange } from "../../lib/unread-range.ts";
import type { Tails } from "./live-several.ts";
import { readRows, type SeveralDeps } from "./pages.ts";
import { messagesAmong } from "./view.ts";
import { viewSeveral } from "./view-several.ts";
import type { VisibleDeps } from "./visible.ts";

/** A range of voids at the end of a conversation, and the message behind it; hidden ones are no items. */
const LOOK_BEHIND = 2;

/** Where conversations end for who may see up to `maxSeq`: nowhere above what is stable. */
export async function readHeads(
  { several, conversations }: SeveralDeps,
  { items, stored }: Params<"message.heads">,
): Promise<Result<"message.heads">> {
  const heads = stored ? await several.storedHeads(items) : await several.heads(await stableBounds(conversations, items));
  return heads.map(({ seq, at }) => ({ maxSeq: seq, at }));
}

type HeadItems = Params<"message.heads">["items"];

async function stableBounds(conversations: VisibleDeps["conversations"], items: HeadItems): Promise<HeadItems> {
  const stable = await conversations.stableSeqs(items.map(({ conversationId }) => conversationId));
  return items.map(({ conversationId, maxSeq }) => {
    const bound = Math.min(maxSeq ?? Infinity, stable.get(conversationId) ?? Infinity);
    return { conversationId, maxSeq: bound === Infinity ? null : bound };
  });
}

/**
 * What a conversation list shows of each conversation. Unread is counted from the messages, so that it cannot drift, among the
 * newest `MAX_COUNTED_UNREAD` and behind what the user said last.
 */
export async function readSummaries(
  deps: SeveralDeps,
  { userId, items }: Params<"message.summaries">,
): Promise<Result<"message.summaries">> {
  const unknown = items.filter(({ head }) => head === undefined);
  const read = await readHeads(deps, { items: unknown.map(({ conversationId, maxSeq }) => ({ conversationId, maxSeq })) });
  const heads = new Map(unknown.map((item, i) => [item, read[i]!.maxSeq]));
  const bounded = items.map((item) => ({ ...item, maxSeq: item.head ?? heads.get(item)! }));
  const filled = bounded.filter(({ minSeq, maxSeq }) => maxSeq >= minSeq);
  const tails = await deps.several.tails(filled.map(({ conversationId }) => conversationId));
  const [lastMessages, unread] = await Promise.all([
    readLast(deps, userId, filled, tails),
    readUnread(deps, userId, filled, tails),
  ]);
  return bounded.map((item) => {
    const { conversationId, maxSeq, readSeq } = item;
    const { own, count, mentioned } = unread.get(item) ?? { own: 0, count: 0, mentioned: false };
    const lastMessage = lastMessages.get(item) ?? null;
    return { conversationId, maxSeq, readSeq: Math.max(readSeq, own), lastMessage, unread: count, mentioned };
  });
}

/** What a user has not read in each range. */
export async function readUnreadIn(
  { several }: SeveralDeps,
  { userId, ranges }: Params<"message.unread">,
): Promise<Result<"message.unread">> {
  const tails = await several.tails(ranges.map(({ conversationId }) => conversationId));
  const counts = await several.unread(userId, ranges, tails);
  return counts.map(({ count, mentioned }) => ({ unread: count, mentioned }));
}

type Bounded = Params<"message.summaries">["items"][number] & { maxSeq: number };

async function readLast(deps: SeveralDeps, userId: string, all: readonly Bounded[], tails: Tails) {
  const items = all.filter(({ lastMessage }) => lastMessage === undefined);
  const newest = await readRows(
    deps,
    userId,
    items.map(({ conversationId, minSeq, maxSeq }) => ({
      conversationId,
      minSeq,
      maxSeq,
      direction: "down",
      limit: LOOK_BEHIND,
    })),
    tails,
  );
  const pages = items.map((bounds, i) => ({
    conversationId: bounds.conversationId,
    rows: messagesAmong(newest[i]!).slice(-1),
    bounds,
  }));
  const views = await viewSeveral(deps.several, pages, userId, tails);
  const read = new Map(items.map((item, i) => [item, views[i]![0] ?? null]));
  return new Map(all.map((item) => [item, item.lastMessage ?? read.get(item) ?? null]));
}

async function readUnread({ several }: SeveralDeps, userId: string, items: readonly Bounded[], tails: Tails) {
  const open = items.flatMap((item) => {
    const range = unreadRange(item);
    return range ? [{ item, range: { conversationId: item.conversationId, ...range } }] : [];
  });
  const counts = await several.unread(
    userId,
    open.map(({ range }) => range),
    tails,
  );
  return new Map(open.map(({ item }, i) => [item, counts[i]!]));
}
