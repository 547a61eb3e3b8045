import type { Params, Result } from "../../contracts/index.ts";
import { MAX_READERS_GROUP } from "../../contracts/limits.ts";
import { imError } from "../../lib/errors.ts";
import { call } from "../../lib/service.ts";
import { accessOf, memberRow, notFound, type AccessDeps } from "./access.ts";
import type { MembersDeps } from "./members.ts";
import { isQuiet } from "./receipts.ts";

/**
 * Who has read up to a seq, of the members who could. Who hides read receipts, or has read it only since one of two
 * blocked the other, counts as not having read.
 */
export async function readReadersOf(
  { repository, calls }: AccessDeps,
  { conversationId, seq }: Params<"conversation.readersOf">,
): Promise<Result<"conversation.readersOf">> {
  const rows = await repository.readersOf(conversationId, seq);
  const isShowing = await receiptsShown(
    { calls },
    rows.map((row) => String(row.user_id)),
  );
  const read: Result<"conversation.readersOf">["read"] = [];
  const unread: string[] = [];
  for (const row of rows) {
    const userId = String(row.user_id);
    if (Number(row.shown_seq) >= seq && isShowing(userId)) read.push({ userId, readAt: Number(row.shown_at) });
    else unread.push(userId);
  }
  return { read, unread };
}

/**
 * How far each of the others has got, as their receipts have told: for who was not connected meanwhile. Who hides receipts is
 * not listed.
 * @throws CONVERSATION_NOT_FOUND; GROUP_NOT_FOUND, also for who has left; TOO_MANY_READERS
 */
export async function readReceipts(
  deps: MembersDeps,
  userId: string,
  { conversationId }: Params<"conversation.receipts">,
): Promise<Result<"conversation.receipts">> {
  const [row, isTooLarge] = await Promise.all([memberRow(deps, userId, conversationId), isQuiet(deps, conversationId)]);
  if (!accessOf(row).isMember) throw notFound(conversationId);
  if (isTooLarge) throw imError("TOO_MANY_READERS", { maxMembers: MAX_READERS_GROUP });
  const rows = (await deps.repository.toldBy(conversationId, MAX_READERS_GROUP)).filter((row) => String(row.user_id) !== userId);
  const isShowing = await receiptsShown(
    deps,
    rows.map((row) => String(row.user_id)),
  );
  return {
    items: rows
      .filter((row) => isShowing(String(row.user_id)))
      .map((row) => {
        const readSeq = Number(row.shown_seq);
        const deliveredSeq = Math.max(readSeq, Number(row.told_seq));
        return { userId: String(row.user_id), readSeq, readAt: readSeq === 0 ? null : Number(row.shown_at), deliveredSeq };
      }),
  };
}

async function receiptsShown(
  { calls }: Pick<AccessDeps, "calls">,
  userIds: readonly string[],
): Promise<(userId: string) => boolean> {
  const settings = userIds.length > 0 ? await call(calls, "settings.of", { userIds: [...userIds] }) : {};
  return (userId) => settings[userId]?.showReadReceipts !== false;
}
