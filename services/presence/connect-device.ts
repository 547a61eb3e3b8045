import type { HotConnection } from "../../mixins/hot-store/port.ts";
import type { PresenceDeps } from "./deps.ts";

/**
 * Connects unless the user has `max` connections. Those of a gateway that is gone are not counted, though they stay until their
 * heartbeats are missed: whoever was connected to it comes back at once.
 */
export async function connectDevice(
  { presence, hasGone, now }: PresenceDeps,
  connection: HotConnection,
  max: number,
): Promise<{ accepted: boolean; first: boolean }> {
  const answer = await presence.connect(connection, max, now());
  if (answer.accepted) return answer;
  const state = (await presence.of([connection.userId], now())).get(connection.userId);
  const stranded = (state?.connections ?? []).filter(({ gatewayNodeId }) => hasGone(gatewayNodeId)).length;
  return stranded === 0 ? answer : presence.connect(connection, max + stranded, now());
}
