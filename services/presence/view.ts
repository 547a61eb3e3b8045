import type { Presence } from "../../contracts/entities.ts";
import type { PresenceState } from "../../mixins/hot-store/port.ts";

/**
 * What friends see of a user: one entry for each device, however many connections it has.
 * @param storedLastSeenAt holds where the hot store does not know
 */
export function presenceView(userId: string, state: PresenceState | undefined, storedLastSeenAt?: number): Presence {
  const { online = false, lastSeenAt = null, connections = [] } = state ?? {};
  const devices = new Map(connections.map(({ deviceId, deviceType }) => [deviceId, { deviceId, deviceType }]));
  return { userId, online, lastSeenAt: lastSeenAt ?? storedLastSeenAt ?? null, devices: [...devices.values()] };
}

/**
 * What watchers have been told of a user, for who begins to watch: one who left a moment ago is online until the departure is told.
 * Told the state itself, they would never hear of those who are back before it is.
 */
export function shownView(userId: string, state: PresenceState | undefined, storedLastSeenAt?: number): Presence {
  const view = presenceView(userId, state, storedLastSeenAt);
  return { ...view, online: view.online || state?.isShown === true };
}

/** How everyone looks who is no friend, hides their presence or does not exist. */
export function hiddenView(userId: string): Presence {
  return { userId, online: false, lastSeenAt: null, devices: [] };
}
