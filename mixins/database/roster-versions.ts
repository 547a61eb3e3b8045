import { compareIds } from "../../lib/compare-ids.ts";
import type { Database, Tx } from "./port.ts";

/** Lists whose changes are counted, for each user by a row of `roster_version`. */
export type RosterList = "conversations" | "friends" | "groups";

/** The counter of the user in this column of the row that a statement changes. */
export const currentVersionOf = (list: RosterList, userColumn: string): string =>
  `(select v.version from roster_version v where v.user_id = ${userColumn} and v.list = '${list}')`;

/**
 * Moves the counters of these users on, in the order of their ids, so that two transactions never wait for each other. Until `tx`
 * ends nobody else moves them: whoever has read version N finds all changes up to N.
 */
export async function advanceRosterVersions(sql: Database, tx: Tx, list: RosterList, userIds: readonly string[]): Promise<void> {
  const users = [...new Set(userIds)].sort(compareIds);
  const forward = "update roster_version set version = version + 1 where user_id in (:users) and list = :list";
  if ((await sql.execute(forward, { users, list }, tx)) === users.length) return;
  const missing = users.map((userId) => ({ user_id: userId, list, version: 0 }));
  await sql.insertRows("roster_version", missing, "keep", tx);
  await sql.execute(forward, { users, list }, tx);
}

/** The counters, as `tx` has moved them where there is one, by user id; a user of whom nothing was counted is missing. */
export async function readRosterVersions(
  sql: Database,
  list: RosterList,
  userIds: readonly string[],
  tx?: Tx,
): Promise<ReadonlyMap<string, number>> {
  const rows = await sql.select<{ user_id: string | number; version: number }>(
    "select user_id, version from roster_version where user_id in (:userIds) and list = :list",
    { userIds, list },
    tx,
  );
  return new Map(rows.map((row) => [String(row.user_id), Number(row.version)]));
}
