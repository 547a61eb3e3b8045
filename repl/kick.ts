import type { ServiceBroker } from "moleculer";
import { call } from "../lib/service.ts";
import { findUser } from "./find-user.ts";
import type { Report } from "./report.ts";

/** Ends the sessions of a user, or those of one device, and closes their connections. */
export async function kickUser(broker: ServiceBroker, user: string, deviceId?: string): Promise<Report> {
  const { userId, username } = await findUser(broker, user);
  const device = deviceId === undefined ? {} : { deviceId };
  const { ended } = await call(broker, "auth.endSessions", { userId, reason: "kicked", ...device });
  const { closed } = await call(broker, "socket.disconnect", { userId, reason: "kicked", ...device });
  const whose = `${username} (${userId})${deviceId === undefined ? "" : ` on ${deviceId}`}`;
  return [`${whose}: ${count(ended.length, "session")} ended, ${count(closed, "connection")} closed`];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
