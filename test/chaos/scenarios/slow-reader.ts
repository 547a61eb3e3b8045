import { readFileSync } from "node:fs";
import type { WebSocket } from "ws";
import { SOCKET_QUEUE_CUT_BYTES } from "../../../config/limits.ts";
import { waitFor } from "../../support/wait.ts";
import { openInTime } from "../connection.ts";
import { signIn } from "../people.ts";
import { outage } from "../stage.ts";
import type { Scenario } from "./scenario.ts";

/** More than the system takes into its own buffers, which differ. */
const BYTES = largestBuffer("tcp_rmem") + largestBuffer("tcp_wmem") + 2 * SOCKET_QUEUE_CUT_BYTES;
const TEXT = "x".repeat(8_000);
const LANES = 20;
const CUT_MS = 30_000;

/** What this system holds at most for one end of a connection. */
function largestBuffer(setting: "tcp_rmem" | "tcp_wmem"): number {
  try {
    return Number(readFileSync(`/proc/sys/net/ipv4/${setting}`, "utf8").trim().split(/\s+/)[2]);
  } catch {
    return SOCKET_QUEUE_CUT_BYTES;
  }
}

const webSocketOf = (socket: { io: { engine: { transport: unknown } } }): WebSocket =>
  (socket.io.engine.transport as { ws: WebSocket }).ws;

/** One device of somebody reads nothing any more, while much is sent to them. */
export const slowReader = (on: Scenario["on"]): Scenario => ({
  name: "slow reader",
  on,
  async faults(stage) {
    const [sender] = stage.load.clients;
    const [{ conversationId }, [, reader]] = [stage.world.conversations[0]!, stage.world.people];
    const url = stage.env.gateways.at(-1)!;
    const { accessToken } = await signIn(url, reader!.username);
    const slow = await openInTime(url, accessToken);
    webSocketOf(slow.socket).pause();
    await outage(stage, {
      name: "one device does not read",
      lastsMs: 0,
      async begin() {
        const lane = async (lane: number): Promise<void> => {
          for (let i = 0; i < BYTES / TEXT.length / LANES; i++) await sender!.send(conversationId, `long-${lane}-${i}`, TEXT);
        };
        await Promise.all(Array.from({ length: LANES }, (_, i) => lane(i)));
      },
      end: () => undefined,
    });
    webSocketOf(slow.socket).resume();
    await waitFor(() => !slow.socket.connected, "the slow reader to be cut", CUT_MS).catch((error: unknown) =>
      stage.problems.push(String(error)),
    );
    await slow.close();
  },
});
