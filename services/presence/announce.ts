import { presenceRoom, push } from "../../lib/push.ts";
import type { PresenceDeps } from "./deps.ts";
import { showingAmong } from "./privacy.ts";
import { presenceView } from "./view.ts";

/** Tells those who watch a user how the user stands now, if the user lets them. */
export async function announcePresence({ presence, calls, now }: PresenceDeps, userId: string): Promise<void> {
  if ((await showingAmong(calls, [userId])).length === 0) return;
  const state = (await presence.of([userId], now())).get(userId);
  await push(calls, [{ room: presenceRoom(userId), event: "presence:changed", payload: presenceView(userId, state) }]);
}

/** As `announcePresence`, for one who had left: says nothing when they are back, whichever gateway they came back to. */
export async function announceDeparture(deps: PresenceDeps, userId: string): Promise<void> {
  const state = (await deps.presence.of([userId], deps.now())).get(userId);
  if (!state?.online) await announcePresence(deps, userId);
}
