import { gatherOn } from "../../lib/gather.ts";
import { compareIds } from "../../lib/compare-ids.ts";
import { advanceRosterVersions, currentVersionOf, readRosterVersions } from "../../mixins/database/roster-versions.ts";
import type { Database, Row, Tx } from "../../mixins/database/index.ts";

/** One side of a friendship, as it stands in SQL; the other side is a row of its own. */
interface FriendshipRow {
  friend_id: string | number;
  remark: string;
  muted: number;
  tags: string;
  since: number;
  deleted_at: number | null;
}

export interface Friendship {
  readonly friendId: string;
  readonly remark: string;
  readonly muted: boolean;
  readonly tags: string[];
  /** Epoch ms; of the restored friendship when it was ended in between. */
  readonly since: number;
  readonly hasEnded: boolean;
}

const columns = "friend_id, remark, muted, tags, since, deleted_at";

const friendshipOf = (row: FriendshipRow): Friendship => ({
  friendId: String(row.friend_id),
  remark: row.remark,
  muted: row.muted === 1,
  tags: JSON.parse(row.tags) as string[],
  since: row.since,
  hasEnded: row.deleted_at !== null,
});

export async function findFriendship(sql: Database, userId: string, friendId: string, tx?: Tx): Promise<Friendship | null> {
  const [row] = await sql.select<FriendshipRow>(
    `select ${columns} from friendship where user_id = :userId and friend_id = :friendId and deleted_at is null`,
    { userId, friendId },
    tx,
  );
  return row ? friendshipOf(row) : null;
}

/** All that changed after this version of the user's list, also what has ended since. 0: all there ever was. */
export async function friendshipsSince(sql: Database, userId: string, version: number): Promise<Friendship[]> {
  const rows = await sql.select<FriendshipRow>(
    `select ${columns} from friendship where user_id = :userId and version > :version order by friend_id`,
    { userId, version },
  );
  return rows.map(friendshipOf);
}

/** Ids of friends, of these people only when `among` is given. */
export async function friendIdsOf(sql: Database, userId: string, among?: readonly string[]): Promise<string[]> {
  const only = among ? "and friend_id in (:among)" : "";
  const rows = await sql.select<{ friend_id: string | number }>(
    `select friend_id from friendship where user_id = :userId and deleted_at is null ${only} order by friend_id`,
    among ? { userId, among } : { userId },
  );
  return rows.map((row) => String(row.friend_id));
}

/** Writes both sides, those that had ended again with their remark, tags and mute. */
export async function linkFriends(
  sql: Database,
  tx: Tx,
  pair: readonly [string, string],
  now: number,
): Promise<ReadonlyMap<string, number>> {
  const versions = await bumpVersions(sql, tx, pair);
  const sides = sidesOf(pair);
  await sql.insertRows(
    "friendship",
    sides.map(([userId, friendId]) => newSide(userId, friendId, now)),
    "keep",
    tx,
  );
  for (const [userId, friendId] of sides) {
    await sql.execute(
      `update friendship set since = case when deleted_at is null then since else :now end, deleted_at = null, version = :version
       where user_id = :userId and friend_id = :friendId`,
      { now, version: versions.get(userId) ?? 0, userId, friendId },
      tx,
    );
  }
  return versions;
}

/** Ends both sides; null when they were no friends. */
export async function unlinkFriends(
  sql: Database,
  tx: Tx,
  pair: readonly [string, string],
  now: number,
): Promise<ReadonlyMap<string, number> | null> {
  const versions = await bumpVersions(sql, tx, pair);
  let ended = 0;
  for (const [userId, friendId] of sidesOf(pair)) {
    ended += await sql.execute(
      `update friendship set deleted_at = :now, version = :version where user_id = :userId and friend_id = :friendId and deleted_at is null`,
      { now, version: versions.get(userId) ?? 0, userId, friendId },
      tx,
    );
  }
  return ended > 0 ? versions : null;
}

