import { announceDepartures } from "./announce.ts";
import type { PresenceDeps } from "./deps.ts";

const AT_ONCE = 500;

/**
 * Tells of those who left at `upTo` or before and of whom nobody has told: their gateway was killed, or the node that was to
 * tell. Each is told of by one node, however many look.
 * @param onGone hears of each
 */
export async function announceSilentDepartures(
  deps: PresenceDeps,
  upTo: number,
  onGone: (userId: string) => void,
): Promise<void> {
  for (;;) {
    const departed = await deps.presence.departed(upTo, AT_ONCE);
    for (const userId of await announceDepartures(deps, departed)) onGone(userId);
    if (departed.length < AT_ONCE) return;
  }
}
