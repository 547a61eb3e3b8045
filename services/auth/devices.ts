import type { Device } from "../../contracts/entities.ts";
import type { Caller } from "../../contracts/meta.ts";
import { imError } from "../../lib/errors.ts";
import { call, type Calls } from "../../lib/service.ts";
import type { AuthDeps } from "./deps.ts";
import { endSessions } from "./end-sessions.ts";
import { findLiveSessions } from "./repository.ts";

/** The caller's signed-in devices, last used first. Without an answer of presence all are offline. */
export async function listDevices(
  deps: Pick<AuthDeps, "sql" | "now">,
  calls: Calls,
  { userId, sessionId }: Caller,
): Promise<Device[]> {
  const [rows, heartbeats] = await Promise.all([findLiveSessions(deps.sql, userId, deps.now()), connectedDevices(calls, userId)]);
  return rows.map((row) => {
    const heartbeatAt = heartbeats.get(row.device_id);
    return {
      deviceId: row.device_id,
      deviceType: row.device_type,
      deviceName: row.device_name,
      online: heartbeatAt !== undefined,
      lastSeenAt: Math.max(Number(row.last_seen_at), heartbeatAt ?? 0),
      current: String(row.session_id) === sessionId,
    };
  });
}

/** @throws DEVICE_NOT_FOUND */
export async function endDevice(deps: AuthDeps, userId: string, deviceId: string): Promise<void> {
  const ended = await endSessions(deps, { userId, deviceId }, "removed");
  if (ended.length === 0) throw imError("DEVICE_NOT_FOUND");
}

/** Connected devices of a user with their last heartbeat. */
async function connectedDevices(calls: Calls, userId: string): Promise<Map<string, number>> {
  try {
    const [presence] = await call(calls, "presence.of", { userIds: [userId] });
    const connections = presence?.["connections"] as readonly { deviceId: string; heartbeatAt: number }[] | undefined;
    return new Map((connections ?? []).map(({ deviceId, heartbeatAt }) => [deviceId, heartbeatAt]));
  } catch {
    return new Map();
  }
}
