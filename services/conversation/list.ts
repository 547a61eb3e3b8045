import type { Conversation } from "../../contracts/entities.ts";
import type { Params, Result } from "../../contracts/index.ts";
import { DEFAULT_PAGE } from "../../contracts/limits.ts";
import { parseConversationId } from "../../lib/conversation-id.ts";
import { withoutPin } from "../../lib/message-view.ts";
import { call } from "../../lib/service.ts";
import { invalidField } from "../../lib/validation.ts";
import { accessOf, peerOf, type AccessDeps } from "./access.ts";
import type { MemberRow } from "./repository.ts";

/** The place of a conversation in the list: pinned first, then the newest message. */
interface Place {
  readonly pinned: boolean;
  readonly at: number;
  readonly conversationId: string;
}

/** A page of the conversations that have a message, a draft or a pin. */
export async function listConversations(
  deps: AccessDeps,
  userId: string,
  { limit = DEFAULT_PAGE, cursor }: Params<"conversation.list">,
): Promise<Result<"conversation.list">> {
  const after = cursor === undefined ? null : parseCursor(cursor);
  const rows = await deps.repository.ofUser(userId);
  const heads = await call(deps.calls, "message.heads", {
    items: rows.map((row) => ({ conversationId: row.conversation_id, maxSeq: accessOf(row).maxSeq })),
  });
  const listed = rows
    .map((row, i) => ({
      row,
      maxSeq: heads[i]!.maxSeq,
      place: { pinned: row.pinned === 1, at: heads[i]!.at, conversationId: row.conversation_id },
    }))
    .filter(({ row, maxSeq }) => maxSeq > 0 || row.pinned === 1 || row.draft !== "")
    .sort((a, b) => compare(a.place, b.place))
    .filter(({ place }) => after === null || compare(after, place) < 0);
  const page = listed.slice(0, limit);
  const last = page.at(-1);
  const items = await viewConversations(
    deps,
    userId,
    page.map(({ row }) => row),
    Object.fromEntries(page.map(({ row, maxSeq }) => [row.conversation_id, { head: maxSeq }])),
  );
  return { items, nextCursor: last && listed.length > limit ? formatCursor(last.place) : null };
}

function compare(a: Place, b: Place): number {
  if (a.pinned !== b.pinned) return a.pinned ? -1 : 1;
  if (a.at !== b.at) return b.at - a.at;
  return a.conversationId < b.conversationId ? -1 : a.conversationId > b.conversationId ? 1 : 0;
}

const formatCursor = ({ pinned, at, conversationId }: Place): string => `${pinned ? 1 : 0}.${at}.${conversationId}`;

function parseCursor(cursor: string): Place {
  const match = /^([01])\.(\d{1,15})\.([dgs_0-9]+)$/.exec(cursor);
  if (!match) throw invalidField("cursor", "is no nextCursor of this list");
  return { pinned: match[1] === "1", at: Number(match[2]), conversationId: match[3]! };
}

/** Conversations as their user sees them, in the order of the rows. */
export async function viewConversations(
  deps: AccessDeps,
  userId: string,
  rows: readonly MemberRow[],
  known: Params<"conversation.viewMany">["known"] = {},
): Promise<Conversation[]> {
  if (rows.length === 0) return [];
  const items = rows.map((row) => {
    const { minSeq, maxSeq, readSeq } = accessOf(row);
    return { conversationId: row.conversation_id, minSeq, maxSeq, readSeq, ...known[row.conversation_id] };
  });
  const peerIds = rows.flatMap((row) => peerOf(row.conversation_id, userId) ?? []);
  const groupIds = rows.flatMap(({ conversation_id }) => {
    const parsed = parseConversationId(conversation_id);
    return parsed?.type === "group" ? [parsed.groupId] : [];
  });
  const [summaries, peers, groups] = await Promise.all([
    call(deps.calls, "message.summaries", { userId, items }),
    peerIds.length > 0 ? call(deps.calls, "user.getMany", { userIds: peerIds }) : [],
    groupIds.length > 0 ? call(deps.calls, "group.getMany", { userId, groupIds }) : [],
  ]);
  catchUp(deps, userId, items, summaries);
  const peerById = new Map(peers.map((peer) => [peer.userId, peer]));
  const groupById = new Map(groups.map((group) => [group.conversationId, group]));
  return rows.map((row, i): Conversation => {
    const { maxSeq, readSeq, lastMessage, unread, mentioned } = summaries[i]!;
    const peer = peerById.get(peerOf(row.conversation_id, userId) ?? "");
    const group = groupById.get(row.conversation_id);
    return {
      conversationId: row.conversation_id,
      type: parseConversationId(row.conversation_id)?.type ?? "direct",
      ...(peer && { peer }),
      ...(group && { group }),
      lastMessage: lastMessage && row.active !== 1 ? withoutPin(lastMessage) : lastMessage,
      maxSeq,
      readSeq,
      unread,
      mentioned,
      ...ownStateOf(row, maxSeq),
    };
  });
}

/** What is the user's alone; hidden until there is a message behind the one that was last when they hid it. */
export function ownStateOf(row: MemberRow, maxSeq: number): Pick<Conversation, "pinned" | "muted" | "hidden" | "draft"> {
  return {
    pinned: row.pinned === 1,
    muted: row.muted === 1,
    hidden: row.hidden_seq !== null && maxSeq <= Number(row.hidden_seq),
    draft: row.draft,
  };
}

/**
 * Cursors that stand before what their user said there last were on their way when a node was lost. They are written again, for who
 * asks who has read; nobody waits for it.
 */
function catchUp(
  { calls }: AccessDeps,
  userId: string,
  items: Params<"message.summaries">["items"],
  summaries: Result<"message.summaries">,
): void {
  const said = summaries.filter(({ readSeq }, i) => readSeq > items[i]!.readSeq);
  if (said.length === 0) return;
  const sent = said.map(({ conversationId, readSeq }) => ({ conversationId, userId, seq: readSeq }));
  call(calls, "conversation.sent", { items: sent }).catch(() => null); // it is tried again with the next list
}
