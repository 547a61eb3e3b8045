import type { Params } from "../../contracts/index.ts";
import { mapConcurrently } from "../../lib/map-concurrently.ts";
import type { HotConnection } from "../../mixins/hot-store/port.ts";
import { announceArrivals } from "./announce.ts";
import type { PresenceDeps } from "./deps.ts";

type Connection = Params<"presence.heartbeat">["connections"][number];

const AT_ONCE = 50;
const TOLD_AT_ONCE = 500;

/**
 * Connects again what a gateway still holds and the hot store has lost: it was wiped, or the gateway stood still for so long that
 * its connections counted as gone. They were let in before, so no maximum applies.
 */
export async function restoreConnections(deps: PresenceDeps, gatewayNodeId: string, lost: readonly Connection[]): Promise<void> {
  const { presence, now } = deps;
  const whole = lost.flatMap(({ deviceId, deviceType, ...connection }) =>
    deviceId === undefined || deviceType === undefined ? [] : [{ ...connection, deviceId, deviceType, gatewayNodeId }],
  ) satisfies HotConnection[];
  const connected = await mapConcurrently(whole, AT_ONCE, (connection) =>
    presence.connect(connection, Number.MAX_SAFE_INTEGER, now()),
  );
  const back = whole.filter((_, index) => connected[index]!.first).map(({ userId }) => userId);
  for (let at = 0; at < back.length; at += TOLD_AT_ONCE) await announceArrivals(deps, back.slice(at, at + TOLD_AT_ONCE));
}
