import type { ServiceBroker } from "moleculer";
import { call } from "../lib/service.ts";
import { findUser } from "./find-user.ts";
import { nodesOf } from "../lib/nodes-of.ts";
import type { Report } from "./report.ts";

/** Ends the sessions of a user, or those of one device, and closes their connections. */
export async function kickUser(broker: ServiceBroker, user: string, deviceId?: string): Promise<Report> {
  const { userId, username } = await findUser(broker, user);
  const device = deviceId === undefined ? {} : { deviceId };
  const closing = nodesOf(broker, "socket").map((nodeID) =>
    call(broker, "socket.disconnect", { userId, reason: "kicked", ...device }, { nodeID }),
  );
  const closed = (await Promise.allSettled(closing)).reduce(
    (sum, one) => sum + (one.status === "fulfilled" ? one.value.closed : 0), // a gateway that is gone has no connections
    0,
  );
  // Last, or those connections would be gone before they are counted; who is back meanwhile is cut by it.
  const { ended } = await call(broker, "auth.endSessions", { userId, reason: "kicked", ...device });
  const whose = `${username} (${userId})${deviceId === undefined ? "" : ` on ${deviceId}`}`;
  return [`${whose}: ${count(ended.length, "session")} ended, ${count(closed, "connection")} closed`];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
