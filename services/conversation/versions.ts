import type { Database, Tx } from "../../mixins/database/port.ts";

const LIST = "conversations";

/** The user's counter, for the column `version` of a row of `conversation_member` that a statement changes. */
export const currentVersion = `(select v.version from roster_version v where v.user_id = conversation_member.user_id and v.list = '${LIST}')`;

/**
 * Moves the counters of these users on, in the order of their ids. Until `tx` ends nobody else changes rows of theirs: every
 * writer of `conversation_member` takes this step first and writes the counter to each row that it changes. So whoever has read
 * version N finds all changes up to N.
 */
export async function advanceVersions(sql: Database, tx: Tx, userIds: readonly string[]): Promise<void> {
  const users = [...new Set(userIds)].sort(asNumbers);
  const forward = `update roster_version set version = version + 1 where user_id in (:users) and list = '${LIST}'`;
  if ((await sql.execute(forward, { users }, tx)) === users.length) return;
  const missing = users.map((userId) => ({ user_id: userId, list: LIST, version: 0 }));
  await sql.insertRows("roster_version", missing, "keep", tx);
  await sql.execute(forward, { users }, tx);
}

/** The counters, as `tx` has moved them where there is one, by user id. */
export async function versionsOf(sql: Database, tx: Tx | null, userIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const rows = await sql.select<{ user_id: string | number; version: number }>(
    `select user_id, version from roster_version where user_id in (:userIds) and list = '${LIST}'`,
    { userIds },
    tx ?? undefined,
  );
  return new Map(rows.map((row) => [String(row.user_id), Number(row.version)]));
}

/** Each user's counter; read it before the rows, so that nothing is missed. */
export async function conversationsVersions(sql: Database, userIds: readonly string[]): Promise<number[]> {
  const versions = await versionsOf(sql, null, userIds);
  return userIds.map((userId) => versions.get(userId) ?? 0);
}

const asNumbers = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : Number(a > b));
