import { authorsOf } from "../../lib/erased-words.ts";
import { gatherOn } from "../../lib/gather.ts";
import type { MessageRecord } from "../../contracts/records.ts";
import type { Database, SqlParams, Tx } from "../database/port.ts";

const amongThese = "select user_id from erased_sender where user_id in (:userIds)";

/**
 * From the commit on, nothing that this user wrote is stored any more: message rows and dead letters are written without the
 * words of whoever stands here, in one step with the look. It stays for ever, since a record may come again on any day.
 */
export async function markErased(sql: Database, userId: string, at: number): Promise<void> {
  await sql.insertRows("erased_sender", [{ user_id: userId, erased_at: at }], "keep");
}

/** Those of the people whose words these records hold that have been erased. */
export async function erasedAuthors(sql: Database, records: readonly MessageRecord[], tx: Tx): Promise<ReadonlySet<string>> {
  return erasedAmong(sql, [...authorIdsOf(records)], tx);
}

export async function erasedAmong(sql: Database, userIds: readonly string[], tx?: Tx): Promise<ReadonlySet<string>> {
  if (tx) return readErased(sql, userIds, tx);
  const areErased = await areAmong(sql, userIds);
  return new Set(userIds.filter((_, i) => areErased[i]));
}

/** Everybody who reads messages on their way to SQL asks for their senders. */
const areAmong = gatherOn(
  async (sql: Database, userIds: readonly string[]) => {
    const erased = await readErased(sql, [...new Set(userIds)]);
    return userIds.map((userId) => erased.has(userId));
  },
  { parallel: 2, maxItems: 256 },
);

async function readErased(sql: Database, userIds: readonly string[], tx?: Tx): Promise<ReadonlySet<string>> {
  const rows = await sql.select<{ user_id: string | number }>(amongThese, { userIds }, tx);
  return new Set(rows.map((row) => String(row.user_id)));
}

/** What must find nothing for these records to be written as they are. */
export function noneErased(records: readonly MessageRecord[]): { sql: string; params: SqlParams } {
  return { sql: amongThese, params: { userIds: [...authorIdsOf(records)] } };
}

/** One pass, and no list for each record: this is on the way of every message. */
function authorIdsOf(records: readonly MessageRecord[]): Set<string> {
  const userIds = new Set<string>();
  for (const record of records) {
    if (record.type !== "forward" && record.replyTo === null) userIds.add(record.senderId);
    else for (const userId of authorsOf(record)) userIds.add(userId);
  }
  return userIds;
}
