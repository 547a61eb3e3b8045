import { call, type Calls } from "../../lib/service.ts";

/** Those of these people who let friends see their presence. */
export async function showingAmong(calls: Calls, userIds: readonly string[]): Promise<string[]> {
  if (userIds.length === 0) return [];
  const settings = await call(calls, "settings.of", { userIds: [...userIds] });
  return userIds.filter((userId) => settings[userId]?.showPresence === true);
}

/** Those whose presence `watcherId` may see: friends who have not blocked them and show it. */
export async function visibleAmong(calls: Calls, watcherId: string, userIds: readonly string[]): Promise<Set<string>> {
  const friendIds = await call(calls, "friend.friendIds", { userId: watcherId, among: [...userIds], exceptBlockers: true });
  return new Set(await showingAmong(calls, friendIds));
}
