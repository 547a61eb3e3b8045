import type { Result } from "../../contracts/index.ts";
import { errorTable } from "../../contracts/errors.ts";
import type { SessionEndReason } from "../../contracts/events.ts";
import { imError, toWireError } from "../../lib/errors.ts";
import { languageOf } from "../../lib/language.ts";
import type { ImServer, ImSocket } from "./types.ts";

export interface AdmissionDeps {
  verify(token: string): Promise<Result<"auth.verify">>;
  /** Registers the connection; false when the user has too many. */
  register(connection: { connectionId: string; identity: Result<"auth.verify"> }): Promise<boolean>;
  /** Takes a registration back. */
  unregister(connection: { connectionId: string; identity: Result<"auth.verify"> }): Promise<void>;
  /** Group conversations of the user. */
  roomsOf(userId: string): Promise<string[]>;
  addressOf(socket: ImSocket): string;
  /** An address that may not even try now. */
  waitFor(address: string): number;
  logError(message: string, fields: Record<string, unknown>): void;
}

/** Lets a connection in or refuses it with `{code, message}` as the data of `connect_error`. */
export async function admit(deps: AdmissionDeps, socket: ImSocket): Promise<void> {
  const language = languageOf(socket.handshake.headers["accept-language"]) ?? "en";
  try {
    const address = deps.addressOf(socket);
    const retryAfterMs = deps.waitFor(address);
    if (retryAfterMs > 0) throw imError("RATE_LIMITED", { retryAfterMs });
    const { token, deviceId } = socket.handshake.auth as { token?: unknown; deviceId?: unknown };
    if (typeof token !== "string") throw imError("UNAUTHENTICATED");
    const identity = await deps.verify(token);
    if (deviceId !== undefined && deviceId !== identity.deviceId) throw imError("DEVICE_MISMATCH");
    const rooms = await deps.roomsOf(identity.userId);
    socket.data = { identity, language, address, rooms, events: 0 };
    if (!(await deps.register({ connectionId: socket.id, identity }))) throw imError("TOO_MANY_CONNECTIONS");
    // Socket.IO says nothing of a connection that closes before it was let in.
    if (socket.conn.readyState !== "open") {
      await deps.unregister({ connectionId: socket.id, identity });
      throw imError("UNAVAILABLE");
    }
  } catch (error) {
    const wire = toWireError(error, language);
    if (wire.type === "INTERNAL") deps.logError("A connection could not be let in", { error });
    throw Object.assign(new Error(wire.message), {
      data: { code: wire.code, message: wire.message, ...(wire.data && { data: wire.data }) },
    });
  }
}

const ended = (code: number, reason: string) => ({ code, reason });

/** Says why, then closes, on all connections of these sessions. */
export function endSessions(io: ImServer, sessionIds: readonly string[], reason: SessionEndReason): void {
  for (const sessionId of sessionIds) {
    const target = io.local.in(`s:${sessionId}`); // each gateway hears of it
    target.emit("session:ended", ended(errorTable.SESSION_ENDED.code, reason));
    target.disconnectSockets(true);
  }
}

/** Closes what was not renewed before its token expired. */
export function endExpired(io: ImServer, now: number): void {
  for (const socket of io.of("/").sockets.values() as Iterable<ImSocket>) {
    if (socket.data.identity.expiresAt > now) continue;
    socket.emit("session:ended", ended(errorTable.TOKEN_EXPIRED.code, "token_expired"));
    socket.disconnect(true);
  }
}
