import type { Params, Result } from "../../contracts/index.ts";
import { errorTable } from "../../contracts/errors.ts";
import type { SessionEndReason } from "../../contracts/events.ts";
import { imError, toWireError } from "../../lib/errors.ts";
import { call, type Calls } from "../../lib/service.ts";
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
  /** Does it when it is the connection's turn. @throws UNAVAILABLE when the turn came too late */
  inTurn(socket: ImSocket, work: () => Promise<void>): Promise<void>;
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
    await deps.inTurn(socket, async () => {
      if (!isOpen(socket)) throw imError("UNAVAILABLE"); // who gave up while it waited costs nothing
      const identity = await deps.verify(token);
      if (deviceId !== undefined && deviceId !== identity.deviceId) throw imError("DEVICE_MISMATCH");
      const rooms = await deps.roomsOf(identity.userId);
      socket.data = { identity, language, address, rooms, events: 0 };
      if (!(await deps.register({ connectionId: socket.id, identity }))) throw imError("TOO_MANY_CONNECTIONS");
      // Socket.IO says nothing of a connection that closes before it was let in.
      if (isOpen(socket)) return;
      await deps.unregister({ connectionId: socket.id, identity });
      throw imError("UNAVAILABLE");
    });
  } catch (error) {
    const wire = toWireError(error, language);
    if (wire.type === "INTERNAL") deps.logError("A connection could not be let in", { error });
    throw Object.assign(new Error(wire.message), {
      data: { code: wire.code, message: wire.message, ...(wire.data && { data: wire.data }) },
    });
  }
}

const isOpen = ({ conn }: ImSocket): boolean => conn.readyState === "open";

const ended = (code: number, reason: string) => ({ code, reason });

/** Says why, then closes, on all connections of these sessions. */
export function endSessions(io: ImServer, sessionIds: readonly string[], reason: SessionEndReason): void {
  for (const sessionId of sessionIds) {
    const target = io.local.in(`s:${sessionId}`); // each gateway hears of it
    target.emit("session:ended", ended(errorTable.SESSION_ENDED.code, reason));
    target.disconnectSockets(true);
  }
}

/** Ends the sessions of this gateway that are over, be it that nobody told it. */
export async function checkSessions(io: ImServer, calls: Calls): Promise<void> {
  const sockets = [...io.of("/").sockets.values()] as ImSocket[];
  const sessionIds = [...new Set(sockets.map((socket) => socket.data.identity.sessionId))];
  if (sessionIds.length === 0) return;
  const over = await call(calls, "auth.endedAmong", { sessionIds });
  if (over.length === 0) return;
  const reasons = await call(calls, "auth.endReasons", { sessionIds: over });
  // Its token has outlived a session that expired, or that is gone with its account.
  for (const [reason, ids] of Map.groupBy(over, (sessionId) => reasons[sessionId] ?? "logout")) endSessions(io, ids, reason);
}

/** Says why, then closes the connections of a user, or of one device. @returns how many */
export function closeDevices(sockets: readonly ImSocket[], { userId, deviceId, reason }: Params<"socket.disconnect">): number {
  const meant = sockets.filter(
    ({ data: { identity } }) => identity.userId === userId && (deviceId === undefined || identity.deviceId === deviceId),
  );
  for (const socket of meant) {
    socket.emit("session:ended", ended(errorTable.SESSION_ENDED.code, reason));
    socket.disconnect(true);
  }
  return meant.length;
}

/** Closes what was not renewed before its token expired. */
export function endExpired(io: ImServer, now: number): void {
  for (const socket of io.of("/").sockets.values() as Iterable<ImSocket>) {
    if (socket.data.identity.expiresAt > now) continue;
    socket.emit("session:ended", ended(errorTable.TOKEN_EXPIRED.code, "token_expired"));
    socket.disconnect(true);
  }
}
