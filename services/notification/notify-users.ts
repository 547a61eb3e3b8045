import { MAX_NOTIFICATIONS_KEPT } from "../../config/limits.ts";
import { chunksOf } from "../../lib/page.ts";
import type { Tx } from "../../mixins/database/index.ts";
import { onceInTransaction } from "../../mixins/outbox/index.ts";
import type { NotificationDeps } from "./deps.ts";
import { pushNew } from "./push-new.ts";
import { deleteBeyond, insertNotifications, type StoredNotification } from "./repository.ts";

/** Name of the durable consumer, under which is noted which events were told. */
export const CONSUMER = "notification";

/** Users of one statement. */
const CHUNK = 500;
const SERIALIZABLE = { serializable: true };

export interface Notice {
  readonly userIds: readonly string[];
  readonly type: string;
  /** Ids and what is no one's private matter. The user with the id `fromUserId` is shown as `fromUser {userId, nickname}`. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Of several events that share this one alone is told, the first. Default: each event by itself. */
  readonly onceAs?: string;
}

/** Stores a notification for each user and pushes it, in their language. Whoever has one of this event gets no second one. */
export async function notifyUsers(deps: NotificationDeps, eventId: string, notice: Notice): Promise<void> {
  const wanted = notificationsOf(deps, notice);
  let stored: StoredNotification[] = [];
  await deps.sql.transaction(async (tx) => {
    stored = await store(deps, eventId, wanted, tx);
  }, SERIALIZABLE);
  await settle(deps, stored);
}

/** The same for a durable event, told once however often it comes, also when what it made is not kept any more. */
export async function notifyOfEvent(deps: NotificationDeps, eventId: string, notice: Notice): Promise<void> {
  const id = notice.onceAs ?? eventId;
  const wanted = notificationsOf(deps, notice);
  let stored: StoredNotification[] = [];
  const work = async (tx: Tx): Promise<void> => {
    stored = await store(deps, id, wanted, tx);
  };
  await onceInTransaction(deps.sql, CONSUMER, { eventId: id }, work, SERIALIZABLE);
  await settle(deps, stored);
}

function notificationsOf({ ids, now }: NotificationDeps, { userIds, type, data }: Notice): StoredNotification[] {
  const createdAt = now();
  return [...new Set(userIds)].map((userId) => ({ notificationId: ids.next(), userId, type, data, readAt: null, createdAt }));
}

async function store(
  { sql }: NotificationDeps,
  eventId: string,
  wanted: readonly StoredNotification[],
  tx: Tx,
): Promise<StoredNotification[]> {
  const stored: StoredNotification[] = [];
  for (const chunk of chunksOf(wanted, CHUNK)) stored.push(...(await insertNotifications(sql, eventId, chunk, tx)));
  return stored;
}

/** What follows once they are stored. */
async function settle(deps: NotificationDeps, stored: readonly StoredNotification[]): Promise<void> {
  for (const chunk of chunksOf(stored, CHUNK)) {
    await pushNew(deps, chunk);
    const userIds = chunk.map(({ userId }) => userId);
    await deleteBeyond(deps.sql, userIds, MAX_NOTIFICATIONS_KEPT);
  }
}
