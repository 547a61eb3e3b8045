import { mapConcurrently } from "../../lib/map-concurrently.ts";
import { chunksOf } from "../../lib/page.ts";
import { presenceRoom, push } from "../../lib/push.ts";
import { call } from "../../lib/service.ts";
import type { PresenceDeps } from "./deps.ts";
import { showingAmong } from "./privacy.ts";
import { hiddenView } from "./view.ts";

/** Watchers whose connections are read at once. */
const CHUNK = 500;
const CUT_AT_ONCE = 20;

/** All connections of these watchers stop hearing of `userId`. */
export async function stopWatching(
  { presence, calls, now }: PresenceDeps,
  watcherIds: readonly string[],
  userId: string,
): Promise<void> {
  for (const chunk of chunksOf(watcherIds, CHUNK)) {
    const states = await presence.of(chunk, now());
    const connections = chunk.flatMap((watcherId) => states.get(watcherId)?.connections ?? []);
    await mapConcurrently(connections, CUT_AT_ONCE, ({ connectionId }) =>
      call(calls, "socket.watch", { connectionId, userIds: [userId], on: false }),
    );
  }
}

/**
 * After a change of the user's privacy: when the user hides their presence, those who watch see them go offline and hear of
 * them no more. Only friends can be watching.
 */
export async function enforcePrivacy(deps: PresenceDeps, userId: string): Promise<void> {
  const { calls } = deps;
  if ((await showingAmong(calls, [userId])).length > 0) return;
  await push(calls, [{ room: presenceRoom(userId), event: "presence:changed", payload: hiddenView(userId) }]);
  await stopWatching(deps, await call(calls, "friend.friendIds", { userId }), userId);
}
