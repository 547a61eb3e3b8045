import type { GroupChange } from "../../contracts/events.ts";
import { headOf } from "../../lib/conversation-head.ts";
import { groupConversationId } from "../../lib/conversation-id.ts";
import { admit, bringIn, close, inChunks, movesOf, refreshStates, takeOut } from "./announce-steps.ts";
import type { AnnounceDeps } from "./deps.ts";
import { membersOf } from "./repository/members.ts";

/**
 * After an announcement that failed, whatever is away now, and until it is told again: who has left sees and hears nothing more.
 *
 * Other nodes are not kept out, and one of them may let somebody in again meanwhile. So the end of what leavers see is read before
 * they are: who comes in with a later message stays in. And who is a member behind it all is let in again: without a message, their
 * return stands at no later seq than that end.
 * @throws when a neighbour or the database does not answer
 */
export async function shutOut(deps: AnnounceDeps, groupId: string, change: GroupChange): Promise<void> {
  const conversationId = groupConversationId(groupId);
  const head = await headOf(deps.calls, conversationId).catch(() => null);
  const { left } = await movesOf(deps, groupId, change);
  if (left.length === 0) return;
  await Promise.allSettled([
    head === null ? null : close(deps, { conversationId, userIds: left, seq: head }),
    takeOut(deps, conversationId, left),
  ]);
  await letBackIn(deps, groupId, left);
}

async function letBackIn(deps: AnnounceDeps, groupId: string, userIds: readonly string[]): Promise<void> {
  const conversationId = groupConversationId(groupId);
  const back: string[] = [];
  await inChunks(userIds, async (some) => {
    for (const { userId } of await membersOf(deps.sql, groupId, some)) back.push(userId);
  });
  if (back.length === 0) return;
  await admit(deps, { groupId, conversationId, userIds: back });
  await bringIn(deps, conversationId, back);
  await refreshStates(deps, conversationId, back);
}
