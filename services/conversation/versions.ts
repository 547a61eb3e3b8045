import type { Database, Tx } from "../../mixins/database/port.ts";
import { advanceRosterVersions, currentVersionOf, readRosterVersions } from "../../mixins/database/roster-versions.ts";

const LIST = "conversations";

/** The user's counter, for the column `version` of a row of `conversation_member` that a statement changes. */
export const currentVersion = currentVersionOf(LIST, "conversation_member.user_id");

/**
 * Moves the counters of these users on. Until `tx` ends nobody else changes rows of theirs: every writer of `conversation_member`
 * takes this step first and writes the counter to each row that it changes.
 */
export const advanceVersions = (sql: Database, tx: Tx, userIds: readonly string[]): Promise<void> =>
  advanceRosterVersions(sql, tx, LIST, userIds);

/** The counters as `tx` has moved them, by user id. */
export const versionsOf = (sql: Database, tx: Tx, userIds: readonly string[]): Promise<ReadonlyMap<string, number>> =>
  readRosterVersions(sql, LIST, userIds, tx);

/** Each user's counter; read it before the rows, so that nothing is missed. */
export async function conversationsVersions(sql: Database, userIds: readonly string[]): Promise<number[]> {
  const versions = await readRosterVersions(sql, LIST, userIds);
  return userIds.map((userId) => versions.get(userId) ?? 0);
}
