import type { PresenceDeps } from "./deps.ts";

const AT_ONCE = 500;

/**
 * Tells of those who left at `upTo` or before and of whom nobody has told: their gateway was killed, or the node that was to
 * tell. Each is told of by one node, however many look.
 * @param announce tells of those who are gone, and gives whom it told of
 * @param onGone hears of each
 */
export async function announceSilentDepartures(
  { presence }: Pick<PresenceDeps, "presence">,
  upTo: number,
  announce: (userIds: readonly string[]) => Promise<string[]>,
  onGone: (userId: string) => void,
): Promise<void> {
  for (;;) {
    const departed = await presence.departed(upTo, AT_ONCE);
    if (departed.length === 0) return; // and nobody's turn is taken
    for (const userId of await announce(departed)) onGone(userId);
    if (departed.length < AT_ONCE) return;
  }
}
