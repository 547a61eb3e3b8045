import type { Result } from "../../contracts/index.ts";
import { MAX_COUNTED_UNREAD } from "../../contracts/limits.ts";
import { call } from "../../lib/service.ts";
import { unreadRange } from "../../lib/unread-range.ts";
import { accessOf, type AccessDeps } from "./access.ts";
import { ownStateOf } from "./list.ts";
import type { MemberRow } from "./repository.ts";

type Badge = Result<"conversation.unread">;
type Part = Omit<Badge, "muted">;

/** Messages behind a read cursor. */
interface Open {
  readonly row: MemberRow;
  readonly at: number;
  readonly range: { readonly conversationId: string; readonly minSeq: number; readonly maxSeq: number };
}

/** Conversations, and messages, that are counted at a time: others wait no longer than that takes. */
const CONVERSATIONS_AT_ONCE = 128;
const MESSAGES_AT_ONCE = 20_000;
/** Once the highest number is reached, so many of the newest messages still say whether a conversation has unread ones. */
const LOOKED_AT = 100;

/**
 * What is unread in all of a user's conversations together, counted as their list counts it: those that are muted apart, and
 * without the hidden ones, where nobody would find it. Newest conversations first, so that what stays is exact up to the bound.
 */
export async function readBadge(deps: AccessDeps, userId: string): Promise<Badge> {
  const rows = await deps.repository.ofUser(userId);
  const heads = await call(deps.calls, "message.heads", {
    items: rows.map((row) => ({ conversationId: row.conversation_id, maxSeq: accessOf(row).maxSeq })),
  });
  const open = rows.flatMap((row, i) => openOf(row, heads[i]!)).sort((a, b) => b.at - a.at);
  const isMuted = ({ row }: Open): boolean => row.muted === 1;
  const [counted, muted] = await Promise.all([
    count(
      deps,
      userId,
      open.filter((one) => !isMuted(one)),
    ),
    count(deps, userId, open.filter(isMuted)),
  ]);
  return { ...counted, muted };
}

function openOf(row: MemberRow, { maxSeq, at }: Result<"message.heads">[number]): Open[] {
  const range = unreadRange({ ...accessOf(row), maxSeq });
  if (!range || ownStateOf(row, maxSeq).hidden) return [];
  return [{ row, at, range: { conversationId: row.conversation_id, ...range } }];
}

async function count({ calls }: AccessDeps, userId: string, open: readonly Open[]): Promise<Part> {
  const part = { unread: 0, mentioned: false, conversations: 0 };
  for (let next = 0; next < open.length;) {
    const ranges = portion(open.slice(next), part.unread >= MAX_COUNTED_UNREAD);
    next += ranges.length;
    for (const { unread, mentioned } of await call(calls, "message.unread", { userId, ranges })) {
      part.unread = Math.min(part.unread + unread, MAX_COUNTED_UNREAD);
      part.mentioned ||= mentioned;
      part.conversations += Number(unread > 0);
    }
  }
  return part;
}

/** The ranges that are counted next. */
function portion(open: readonly Open[], isFull: boolean): Open["range"][] {
  const ranges: Open["range"][] = [];
  let messages = 0;
  for (const { range } of open.slice(0, CONVERSATIONS_AT_ONCE)) {
    const minSeq = isFull ? Math.max(range.minSeq, range.maxSeq - LOOKED_AT + 1) : range.minSeq;
    messages += range.maxSeq - minSeq + 1;
    if (ranges.length > 0 && messages > MESSAGES_AT_ONCE) break;
    ranges.push({ ...range, minSeq });
  }
  return ranges;
}
