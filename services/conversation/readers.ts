import type { Params, Result } from "../../contracts/index.ts";
import { call } from "../../lib/service.ts";
import type { AccessDeps } from "./access.ts";

/**
 * Who has read up to a seq, of the members who could. Who hides read receipts, or has read it only since one of two
 * blocked the other, counts as not having read.
 */
export async function readReadersOf(
  { repository, calls }: AccessDeps,
  { conversationId, seq }: Params<"conversation.readersOf">,
): Promise<Result<"conversation.readersOf">> {
  const rows = await repository.readersOf(conversationId, seq);
  const userIds = rows.map((row) => String(row.user_id));
  const settings = userIds.length > 0 ? await call(calls, "settings.of", { userIds }) : {};
  const read: Result<"conversation.readersOf">["read"] = [];
  const unread: string[] = [];
  for (const row of rows) {
    const userId = String(row.user_id);
    if (Number(row.shown_seq) >= seq && settings[userId]?.showReadReceipts !== false)
      read.push({ userId, readAt: Number(row.shown_at) });
    else unread.push(userId);
  }
  return { read, unread };
}
