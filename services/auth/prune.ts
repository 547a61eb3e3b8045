import type { Database } from "../../mixins/database/port.ts";

/** How long sessions are kept after their end, for the people who look after them. */
const KEPT_MS = 30 * 86_400_000;
/** Rows of one statement: other writers wait no longer than it takes. */
const BATCH = 500;

/**
 * Deletes what no longer says anything: expired refresh tokens, sessions that ended or expired long ago and their tokens.
 * Nodes may do it at the same time.
 */
export async function pruneSessions(sql: Database, now: number): Promise<void> {
  const before = now - KEPT_MS;
  await inBatches(sql, "refresh_token", "token_hash", "expires_at < :now", { now });
  await inBatches(sql, "refresh_token", "token_hash", "session_id in (select session_id from session where ended_at < :before)", {
    before,
  });
  await inBatches(sql, "session", "session_id", "ended_at < :before or expires_at < :before", { before });
}

async function inBatches(
  sql: Database,
  table: string,
  key: string,
  where: string,
  params: Record<string, number>,
): Promise<void> {
  for (;;) {
    const rows = await sql.select(`select ${key} from ${table} where ${where} limit ${BATCH}`, params);
    if (rows.length > 0)
      await sql.execute(`delete from ${table} where ${key} in (:keys)`, { keys: rows.map((row) => row[key] ?? null) });
    if (rows.length < BATCH) return;
  }
}
