import type { Notification } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import { DEFAULT_PAGE } from "../../contracts/limits.ts";
import type { Caller, Language } from "../../contracts/meta.ts";
import { imError } from "../../lib/errors.ts";
import { idCursor, toPage } from "../../lib/page.ts";
import { push, sessionRoom, userRoom } from "../../lib/push.ts";
import { invalidField } from "../../lib/validation.ts";
import type { NotificationDeps } from "./deps.ts";
import { languagesOf, presentNotifications } from "./present.ts";
import { countUnread, notificationsOf, ownAmong, setRead } from "./repository.ts";

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
  return { items: await presentNotifications({ sql, calls }, rows, languageOf), nextCursor };
}

/**
 * Marks those of the given that are the user's, or all, and tells the user's other devices when that changed something.
 * @returns how many are unread afterwards
 * @throws VALIDATION unless exactly one of both is given, NOTIFICATION_NOT_FOUND when none of the given is the user's
 */
export async function markRead(
  { sql, calls, now }: Pick<NotificationDeps, "sql" | "calls" | "now">,
  { userId, sessionId }: Pick<Caller, "userId" | "sessionId">,
  { ids, all }: Params<"notification.markRead">,
): Promise<number> {
  if ((ids === undefined) === (all === undefined)) throw invalidField("ids", "give either ids or all");
  const own = ids && (await ownAmong(sql, userId, ids));
  if (own?.length === 0) throw imError("NOTIFICATION_NOT_FOUND");
  const marked = await setRead(sql, userId, now(), own);
  const count = await countUnread(sql, userId);
  if (marked > 0) {
    const payload = { ids: own ?? null, count };
    await push(calls, [{ room: userRoom(userId), event: "notification:read", payload, except: [sessionRoom(sessionId)] }]);
  }
  return count;
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
  return presentNotifications({ sql, calls }, page, await languagesOf(calls, [userId]));
}
