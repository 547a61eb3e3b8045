import { chunksOf } from "../../lib/page.ts";
import { pushVersions } from "./after-commit.ts";
import type { FriendDeps } from "./deps.ts";
import { eraseFromLists } from "./list-repository.ts";
import { bumpVersions, endSidesOf, eraseSides, friendIdsOf, touchSidesOf } from "./repository.ts";
import { forgetRequestsOf, pendingKey } from "./request-repository.ts";

/** Rows of one transaction. */
const CHUNK = 200;

/**
 * A user is gone: friendships end on the friends' side and vanish on the user's own, requests that wait are closed, lists
 * forget the user. Running again goes on where it was broken off.
 */
export async function forgetUser(deps: FriendDeps, userId: string): Promise<void> {
  for (const friendIds of chunksOf(await friendIdsOf(deps.sql, userId), CHUNK)) await endFriendships(deps, userId, friendIds);
  const { sql, now } = deps;
  await sql.transaction(async (tx) => {
    await forgetRequestsOf(sql, tx, userId, now());
    await eraseFromLists(sql, tx, userId);
    await eraseSides(sql, tx, userId);
  });
}

async function endFriendships(
  { sql, outbox, calls, now, requestId }: FriendDeps,
  userId: string,
  friendIds: readonly string[],
): Promise<void> {
  const versions = await sql.transaction(async (tx) => {
    const bumped = await bumpVersions(sql, tx, friendIds);
    await endSidesOf(sql, tx, friendIds, userId, now());
    await eraseSides(sql, tx, userId, friendIds);
    for (const peerId of friendIds) {
      await outbox.add(tx, {
        subject: "im.friend.removed",
        key: pendingKey(userId, peerId),
        payload: { userId, peerId },
        requestId,
      });
    }
    return bumped;
  });
  await pushVersions(calls, versions);
}

/** A user's profile changed, and so did each list of friends that shows it. Running again does no harm. */
export async function touchLists({ sql, calls }: Pick<FriendDeps, "sql" | "calls">, userId: string): Promise<void> {
  for (const friendIds of chunksOf(await friendIdsOf(sql, userId), CHUNK)) {
    const versions = await sql.transaction(async (tx) => {
      const bumped = await bumpVersions(sql, tx, friendIds);
      await touchSidesOf(sql, tx, friendIds, userId);
      return bumped;
    });
    await pushVersions(calls, versions);
  }
}
