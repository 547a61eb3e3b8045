import type { Friend } from "../../contracts/entities.ts";
import type { Calls } from "../../lib/service.ts";
import type { Database } from "../../mixins/database/index.ts";
import { versionText } from "./after-commit.ts";
import type { FriendDeps } from "./deps.ts";
import { usersById } from "./people.ts";
import { friendshipsSince, rosterVersionOf, type Friendship } from "./repository.ts";

export interface FriendList {
  items: Friend[];
  removed: string[];
  version: string;
}

/**
 * All friends, or what changed since a version of this list. A version that the list never had is answered with all there
 * is and all that ever ended, which brings any copy up to date.
 */
export async function listFriends(
  { sql, calls }: Pick<FriendDeps, "sql" | "calls">,
  userId: string,
  sinceVersion?: string,
): Promise<FriendList> {
  const version = await rosterVersionOf(sql, userId);
  const friendships = await friendshipsSince(sql, userId, knownVersion(sinceVersion, version));
  return {
    items: await presentFriends(
      calls,
      friendships.filter(({ hasEnded }) => !hasEnded),
    ),
    removed: sinceVersion === undefined ? [] : friendships.filter(({ hasEnded }) => hasEnded).map(({ friendId }) => friendId),
    version: versionText(version),
  };
}

/** As `listFriends` gives it. */
export async function listVersion(sql: Database, userId: string): Promise<{ version: string }> {
  return { version: versionText(await rosterVersionOf(sql, userId)) };
}

function knownVersion(text: string | undefined, current: number): number {
  const match = /^f(0|[1-9]\d{0,15})$/.exec(text ?? "");
  const version = Number(match?.[1] ?? 0);
  return version <= current ? version : 0;
}

export async function presentFriends(calls: Calls, friendships: readonly Friendship[]): Promise<Friend[]> {
  const users = await usersById(
    calls,
    friendships.map(({ friendId }) => friendId),
  );
  return friendships.flatMap(({ friendId, remark, muted, tags, since }) => {
    const user = users.get(friendId);
    return user ? [{ user, remark, muted, tags, since }] : [];
  });
}
