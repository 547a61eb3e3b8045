/** Fills a database past the server, with what would take too long to make through it. */
import type { Database } from "../mixins/database/port.ts";
import { tokenKeys } from "../lib/token-keys.ts";
import { signAccessToken } from "../lib/tokens.ts";
import type { Person } from "./people.ts";

/** Rows of one statement. */
const PORTION = 5_000;
/** Below every id that the server makes. */
const FIRST_USER_ID = 1_000_000_000_000;
const HOUR_MS = 3_600_000;

export interface Filling {
  readonly sql: Database;
  /** With which the server signs access tokens. */
  readonly secret: string;
}

/** Inserts rows in portions. */
export async function fillTable<T>(
  { sql }: Pick<Filling, "sql">,
  table: string,
  items: Iterable<T>,
  rowOf: (item: T) => Record<string, string | number | null>,
): Promise<void> {
  let rows: Record<string, string | number | null>[] = [];
  const flush = async (): Promise<void> => {
    if (rows.length > 0) await sql.bulkInsert(table, rows);
    rows = [];
  };
  for (const item of items) if (rows.push(rowOf(item)) === PORTION) await flush();
  await flush();
}

/** People who are signed in on one device each, and let the first of them put them into groups without asking. */
export async function fillPeople(filling: Filling, count: number): Promise<Person[]> {
  const now = Date.now();
  const keys = tokenKeys(filling.secret, null);
  const ids = Array.from({ length: count }, (_, i) => String(FIRST_USER_ID + i));
  const expiresAt = (Math.floor(now / 1_000) + HOUR_MS / 1_000) * 1_000;
  await fillTable(filling, "user", ids, (userId) => ({
    user_id: userId,
    username: `bench${userId}`,
    username_key: `bench${userId}`,
    password_hash: "",
    nickname: `Bench ${userId}`,
    ...{ avatar: "", signature: "", gender: "unknown", region: "", phone: null, email: null },
    status: "active",
    created_at: now,
    updated_at: now,
  }));
  await fillTable(filling, "session", ids, (userId) => ({
    session_id: userId,
    user_id: userId,
    ...{ device_id: "bench", device_type: "web", device_name: "", created_at: now, last_seen_at: now },
    expires_at: now + HOUR_MS,
    ...{ ended_at: null, end_reason: null },
  }));
  const [first, ...others] = ids as [string, ...string[]];
  await fillTable(filling, "allow_list", others, (userId) => ({ user_id: userId, peer_id: first, since: now }));
  return ids.map((userId) => {
    const claims = { userId, sessionId: userId, deviceId: "bench", deviceType: "web" as const, expiresAt };
    return { userId, token: signAccessToken(keys, claims, now) };
  });
}
