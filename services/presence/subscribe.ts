import type { Presence } from "../../contracts/entities.ts";
import { call } from "../../lib/service.ts";
import type { PresenceDeps } from "./deps.ts";
import { storedLastSeen } from "./last-seen.ts";
import { visibleAmong } from "./privacy.ts";
import { hiddenView, shownView } from "./view.ts";

export interface Watch {
  readonly userId: string;
  /** Of the socket that asks; a request over REST has none and only gets the answer. */
  readonly connectionId: string | undefined;
  readonly userIds: readonly string[];
}

/** The connection hears from now on of those it may see; all others look offline and are not watched. */
export async function subscribe(deps: PresenceDeps, { userId, connectionId, userIds }: Watch): Promise<Presence[]> {
  const visible = await visibleAmong(deps.calls, userId, userIds);
  // Watching comes before reading, so that no change falls in between.
  if (connectionId !== undefined && visible.size > 0)
    await call(deps.calls, "socket.watch", { connectionId, userIds: [...visible], on: true });
  return viewsOf(deps, userIds, visible);
}

/** The answer still shows how those stand whom the caller may see. */
export async function unsubscribe(deps: PresenceDeps, { userId, connectionId, userIds }: Watch): Promise<Presence[]> {
  if (connectionId !== undefined) await call(deps.calls, "socket.watch", { connectionId, userIds: [...userIds], on: false });
  return viewsOf(deps, userIds, await visibleAmong(deps.calls, userId, userIds));
}

async function viewsOf(
  { presence, calls, now }: PresenceDeps,
  userIds: readonly string[],
  visible: ReadonlySet<string>,
): Promise<Presence[]> {
  const states = await presence.of([...visible], now());
  const unknown = [...visible].filter((userId) => (states.get(userId)?.lastSeenAt ?? null) === null);
  const stored = await storedLastSeen(calls, unknown);
  return userIds.map((userId) =>
    visible.has(userId) ? shownView(userId, states.get(userId), stored[userId]) : hiddenView(userId),
  );
}
