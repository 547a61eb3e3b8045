import { BROADCAST_PORTION, MAX_NOTIFICATIONS_KEPT } from "../../../config/limits.ts";
import { call, type Calls } from "../../../lib/service.ts";
import type { NotificationDeps } from "../deps.ts";
import { pushNew } from "../push-new.ts";
import { deleteBeyond, insertNotifications, type StoredNotification } from "../repository.ts";
import { advance, findOpen, holdAt, type OpenBroadcast } from "./repository.ts";
import { registeredWithin } from "./start.ts";

/** The next users of a broadcast. */
interface Portion {
  readonly userIds: readonly string[];
  /** Of those whom it names, who comes behind them; null when it names nobody. */
  readonly rest: readonly string[] | null;
  /** How many were looked at, and the last of them. */
  readonly done: number;
  readonly position: string;
  readonly isLast: boolean;
}

/**
 * Tells the next users of a broadcast. Their notifications and how far it has got are one transaction, and whoever finds that
 * it has got further meanwhile stores nothing: nobody is told twice or left out, however many nodes are at it.
 * @returns where to go on; null when it is over
 */
export async function sendPortion(deps: NotificationDeps, broadcast: OpenBroadcast): Promise<OpenBroadcast | null> {
  const portion = await nextPortion(deps.calls, broadcast);
  const stored = await store(deps, broadcast, portion);
  if (!stored) return findOpen(deps.sql, broadcast.broadcastId);
  if (stored.length > 0) {
    await pushNew(deps, stored);
    const userIds = stored.map(({ userId }) => userId);
    await deleteBeyond(deps.sql, userIds, MAX_NOTIFICATIONS_KEPT);
  }
  return portion.isLast ? null : { ...broadcast, position: portion.position, recipients: portion.rest };
}

/** null when it has got further, or is over. */
async function store(
  { sql, ids, now }: NotificationDeps,
  broadcast: OpenBroadcast,
  { userIds, position, done, isLast }: Portion,
): Promise<StoredNotification[] | null> {
  const { broadcastId } = broadcast;
  const createdAt = now();
  const wanted = userIds.map((userId) => ({
    notificationId: ids.next(),
    userId,
    type: "system.notice",
    data: { broadcastId },
    readAt: null,
    createdAt,
  }));
  return sql.transaction(
    async (tx) => {
      if (!(await holdAt(sql, broadcast, tx))) return null;
      const stored = await insertNotifications(sql, `broadcast:${broadcastId}`, wanted, tx);
      await advance(sql, broadcastId, { position, done, isLast, told: stored.length }, createdAt, tx);
      return stored;
    },
    { serializable: true },
  );
}

async function nextPortion(calls: Calls, broadcast: OpenBroadcast): Promise<Portion> {
  const portion = broadcast.recipients ? await ofNamed(calls, broadcast, broadcast.recipients) : await ofAll(calls, broadcast);
  const { language } = broadcast.filter;
  if (language === undefined || portion.userIds.length === 0) return portion;
  const settings = await call(calls, "settings.of", { userIds: [...portion.userIds] });
  return { ...portion, userIds: portion.userIds.filter((userId) => settings[userId]?.language === language) };
}

async function ofAll(calls: Calls, { filter, position, createdAt }: OpenBroadcast): Promise<Portion> {
  const userIds = await call(calls, "user.idsAfter", {
    ...registeredWithin(filter, createdAt),
    ...(position !== "0" && { after: position }),
    limit: BROADCAST_PORTION,
  });
  return {
    userIds,
    rest: null,
    done: userIds.length,
    position: userIds.at(-1) ?? position,
    isLast: userIds.length < BROADCAST_PORTION,
  };
}

async function ofNamed(
  calls: Calls,
  { filter, position, createdAt }: OpenBroadcast,
  recipients: readonly string[],
): Promise<Portion> {
  const [next, rest] = [recipients.slice(0, BROADCAST_PORTION), recipients.slice(BROADCAST_PORTION)];
  const userIds = await call(calls, "user.idsAfter", {
    ...registeredWithin(filter, createdAt),
    userIds: next,
    limit: BROADCAST_PORTION,
  });
  return { userIds, rest, done: next.length, position: next.at(-1) ?? position, isLast: next.length < BROADCAST_PORTION };
}
