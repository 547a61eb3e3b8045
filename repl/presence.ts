import type { ServiceBroker } from "moleculer";
import { call } from "../lib/service.ts";
import type { PresenceState } from "../mixins/hot-store/port.ts";
import { findUser } from "./find-user.ts";
import { moment, table, type Report } from "./report.ts";

/** Whether a user is connected, and from which devices through which gateways. Privacy settings do not bind operators. */
export async function showPresence(broker: ServiceBroker, user: string): Promise<Report> {
  const { userId, username } = await findUser(broker, user);
  const [state = {}] = await call(broker, "presence.of", { userIds: [userId] });
  const connections = (state["connections"] ?? []) as PresenceState["connections"];
  const seen = moment(state["lastSeenAt"]);
  const line = `${username} (${userId}) is ${state["online"] === true ? "online" : "offline"}${seen === null ? "" : `, last seen ${seen}`}`;
  if (connections.length === 0) return [line];
  const rows = connections.map((one) => [
    one.deviceId,
    one.deviceType,
    one.gatewayNodeId,
    one.connectionId,
    moment(one.heartbeatAt),
  ]);
  return [line, ...table(["device", "type", "gateway", "connection", "heartbeat"], rows)];
}
