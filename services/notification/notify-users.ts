import { chunksOf } from "../../lib/page.ts";
import { push, userRoom } from "../../lib/push.ts";
import type { NotificationDeps } from "./deps.ts";
import { languagesOf, presentNotifications } from "./present.ts";
import { insertNotifications, type StoredNotification } from "./repository.ts";

/** Users of one statement and one push. */
const CHUNK = 500;

export interface Notice {
  readonly userIds: readonly string[];
  readonly type: string;
  /** Ids and what is no one's private matter. The user with the id `fromUserId` is shown as `fromUser {userId, nickname}`. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** Stores a notification for each user and pushes it, in their language. Whoever has one of this event gets no second one. */
export async function notifyUsers(deps: NotificationDeps, eventId: string, { userIds, type, data }: Notice): Promise<void> {
  for (const chunk of chunksOf([...new Set(userIds)], CHUNK)) {
    const createdAt = deps.now();
    const notifications = chunk.map((userId) => ({
      notificationId: deps.ids.next(),
      userId,
      type,
      data,
      readAt: null,
      createdAt,
    }));
    await pushNew(deps, await insertNotifications(deps.sql, eventId, notifications));
  }
}

async function pushNew({ calls }: NotificationDeps, stored: readonly StoredNotification[]): Promise<void> {
  if (stored.length === 0) return;
  const languageOf = await languagesOf(
    calls,
    stored.map(({ userId }) => userId),
  );
  const presented = await presentNotifications(calls, stored, languageOf);
  await push(
    calls,
    presented.map((payload, index) => ({ room: userRoom(stored[index]?.userId ?? ""), event: "notification:new", payload })),
  );
}
