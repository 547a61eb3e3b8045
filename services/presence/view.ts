import type { Presence } from "../../contracts/entities.ts";
import type { PresenceState } from "../../mixins/hot-store/port.ts";

/** What friends see of a user: one entry for each device, however many connections it has. */
export function presenceView(userId: string, state: PresenceState | undefined): Presence {
  if (!state) return hiddenView(userId);
  const devices = new Map(state.connections.map(({ deviceId, deviceType }) => [deviceId, { deviceId, deviceType }]));
  return { userId, online: state.online, lastSeenAt: state.lastSeenAt, devices: [...devices.values()] };
}

/** How everyone looks who is no friend, hides their presence or does not exist. */
export function hiddenView(userId: string): Presence {
  return { userId, online: false, lastSeenAt: null, devices: [] };
}