/** Ends what these people have with `userId`, on their side only. Versions must have been moved on in this transaction. */
export async function endSidesOf(
  sql: Database,
  tx: Tx,
  friendIds: readonly string[],
  userId: string,
  now: number,
): Promise<void> {
  await sql.execute(
    `update friendship set deleted_at = :now, version = ${currentVersion} where user_id in (:friendIds) and friend_id = :userId and deleted_at is null`,
    { now, friendIds, userId },
    tx,
  );
}

/** Marks `userId` as changed in the lists of these people. Versions must have been moved on in this transaction. */
export async function touchSidesOf(sql: Database, tx: Tx, friendIds: readonly string[], userId: string): Promise<void> {
  await sql.execute(
    `update friendship set version = ${currentVersion} where user_id in (:friendIds) and friend_id = :userId and deleted_at is null`,
    { friendIds, userId },
    tx,
  );
}

/** Removes a user's own sides for good. Without `friendIds` all of them. */
export async function eraseSides(sql: Database, tx: Tx, userId: string, friendIds?: readonly string[]): Promise<void> {
  const only = friendIds ? "and friend_id in (:friendIds)" : "";
  await sql.execute(`delete from friendship where user_id = :userId ${only}`, friendIds ? { userId, friendIds } : { userId }, tx);
}

export interface FriendshipChange {
  readonly remark?: string | undefined;
  readonly muted?: boolean | undefined;
  readonly tags?: readonly string[] | undefined;
}

/** Changes what is given; null when they are no friends. */
export async function changeFriendship(
  sql: Database,
  tx: Tx,
  userId: string,
  friendId: string,
  { remark, muted, tags }: FriendshipChange,
): Promise<ReadonlyMap<string, number> | null> {
  const versions = await bumpVersions(sql, tx, [userId]);
  const changed = await sql.execute(
    `update friendship set remark = coalesce(:remark, remark), muted = coalesce(:muted, muted), tags = coalesce(:tags, tags), version = :version
     where user_id = :userId and friend_id = :friendId and deleted_at is null`,
    {
      remark: remark ?? null,
      muted: muted === undefined ? null : Number(muted),
      tags: tags ? JSON.stringify(tags) : null,
      version: versions.get(userId) ?? 0,
      userId,
      friendId,
    },
    tx,
  );
  return changed > 0 ? versions : null;
}

const currentVersion = currentVersionOf("friends", "friendship.user_id");

/** The version of a user's list of friends; read it before the list, so that nothing is missed. */
export async function rosterVersionOf(sql: Database, userId: string): Promise<number> {
  const [version] = await versionsOf(sql, [userId]);
  return version!;
}

/** Many ask at once when all clients come back. */
const versionsOf = gatherOn(readVersions, { parallel: 2, maxItems: 256 });

async function readVersions(sql: Database, userIds: readonly string[]): Promise<number[]> {
  const versions = await readRosterVersions(sql, "friends", userIds);
  return userIds.map((userId) => versions.get(userId) ?? 0);
}

/**
 * Moves the versions of these users' lists on and returns them. Until the transaction ends nobody else gets a version of
 * them, so that whoever has read version N has seen all changes up to N.
 */
export async function bumpVersions(sql: Database, tx: Tx, userIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
  await advanceRosterVersions(sql, tx, "friends", userIds);
  return readRosterVersions(sql, "friends", userIds, tx);
}

/** Both sides, always in the same order, so that two transactions on a pair never wait for each other. */
function sidesOf(pair: readonly [string, string]): [string, string][] {
  const [low, high] = pair.toSorted(compareIds) as [string, string];
  return [
    [low, high],
    [high, low],
  ];
}

function newSide(userId: string, friendId: string, now: number): Row {
  return { user_id: userId, friend_id: friendId, remark: "", muted: 0, tags: "[]", since: now, deleted_at: null, version: 0 };
}
