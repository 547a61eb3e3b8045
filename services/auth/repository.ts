import type { SessionEndReason } from "../../contracts/events.ts";
import type { DeviceType } from "../../contracts/services/auth.ts";
import { chunksOf } from "../../lib/page.ts";
import type { Database, SqlParams, SqlValue, Tx } from "../../mixins/database/port.ts";

export interface SessionRow {
  session_id: string | number;
  user_id: string | number;
  device_id: string;
  device_type: DeviceType;
  device_name: string;
  created_at: string | number;
  last_seen_at: string | number;
  expires_at: string | number;
  ended_at: string | number | null;
  end_reason: SessionEndReason | null;
}

export interface RefreshTokenRow {
  token_hash: string;
  session_id: string | number;
  created_at: string | number;
  expires_at: string | number;
  used_at: string | number | null;
}

/** Which live sessions of a user to end; a criterion that is not given does not narrow. */
export interface SessionChoice {
  readonly userId: string;
  readonly sessionId?: string;
  readonly sessionIds?: readonly string[];
  readonly exceptSessionId?: string | null;
  readonly deviceId?: string;
  readonly deviceTypes?: readonly DeviceType[];
  /** Only sessions that were made up to this time. */
  readonly madeUpTo?: number;
}

export const isLive = (row: Pick<SessionRow, "ended_at" | "expires_at">, now: number): boolean =>
  row.ended_at === null && Number(row.expires_at) > now;

export async function insertSession(
  sql: Database,
  row: Omit<SessionRow, "session_id"> & { session_id: string },
  tx: Tx,
): Promise<void> {
  await sql.insertRows("session", [{ ...row }], "fail", tx);
}

/**
 * Whether the user has sessions, ended ones included, and none of this device. One that did not say its id (`hasOwnId`) is known by
 * its type and name: what always signs in without an id is news once.
 */
export async function isNewDevice(
  sql: Database,
  { user_id, device_id, device_type, device_name }: Omit<SessionRow, "session_id">,
  hasOwnId: boolean,
  tx: Tx,
): Promise<boolean> {
  const ofUser = "select 1 from session where user_id = :user_id";
  const same = hasOwnId ? "device_id = :device_id" : "device_type = :device_type and device_name = :device_name";
  const params: SqlParams = hasOwnId ? { user_id, device_id } : { user_id, device_type, device_name };
  const [known] = await sql.select(`${ofUser} and ${same} limit 1`, params, tx);
  if (known) return false;
  return (await sql.select(`${ofUser} limit 1`, { user_id }, tx)).length > 0;
}

export async function findSession(sql: Database, sessionId: string, tx?: Tx): Promise<SessionRow | null> {
  const [row] = await sql.select<SessionRow>("select * from session where session_id = :sessionId", { sessionId }, tx);
  return row ?? null;
}

/** Last used first. */
export function findLiveSessions(sql: Database, userId: string, now: number): Promise<SessionRow[]> {
  return sql.select<SessionRow>(
    "select * from session where user_id = :userId and ended_at is null and expires_at > :now order by last_seen_at desc, session_id desc",
    { userId, now },
  );
}

/** Live sessions beyond the `keep` that were in use last, one session left out of account. */
export async function findSurplus(
  sql: Database,
  { userId, exceptSessionId, keep }: { userId: string; exceptSessionId: string; keep: number },
  now: number,
  tx: Tx,
): Promise<string[]> {
  const rows = await sql.select<SessionRow>(
    `select session_id from session where user_id = :userId and session_id <> :exceptSessionId and ended_at is null and expires_at > :now
     order by last_seen_at desc, session_id desc limit 1000 offset :keep`,
    { userId, exceptSessionId, now, keep },
    tx,
  );
  return rows.map((row) => String(row.session_id));
}

/** Ends sessions and returns their ids. */
export async function markEnded(
  sql: Database,
  choice: SessionChoice,
  reason: SessionEndReason,
  now: number,
  tx: Tx,
): Promise<string[]> {
  const { where, params } = chosen(choice);
  const ended = await sql.execute(
    `update session set ended_at = :now, end_reason = :reason where ${where} and ended_at is null`,
    { ...params, now, reason },
    tx,
  );
  if (ended === 0) return [];
  const rows = await sql.select<SessionRow>(
    `select session_id from session where ${where} and ended_at = :now and end_reason = :reason`,
    { ...params, now, reason },
    tx,
  );
  return rows.map((row) => String(row.session_id));
}

/** Those that were ended since, by whomever. */
export async function findEndedAmong(sql: Database, choice: SessionChoice, since: number): Promise<string[]> {
  const { where, params } = chosen(choice);
  const rows = await sql.select<SessionRow>(`select session_id from session where ${where} and ended_at > :since`, {
    ...params,
    since,
  });
  return rows.map((row) => String(row.session_id));
}

