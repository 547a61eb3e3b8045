import type { Notification } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import { DEFAULT_PAGE } from "../../contracts/limits.ts";
import type { Language } from "../../contracts/meta.ts";
import { imError } from "../../lib/errors.ts";
import { idCursor, toPage } from "../../lib/page.ts";
import { invalidField } from "../../lib/validation.ts";
import type { NotificationDeps } from "./deps.ts";
import { languagesOf, presentNotifications } from "./present.ts";
import { countUnread, hasAny, notificationsOf, setRead } from "./repository.ts";

type Reading = Pick<NotificationDeps, "sql" | "calls">;

export interface Reader {
  readonly userId: string;
  /** Of the request; without one the user's own. */
  readonly language?: Language | undefined;
}

export async function listNotifications(
  { sql, calls }: Reading,
  { userId, language }: Reader,
  { read, limit = DEFAULT_PAGE, cursor }: Params<"notification.list">,
): Promise<{ items: Notification[]; nextCursor: string | null }> {
  const found = await notificationsOf(sql, userId, { read, before: idCursor(cursor), limit: limit + 1 });
  const { rows, nextCursor } = toPage(found, limit, ({ notificationId }) => notificationId);
  const languageOf = language ? () => language : await languagesOf(calls, [userId]);
  return { items: await presentNotifications(calls, rows, languageOf), nextCursor };
}

/**
 * Marks those of the given that are the user's, or all. @returns how many are unread afterwards
 * @throws VALIDATION unless exactly one of both is given, NOTIFICATION_NOT_FOUND when none of the given is the user's
 */
export async function markRead(
  { sql, now }: Pick<NotificationDeps, "sql" | "now">,
  userId: string,
  { ids, all }: Params<"notification.markRead">,
): Promise<number> {
  if ((ids === undefined) === (all === undefined)) throw invalidField("ids", "give either ids or all");
  if (ids && !(await hasAny(sql, userId, ids))) throw imError("NOTIFICATION_NOT_FOUND");
  await setRead(sql, userId, now(), ids);
  return countUnread(sql, userId);
}

const EXPORT_PAGE = 1_000;

/** A page of a user's notifications, newest first, in the language they have chosen. */
export async function exportNotifications(
  { sql, calls }: Reading,
  {
    userId,
    before = null,
    limit = EXPORT_PAGE,
  }: { userId: string; before?: string | null | undefined; limit?: number | undefined },
): Promise<Notification[]> {
  const page = await notificationsOf(sql, userId, { before, limit });
  return presentNotifications(calls, page, await languagesOf(calls, [userId]));
}
