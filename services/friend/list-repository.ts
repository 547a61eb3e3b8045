import type { Database, Tx } from "../../mixins/database/index.ts";

/** The two lists of people that each user keeps: whom they blocked, and who may put them into groups. */
export type UserList = "block_list" | "allow_list";

export interface ListEntry {
  readonly peerId: string;
  readonly since: number;
}

/** False when they were on it already. */
export async function addToList(
  sql: Database,
  tx: Tx,
  list: UserList,
  userId: string,
  peerId: string,
  now: number,
): Promise<boolean> {
  return (await sql.insertRows(list, [{ user_id: userId, peer_id: peerId, since: now }], "keep", tx)) > 0;
}

/** False when they were not on it. */
export async function takeOffList(sql: Database, tx: Tx, list: UserList, userId: string, peerId: string): Promise<boolean> {
  return (await sql.execute(`delete from ${list} where user_id = :userId and peer_id = :peerId`, { userId, peerId }, tx)) > 0;
}

/** In the order of the people's ids, above `after`. */
export async function entriesOf(
  sql: Database,
  list: UserList,
  userId: string,
  after: string | null,
  limit: number,
): Promise<ListEntry[]> {
  const rows = await sql.select<{ peer_id: string | number; since: number }>(
    `select peer_id, since from ${list} where user_id = :userId and peer_id > :after order by peer_id limit :limit`,
    { userId, after: after ?? "0", limit },
  );
  return rows.map((row) => ({ peerId: String(row.peer_id), since: row.since }));
}

export async function isListed(sql: Database, list: UserList, userId: string, peerId: string, tx?: Tx): Promise<boolean> {
  const rows = await sql.select(
    `select 1 as found from ${list} where user_id = :userId and peer_id = :peerId`,
    { userId, peerId },
    tx,
  );
  return rows.length > 0;
}

/** Those of `userIds` on whose list `peerId` stands. */
export async function listersOf(sql: Database, list: UserList, userIds: readonly string[], peerId: string): Promise<Set<string>> {
  const rows = await sql.select<{ user_id: string | number }>(
    `select user_id from ${list} where user_id in (:userIds) and peer_id = :peerId`,
    { userIds, peerId },
  );
  return new Set(rows.map((row) => String(row.user_id)));
}

/** Empties a user's lists and takes the user off the others'. */
export async function eraseFromLists(sql: Database, tx: Tx, userId: string): Promise<void> {
  for (const list of ["block_list", "allow_list"] satisfies UserList[]) {
    await sql.execute(`delete from ${list} where user_id = :userId or peer_id = :userId`, { userId }, tx);
  }
}