function chosen({ userId, sessionId, sessionIds, exceptSessionId, deviceId, deviceTypes, madeUpTo }: SessionChoice): {
  where: string;
  params: SqlParams;
} {
  const where = ["user_id = :userId"];
  if (sessionId !== undefined) where.push("session_id = :sessionId");
  if (sessionIds) where.push("session_id in (:sessionIds)");
  if (exceptSessionId) where.push("session_id <> :exceptSessionId");
  if (deviceId !== undefined) where.push("device_id = :deviceId");
  if (deviceTypes) where.push("device_type in (:deviceTypes)");
  if (madeUpTo !== undefined) where.push("created_at <= :madeUpTo");
  const given = Object.entries({ userId, sessionId, sessionIds, exceptSessionId, deviceId, deviceTypes, madeUpTo }).filter(
    ([, value]) => value !== undefined && value !== null,
  );
  return { where: where.join(" and "), params: Object.fromEntries(given) as SqlParams };
}

/** Moves the end of a live session; false when it has ended. */
export async function prolongSession(sql: Database, sessionId: string, expiresAt: number, now: number, tx: Tx): Promise<boolean> {
  const changed = await sql.execute(
    "update session set expires_at = :expiresAt, last_seen_at = :now where session_id = :sessionId and ended_at is null and expires_at > :now",
    { sessionId, expiresAt, now },
    tx,
  );
  return changed > 0;
}

export interface Seen {
  readonly sessionId: string;
  readonly at: number;
}

/** Sessions of one statement; a power of two. */
const SEEN_BATCH = 256;

/** Moves times of last use forward, never back. Each session stands in the list once. */
export async function markSeen(sql: Database, seen: readonly Seen[]): Promise<void> {
  for (const batch of chunksOf(seen, SEEN_BATCH)) {
    const params: Record<string, SqlValue | SqlValue[]> = { sessionIds: batch.map(({ sessionId }) => sessionId) };
    // Repeated up to a power of two, so that statements of all lengths share few texts.
    const repeated = Array<Seen>(2 ** Math.ceil(Math.log2(batch.length)) - batch.length).fill(batch[0]!);
    const cases = [...batch, ...repeated].map(({ sessionId, at }, index) => {
      Object.assign(params, { [`id${index}`]: sessionId, [`at${index}`]: at });
      return `when session_id = :id${index} and last_seen_at < :at${index} then :at${index}`;
    });
    await sql.execute(
      `update session set last_seen_at = case ${cases.join(" ")} else last_seen_at end where session_id in (:sessionIds)`,
      params,
    );
  }
}

/** Of all sessions of each user; users without one are missing. */
export async function findLastSeen(sql: Database, userIds: readonly string[]): Promise<Record<string, number>> {
  const rows = await sql.select<{ user_id: string | number; at: string | number }>(
    "select user_id, max(last_seen_at) as at from session where user_id in (:userIds) group by user_id",
    { userIds },
  );
  return Object.fromEntries(rows.map((row) => [String(row.user_id), Number(row.at)]));
}

export async function findEndedSince(sql: Database, since: number): Promise<string[]> {
  const rows = await sql.select<SessionRow>("select session_id from session where ended_at > :since", { since });
  return rows.map((row) => String(row.session_id));
}

/** Those of them that have ended. */
export async function findEndReasons(sql: Database, sessionIds: readonly string[]): Promise<Record<string, SessionEndReason>> {
  const rows = await sql.select<SessionRow>(
    "select session_id, end_reason from session where session_id in (:sessionIds) and end_reason is not null",
    { sessionIds },
  );
  return Object.fromEntries(rows.map((row) => [String(row.session_id), row.end_reason!]));
}

/** Erases what the sessions of a user tell about their devices. */
export async function forgetDevices(sql: Database, userId: string): Promise<void> {
  await sql.execute("update session set device_id = '', device_name = '' where user_id = :userId", { userId });
}

export async function insertRefreshToken(sql: Database, row: RefreshTokenRow, tx: Tx): Promise<void> {
  await sql.insertRows("refresh_token", [{ ...row }], "fail", tx);
}

export async function findRefreshToken(sql: Database, tokenHash: string, tx: Tx): Promise<RefreshTokenRow | null> {
  const [row] = await sql.select<RefreshTokenRow>("select * from refresh_token where token_hash = :tokenHash", { tokenHash }, tx);
  return row ?? null;
}

/** True for exactly one of all who use the token. */
export async function useRefreshToken(sql: Database, tokenHash: string, now: number, tx: Tx): Promise<boolean> {
  const changed = await sql.execute(
    "update refresh_token set used_at = :now where token_hash = :tokenHash and used_at is null and expires_at > :now",
    { tokenHash, now },
    tx,
  );
  return changed > 0;
}
