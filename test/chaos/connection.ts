import { io } from "socket.io-client";
import type { Received } from "../support/client.ts";
import type { Connection } from "./device.ts";

/** A gateway that has not let one in by then is left for another one. */
const CONNECT_TIMEOUT_MS = 4_000;

/** Connects like `connectClient`, and gives up a gateway that says nothing. @throws when it refuses, or says nothing */
export async function openInTime(url: string, token: string): Promise<Connection> {
  const socket = io(url, {
    transports: ["websocket"],
    reconnection: false,
    forceNew: true,
    timeout: CONNECT_TIMEOUT_MS,
    auth: { token },
  });
  const received: Received[] = [];
  socket.onAny((event: string, payload: Record<string, unknown>) => void received.push({ event, payload }));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error("not let in")), CONNECT_TIMEOUT_MS);
  socket.once("connect", resolve).once("connect_error", reject).once("disconnect", reject);
  try {
    await promise;
    return { socket, received, close: async () => void socket.disconnect() };
  } catch (error) {
    socket.disconnect();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
