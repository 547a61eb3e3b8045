import type { Params, Result } from "../../contracts/index.ts";
import type { Database } from "../../mixins/database/index.ts";
import { isListed, listersOf } from "./list-repository.ts";
import { findFriendship, friendIdsOf } from "./repository.ts";

/** What stands between two users, seen from the first (B3). */
export async function relationOf(sql: Database, userId: string, peerId: string): Promise<Result<"friend.relation">> {
  const [friendship, blockedByMe, blocksMe] = await Promise.all([
    findFriendship(sql, userId, peerId),
    isListed(sql, "block_list", userId, peerId),
    isListed(sql, "block_list", peerId, userId),
  ]);
  return { areFriends: friendship !== null, blockedByMe, blocksMe, muted: friendship?.muted ?? false };
}

/** Friends, and people whose white list holds the inviter; of neither kind those who have blocked them. */
export async function invitableOf(
  sql: Database,
  inviterId: string,
  userIds: readonly string[],
): Promise<Result<"friend.invitable">> {
  const [friendIds, allowing, blocking] = await Promise.all([
    friendIdsOf(sql, inviterId, userIds),
    listersOf(sql, "allow_list", userIds, inviterId),
    listersOf(sql, "block_list", userIds, inviterId),
  ]);
  const friends = new Set(friendIds);
  const open = [...new Set(userIds)].filter((userId) => userId !== inviterId && !blocking.has(userId));
  const joinAtOnce = open.filter((userId) => allowing.has(userId));
  return { invitable: open.filter((userId) => friends.has(userId) || allowing.has(userId)), joinAtOnce };
}

export async function friendIdsFor(
  sql: Database,
  { userId, among, exceptBlockers }: Params<"friend.friendIds">,
): Promise<string[]> {
  const friendIds = await friendIdsOf(sql, userId, among);
  if (!exceptBlockers) return friendIds;
  const blocking = await listersOf(sql, "block_list", friendIds, userId);
  return friendIds.filter((friendId) => !blocking.has(friendId));
}
