import { MAX_ID } from "../../lib/page.ts";
import type { Database } from "../../mixins/database/index.ts";

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

/** Stores those whose user has none of this event yet, and returns them. */
export async function insertNotifications(
  sql: Database,
  eventId: string,
  notifications: readonly StoredNotification[],
): Promise<StoredNotification[]> {
  if (notifications.length === 0) return [];
  const inserted = await sql.insertRows(
    "notification",
    notifications.map(({ notificationId, userId, type, data, readAt, createdAt }) => ({
      notification_id: notificationId,
      user_id: userId,
      event_id: eventId,
      type,
      data: JSON.stringify(data),
      read_at: readAt,
      created_at: createdAt,
    })),
    "keep",
  );
  if (inserted === notifications.length) return [...notifications];
  const rows = await sql.select<{ notification_id: string | number }>(
    `select notification_id from notification where notification_id in (:ids)`,
    { ids: notifications.map(({ notificationId }) => notificationId) },
  );
  const stored = new Set(rows.map((row) => String(row.notification_id)));
  return notifications.filter(({ notificationId }) => stored.has(notificationId));
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

/** Whether one of these at least is the user's. */
export async function hasAny(sql: Database, userId: string, ids: readonly string[]): Promise<boolean> {
  const rows = await sql.select(`select 1 from notification where user_id = :userId and notification_id in (:ids) limit 1`, {
    userId,
    ids,
  });
  return rows.length > 0;
}

/** Without `ids` all of the user's. */
export async function setRead(sql: Database, userId: string, now: number, ids?: readonly string[]): Promise<void> {
  const only = ids ? "and notification_id in (:ids)" : "";
  await sql.execute(
    `update notification set read_at = :now where user_id = :userId and read_at is null ${only}`,
    ids ? { now, userId, ids } : { now, userId },
  );
}

export async function eraseNotifications(sql: Database, userId: string): Promise<void> {
  await sql.execute(`delete from notification where user_id = :userId`, { userId });
}
