import type { Params, Result } from "../../../contracts/index.ts";
import { DEFAULT_PAGE } from "../../../contracts/limits.ts";
import type { Broadcast } from "../../../contracts/services/notification.ts";
import { imError } from "../../../lib/errors.ts";
import { idCursor, toPage } from "../../../lib/page.ts";
import type { Database } from "../../../mixins/database/index.ts";
import { broadcastsBefore, cancel, findBroadcast } from "./repository.ts";

/** Newest first. */
export async function listBroadcasts(
  sql: Database,
  { limit = DEFAULT_PAGE, cursor }: Params<"notification.broadcasts">,
): Promise<Result<"notification.broadcasts">> {
  const found = await broadcastsBefore(sql, idCursor(cursor), limit + 1);
  const { rows, nextCursor } = toPage(found, limit, ({ broadcastId }) => broadcastId);
  return { items: rows, nextCursor };
}

/** @throws BROADCAST_NOT_FOUND */
export async function broadcastStatus(sql: Database, broadcastId: string): Promise<Broadcast> {
  const found = await findBroadcast(sql, broadcastId);
  if (!found) throw imError("BROADCAST_NOT_FOUND");
  return found;
}

/** Ends it before its next portion; one that is over stays as it is. @throws BROADCAST_NOT_FOUND */
export async function cancelBroadcast(sql: Database, broadcastId: string, now: number): Promise<Broadcast> {
  await cancel(sql, broadcastId, now);
  return broadcastStatus(sql, broadcastId);
}
