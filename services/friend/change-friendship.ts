import type { Friend } from "../../contracts/entities.ts";
import { imError } from "../../lib/errors.ts";
import { pushVersions, refreshDirect } from "./after-commit.ts";
import type { FriendDeps } from "./deps.ts";
import { presentFriends } from "./list-friends.ts";
import { changeFriendship, findFriendship, unlinkFriends, type FriendshipChange } from "./repository.ts";
import { pendingKey } from "./request-repository.ts";

/** Changes my own side: the other one sees nothing of it. @throws NOT_FRIENDS */
export async function updateFriend(
  deps: FriendDeps,
  userId: string,
  friendId: string,
  change: FriendshipChange,
): Promise<Friend> {
  const { sql, outbox, calls, requestId } = deps;
  if (Object.values(change).some((value) => value !== undefined)) {
    const versions = await sql.transaction(async (tx) => {
      const changed = await changeFriendship(sql, tx, userId, friendId, change);
      if (!changed) throw imError("NOT_FRIENDS");
      await outbox.add(tx, {
        subject: "im.friend.updated",
        key: pendingKey(userId, friendId),
        payload: { userId, peerId: friendId },
        requestId,
      });
      return changed;
    });
    await pushVersions(calls, versions);
  }
  return friendOf(deps, userId, friendId);
}

async function friendOf({ sql, calls }: FriendDeps, userId: string, friendId: string): Promise<Friend> {
  const friendship = await findFriendship(sql, userId, friendId);
  const [friend] = friendship ? await presentFriends(calls, [friendship]) : [];
  if (!friend) throw imError("NOT_FRIENDS");
  return friend;
}

/** Ends the friendship on both sides; a new request can restore it. @throws NOT_FRIENDS */
export async function removeFriend(
  { sql, outbox, calls, now, requestId }: FriendDeps,
  userId: string,
  peerId: string,
): Promise<void> {
  const versions = await sql.transaction(async (tx) => {
    const ended = await unlinkFriends(sql, tx, [userId, peerId], now());
    if (!ended) throw imError("NOT_FRIENDS");
    await outbox.add(tx, {
      subject: "im.friend.removed",
      key: pendingKey(userId, peerId),
      payload: { userId, peerId },
      requestId,
    });
    return ended;
  });
  await refreshDirect(calls, userId, peerId);
  await pushVersions(calls, versions);
}
