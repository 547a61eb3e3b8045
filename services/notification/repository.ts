import { MAX_ID } from "../../lib/page.ts";
import type { Database, Tx } from "../../mixins/database/index.ts";

interface NotificationRow {
  notification_id: string | number;
  user_id: string | number;
  type: string;
  data: string;
  read_at: number | null;
  created_at: number;
}

export interface StoredNotification {
  readonly notificationId: string;
  readonly userId: string;
  readonly type: string;
  /** As the sender of the notification gave it. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly readAt: number | null;
  readonly createdAt: number;
}

const columns = "notification_id, user_id, type, data, read_at, created_at";

const notificationOf = (row: NotificationRow): StoredNotification => ({
  notificationId: String(row.notification_id),
  userId: String(row.user_id),
  type: row.type,
  data: JSON.parse(row.data) as Record<string, unknown>,
  readAt: row.read_at,
  createdAt: row.created_at,
});

/**
 * Stores those whose user has none of this event yet and is not gone, and returns them. In a serializable transaction, so that
 * whose account is erased at the same time is left with none.
 */
export async function insertNotifications(
  sql: Database,
  eventId: string,
  notifications: readonly StoredNotification[],
  tx: Tx,
): Promise<StoredNotification[]> {
  const gone = await goneAmong(
    sql,
    notifications.map(({ userId }) => userId),
    tx,
  );
  const wanted = notifications.filter(({ userId }) => !gone.has(userId));
  if (wanted.length === 0) return [];
  const inserted = await sql.insertRows(
    "notification",
    wanted.map(({ notificationId, userId, type, data, readAt, createdAt }) => ({
      notification_id: notificationId,
      user_id: userId,
      event_id: eventId,
      type,
      data: JSON.stringify(data),
      read_at: readAt,
      created_at: createdAt,
    })),
    "keep",
    tx,
  );
  if (inserted === wanted.length) return wanted;
  const rows = await sql.select<{ notification_id: string | number }>(
    `select notification_id from notification where notification_id in (:ids)`,
    { ids: wanted.map(({ notificationId }) => notificationId) },
    tx,
  );
  const stored = new Set(rows.map((row) => String(row.notification_id)));
  return wanted.filter(({ notificationId }) => stored.has(notificationId));
}

async function goneAmong(sql: Database, userIds: readonly string[], tx: Tx): Promise<ReadonlySet<string>> {
  const rows = await sql.select<{ user_id: string | number }>(
    "select user_id from notification_gone where user_id in (:userIds)",
    { userIds },
    tx,
  );
  return new Set(rows.map((row) => String(row.user_id)));
}

/** Deletes what users have beyond their `keep` newest. */
export async function deleteBeyond(sql: Database, userIds: readonly string[], keep: number): Promise<void> {
  const over = await sql.select<{ user_id: string | number }>(
    `select user_id from notification where user_id in (:userIds) group by user_id having count(*) > :keep`,
    { userIds, keep },
  );
  for (const row of over) await deleteOldest(sql, String(row.user_id), keep);
}

async function deleteOldest(sql: Database, userId: string, keep: number): Promise<void> {
  const [oldestKept] = await sql.select<{ notification_id: string | number }>(
    `select notification_id from notification where user_id = :userId order by notification_id desc limit 1 offset :offset`,
    { userId, offset: keep - 1 },
  );
  if (!oldestKept) return;
  await sql.execute(`delete from notification where user_id = :userId and notification_id < :oldest`, {
    userId,
    oldest: oldestKept.notification_id,
  });
}

export interface NotificationRange {
  /** Only those that are read, or only those that are not. */
  readonly read?: boolean | undefined;
  /** null: from the newest on. */
  readonly before: string | null;
  readonly limit: number;
}

const readFilter = (read: boolean | undefined): string =>
  read === undefined ? "" : `and read_at is ${read ? "not null" : "null"}`;

/** Newest first. */
export async function notificationsOf(
  sql: Database,
  userId: string,
  { read, before, limit }: NotificationRange,
): Promise<StoredNotification[]> {
  const rows = await sql.select<NotificationRow>(
    `select ${columns} from notification where user_id = :userId and notification_id < :before ${readFilter(read)}
     order by notification_id desc limit :limit`,
    { userId, before: before ?? MAX_ID, limit },
  );
  return rows.map(notificationOf);
}

export async function countUnread(sql: Database, userId: string): Promise<number> {
  const [row] = await sql.select<{ count: number }>(
    `select count(*) as count from notification where user_id = :userId and read_at is null`,
    { userId },
  );
  return row?.count ?? 0;
}

/** Those of the given that are the user's. */
export async function ownAmong(sql: Database, userId: string, ids: readonly string[]): Promise<string[]> {
  const rows = await sql.select<{ notification_id: string | number }>(
    `select notification_id from notification where user_id = :userId and notification_id in (:ids)`,
    { userId, ids },
  );
  return rows.map((row) => String(row.notification_id));
}

/** Without `ids` all of the user's. @returns how many were unread before */
export async function setRead(sql: Database, userId: string, now: number, ids?: readonly string[]): Promise<number> {
  const only = ids ? "and notification_id in (:ids)" : "";
  return sql.execute(
    `update notification set read_at = :now where user_id = :userId and read_at is null ${only}`,
    ids ? { now, userId, ids } : { now, userId },
  );
}

/** Deletes what a user has, and keeps what comes later from being stored. */
export async function eraseNotifications(sql: Database, userId: string, now: number): Promise<void> {
  await sql.transaction(async (tx) => {
    await sql.insertRows("notification_gone", [{ user_id: userId, gone_at: now }], "keep", tx);
    await sql.execute(`delete from notification where user_id = :userId`, { userId }, tx);
  });
}
