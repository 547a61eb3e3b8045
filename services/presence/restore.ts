import type { Params } from "../../contracts/index.ts";
import { mapConcurrently } from "../../lib/map-concurrently.ts";
import type { HotConnection } from "../../mixins/hot-store/port.ts";
import type { PresenceDeps } from "./deps.ts";

type Connection = Params<"presence.heartbeat">["connections"][number];

const AT_ONCE = 50;

/**
 * Connects again what a gateway still holds and the hot store has lost: it was wiped, or the gateway stood still for so long that
 * its connections counted as gone. They were let in before, so no maximum applies.
 * @returns who is back by it
 */
export async function restoreConnections(
  { presence, now }: Pick<PresenceDeps, "presence" | "now">,
  gatewayNodeId: string,
  lost: readonly Connection[],
): Promise<string[]> {
  const whole = lost.flatMap(({ deviceId, deviceType, ...connection }) =>
    deviceId === undefined || deviceType === undefined ? [] : [{ ...connection, deviceId, deviceType, gatewayNodeId }],
  ) satisfies HotConnection[];
  const connected = await mapConcurrently(whole, AT_ONCE, (connection) =>
    presence.connect(connection, Number.MAX_SAFE_INTEGER, now()),
  );
  return whole.filter((_, index) => connected[index]!.first).map(({ userId }) => userId);
}
