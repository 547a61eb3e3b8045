import type { Result } from "../../contracts/index.ts";
import type { Database } from "../../mixins/database/index.ts";
import { entriesOf, type UserList } from "./list-repository.ts";
import { friendshipsSince } from "./repository.ts";
import { requestsOf } from "./request-repository.ts";

const PAGE = 1_000;

/** All of a user's own rows, others by their ids alone. */
export async function exportFriends(sql: Database, userId: string): Promise<Result<"friend.exportOf">> {
  const friendships = await friendshipsSince(sql, userId, 0);
  return {
    friends: friendships.map(({ friendId, remark, muted, tags, since, hasEnded }) => ({
      userId: friendId,
      remark,
      muted,
      tags,
      since,
      ended: hasEnded,
    })),
    requestsIn: await allPages(
      (last) => requestsOf(sql, userId, "in", last, PAGE),
      ({ requestId }) => requestId,
    ),
    requestsOut: await allPages(
      (last) => requestsOf(sql, userId, "out", last, PAGE),
      ({ requestId }) => requestId,
    ),
    blocked: await exportList(sql, "block_list", userId),
    allowed: await exportList(sql, "allow_list", userId),
  };
}

async function exportList(sql: Database, list: UserList, userId: string): Promise<{ userId: string; since: number }[]> {
  const entries = await allPages(
    (last) => entriesOf(sql, list, userId, last, PAGE),
    ({ peerId }) => peerId,
  );
  return entries.map(({ peerId, since }) => ({ userId: peerId, since }));
}

async function allPages<T>(pageBehind: (last: string | null) => Promise<T[]>, idOf: (item: T) => string): Promise<T[]> {
  const all: T[] = [];
  for (;;) {
    const last = all.at(-1);
    const page = await pageBehind(last === undefined ? null : idOf(last));
    all.push(...page);
    if (page.length < PAGE) return all;
  }
}
