import type { Params, Result } from "../../contracts/index.ts";
import { DEFAULT_PAGE, MAX_SUMMARY_CONVERSATIONS } from "../../contracts/limits.ts";
import { withoutPin } from "../../lib/message-view.ts";
import { call } from "../../lib/service.ts";
import { chunksOf } from "../../lib/page.ts";
import { unreadRange } from "../../lib/unread-range.ts";
import { readState, type State, type SyncDeps } from "./state.ts";
import { formatVersion } from "./version.ts";

/** Conversations that are read at one time. */
const PORTION = 200;

type Open = State["standings"][number];

/** The plain form of a sync: where something waits to be fetched or read, the newest first. */
export async function summarize(deps: SyncDeps, userId: string): Promise<Result<"sync.summary">> {
  const { standings, version } = await readState(deps, userId);
  const open = standings
    .filter(({ minSeq, maxSeq, readSeq, deliveredSeq }) => maxSeq >= minSeq && maxSeq > Math.min(readSeq, deliveredSeq))
    .sort((a, b) => b.at - a.at || (a.conversationId < b.conversationId ? -1 : 1));
  const conversations: Result<"sync.summary">["conversations"] = [];
  let unread = 0;
  for (const portion of chunksOf(open.slice(0, MAX_SUMMARY_CONVERSATIONS), PORTION)) {
    const conversationIds = portion.map(({ conversationId }) => conversationId);
    for (const view of await call(deps.calls, "conversation.viewMany", { userId, conversationIds })) {
      const { maxSeq, deliveredSeq } = portion.find(({ conversationId }) => conversationId === view.conversationId)!;
      unread += view.unread;
      if (view.unread > 0 || maxSeq > Math.max(deliveredSeq, view.readSeq)) conversations.push(view);
    }
  }
  unread += await unreadOf(deps, userId, open.slice(MAX_SUMMARY_CONVERSATIONS));
  return { conversations, unread, version: formatVersion(userId, version) };
}

async function unreadOf({ calls }: SyncDeps, userId: string, open: readonly Open[]): Promise<number> {
  let unread = 0;
  for (const portion of chunksOf(open, PORTION)) {
    const ranges = portion.flatMap((one) => {
      const range = unreadRange(one);
      return range ? [{ conversationId: one.conversationId, ...range }] : [];
    });
    if (ranges.length === 0) continue;
    for (const one of await call(calls, "message.unread", { userId, ranges })) unread += one.unread;
  }
  return unread;
}

/**
 * What follows a seq, or what was delivered to the user.
 * @throws CONVERSATION_NOT_FOUND, GROUP_NOT_FOUND
 */
export async function readUndelivered(
  { calls }: SyncDeps,
  userId: string,
  { conversationId, afterSeq, limit = DEFAULT_PAGE }: Params<"sync.messages">,
): Promise<Result<"sync.messages">> {
  const { isMember, minSeq, deliveredSeq, ...bounds } = await call(calls, "conversation.access", { conversationId, userId });
  const [head] = await call(calls, "message.heads", { items: [{ conversationId, maxSeq: bounds.maxSeq }] });
  const maxSeq = head?.maxSeq ?? 0;
  const items = [{ conversationId, afterSeq: afterSeq ?? deliveredSeq, minSeq, maxSeq, limit }];
  const [page] = await call(calls, "message.pages", { userId, items });
  const { items: all, more } = page!;
  return { items: isMember ? all : all.map(withoutPin), more, minSeq, maxSeq };
}
