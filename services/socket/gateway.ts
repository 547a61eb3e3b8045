import { setTimeout as delay } from "node:timers/promises";
import type { Server as Engine, Socket as Connection } from "engine.io";
import { Server } from "socket.io";
import {
  ARRIVAL_WAIT_MS,
  HEARTBEAT_EVERY_MS,
  MAX_SOCKET_FRAME_BYTES,
  PRESENCE_TTL_MS,
  SOCKET_CLOSE_TIMEOUT_MS,
  SOCKET_CONNECT_TIMEOUT_MS,
} from "../../config/limits.ts";
import type { Config } from "../../config/config.ts";
import { createOriginCheck } from "../../lib/origins.ts";
import type { Deliveries } from "../../lib/push.ts";
import type { Arrivals } from "./arrivals.ts";
import type { GatewayAdapter } from "./redis-adapter.ts";
import type { SendQueues } from "./send-queue.ts";
import { TurnEngine } from "./turn-transport.ts";
import type { ImServer } from "./types.ts";

/**
 * Makes the Socket.IO server; whoever owns the HTTP server hands it requests and upgrades through the engine.
 * @param adapter joins it with the other gateways of a cluster; null when it is the only one
 * @param queues bound what waits for each connection
 * @param arrivals let connections in
 */
export function openGateway(
  config: Config,
  adapter: GatewayAdapter["adapter"] | null,
  queues?: SendQueues,
  arrivals?: Arrivals,
): { io: ImServer; engine: Engine } {
  const isAllowedOrigin = createOriginCheck(config.corsOrigins);
  const engine = new TurnEngine({
    transports: config.polling ? ["polling", "websocket"] : ["websocket"],
    maxHttpBufferSize: MAX_SOCKET_FRAME_BYTES,
    pingInterval: HEARTBEAT_EVERY_MS,
    pingTimeout: PRESENCE_TTL_MS - HEARTBEAT_EVERY_MS,
    perMessageDeflate: false,
    httpCompression: false,
    allowRequest: (request, answer) => {
      const isAllowed = isAllowedOrigin(request.headers.origin, request.headers.host);
      answer(isAllowed ? null : "origin not allowed", isAllowed);
    },
    ...(config.polling && { cors: { origin: [...config.corsOrigins], credentials: true } }),
  });
  const io: ImServer = new Server({
    connectTimeout: SOCKET_CONNECT_TIMEOUT_MS + ARRIVAL_WAIT_MS,
    serveClient: false,
    transports: config.polling ? ["polling", "websocket"] : ["websocket"],
    ...(adapter && { adapter }),
  });
  engine.on("connection", (connection: Connection) => {
    queues?.add(connection);
    arrivals?.expect(connection);
  });
  io.bind(engine);
  return { io, engine };
}

/** Pushes events to rooms. Where this gateway is the only one (`isAlone`) that asks nobody, and a room that nobody is in costs nothing. */
export function deliver(io: ImServer, deliveries: Deliveries, isAlone: boolean): number {
  const { rooms } = io.of("/").adapter;
  let emitted = 0;
  for (const { room, event, payload, except } of deliveries) {
    if (isAlone && !hasOthers(rooms.get(room), except)) continue;
    emitted++;
    const target = (isAlone ? io.local : io).to(room);
    (except ? target.except(except) : target).emit(event, payload);
  }
  return emitted;
}

const hasOthers = (members: ReadonlySet<string> | undefined, except: readonly string[] | undefined): boolean =>
  members !== undefined && !(except?.length === 1 && members.size === 1 && members.has(except[0]!));

/** Ends all connections after what is written to them has gone out; who does not take it in time is cut. */
export async function closeGateway(io: ImServer, engine: Engine): Promise<void> {
  io.local.disconnectSockets(true); // not those of the other gateways
  const end = performance.now() + SOCKET_CLOSE_TIMEOUT_MS;
  while (engine.clientsCount > 0 && performance.now() < end) await delay(10);
  await io.close();
}
