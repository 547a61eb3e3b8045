import { parseConversationId } from "../../lib/conversation-id.ts";
import { imError } from "../../lib/errors.ts";
import { call } from "../../lib/service.ts";
import type { UserDeps } from "./deps.ts";
import { endSessionsNow } from "./end-sessions.ts";
import { ownAccount } from "./profile.ts";
import { eraseUser } from "./repository.ts";

/**
 * Erases the profile and ends all sessions; the user name stays taken. Whoever else keeps something of the user (friendships,
 * groups, messages, settings) erases it on the event.
 * @throws OWNER_MUST_TRANSFER while the user owns a group
 */
export async function deleteAccount(deps: UserDeps, userId: string): Promise<void> {
  await ownAccount(deps, userId);
  const owned = await call(deps.calls, "group.ownedBy", { userId });
  if (owned.length > 0) throw imError("OWNER_MUST_TRANSFER", { groupIds: owned });
  const groupIds = await groupsOf(deps, userId);

  await deps.sql.transaction(async (tx) => {
    if (!(await eraseUser(deps.sql, userId, deps.now(), tx))) throw imError("SESSION_ENDED");
    await deps.outbox.add(tx, {
      subject: "im.user.deleted",
      key: userId,
      payload: { userId, groupIds },
      requestId: deps.requestId,
    });
  });
  await endSessionsNow(deps, { userId, reason: "deleted" });
}

async function groupsOf(deps: UserDeps, userId: string): Promise<string[]> {
  const conversationIds = await call(deps.calls, "conversation.roomsOf", { userId });
  return conversationIds.flatMap((conversationId) => {
    const parsed = parseConversationId(conversationId);
    return parsed?.type === "group" ? [parsed.groupId] : [];
  });
}
