import { PRESENCE_TTL_MS } from "../../config/limits.ts";
import type { ConnectionRef, HotConnection, HotPresence, PresenceState } from "./port.ts";

type LiveConnection = HotConnection & { heartbeatAt: number };

export interface MemoryPresenceOptions {
  readonly ttlMs?: number;
  /** Users whose last time online is remembered after they left; who left first is forgotten first. */
  readonly maxOffline?: number;
}

export function memoryPresence({ ttlMs = PRESENCE_TTL_MS, maxOffline = 100_000 }: MemoryPresenceOptions = {}): HotPresence {
  const users = new Map<string, Map<string, LiveConnection>>();
  /** Users without a connection, who left first at the front. */
  const lastSeen = new Map<string, number>();
  /** Users whose watchers were told that they are online. */
  const shown = new Set<string>();
  /** Those of them who went offline, and when. */
  const leaving = new Map<string, number>();
  /** When connections closed, by user and connection, oldest first. */
  const closed = new Map<string, number>();
  let sweptAt = 0;

  const remember = (userId: string, at: number): void => {
    lastSeen.delete(userId);
    lastSeen.set(userId, at);
    if (lastSeen.size <= maxOffline) return;
    for (const first of lastSeen.keys()) return void lastSeen.delete(first);
  };

  const leave = (userId: string, seenAt: number, at: number): void => {
    users.delete(userId);
    remember(userId, seenAt);
    if (shown.has(userId)) leaving.set(userId, at);
  };

  /** A connection that closed stays closed, whatever comes late. */
  const close = (connection: ConnectionRef, now: number): void => {
    closed.delete(refOf(connection));
    closed.set(refOf(connection), now);
    for (const [other, at] of closed) {
      if (at + ttlMs > now) return;
      closed.delete(other);
    }
  };

  /** The user's connections after those without a heartbeat are gone. */
  const liveOf = (userId: string, now: number): Map<string, LiveConnection> | undefined => {
    const connections = users.get(userId);
    if (!connections) return undefined;
    const newest = Math.max(...Array.from(connections.values(), (connection) => connection.heartbeatAt));
    for (const { connectionId, heartbeatAt } of connections.values())
      if (heartbeatAt + ttlMs <= now) connections.delete(connectionId);
    if (connections.size > 0) return connections;
    leave(userId, newest, newest + ttlMs);
    return undefined;
  };

  const sweep = (now: number): void => {
    if (now - sweptAt < ttlMs) return;
    sweptAt = now;
    for (const userId of users.keys()) liveOf(userId, now);
  };

  const stateOf = (userId: string, now: number): PresenceState => {
    const connections = [...(liveOf(userId, now)?.values() ?? [])].map((connection) => ({ ...connection }));
    const isShown = shown.has(userId);
    if (connections.length === 0) return { online: false, isShown, lastSeenAt: lastSeen.get(userId) ?? null, connections };
    return {
      online: true,
      isShown,
      lastSeenAt: Math.max(...connections.map((connection) => connection.heartbeatAt)),
      connections,
    };
  };

  return {
    async connect(connection, max, now) {
      const { userId, connectionId } = connection;
      if (closed.has(refOf(connection))) return { accepted: false, first: false };
      const connections = liveOf(userId, now) ?? new Map<string, LiveConnection>();
      const others = connections.size - (connections.has(connectionId) ? 1 : 0);
      if (others >= max) return { accepted: false, first: false };
      connections.set(connectionId, { ...connection, heartbeatAt: now });
      users.set(userId, connections);
      lastSeen.delete(userId);
      leaving.delete(userId);
      return { accepted: true, first: others === 0 };
    },
    async disconnect(userId, connectionId, now) {
      close({ userId, connectionId }, now);
      const connection = users.get(userId)?.get(connectionId);
      if (!connection) return { last: false };
      connection.heartbeatAt = now;
      const connections = liveOf(userId, now);
      connections?.delete(connectionId);
      if (connections?.size === 0) leave(userId, now, now);
      return { last: !users.has(userId) };
    },
    async heartbeat(gatewayNodeId, connections, now) {
      sweep(now);
      return connections.filter((ref) => {
        const connection = users.get(ref.userId)?.get(ref.connectionId);
        if (connection?.gatewayNodeId === gatewayNodeId) connection.heartbeatAt = now;
        return !connection && !closed.has(refOf(ref));
      });
    },
    async of(userIds, now) {
      return new Map(userIds.map((userId) => [userId, stateOf(userId, now)]));
    },
    async takeArrival(userId, now) {
      if (!liveOf(userId, now) || shown.has(userId)) return false;
      shown.add(userId);
      return true;
    },
    async takeDeparture(userId, now) {
      if (liveOf(userId, now)) return false;
      leaving.delete(userId);
      return shown.delete(userId);
    },
    async departed(upTo, limit) {
      for (const userId of users.keys()) liveOf(userId, upTo);
      const found = [...leaving].filter(([, at]) => at <= upTo);
      return found.slice(0, limit).map(([userId]) => userId);
    },
  };
}

const refOf = ({ userId, connectionId }: ConnectionRef): string => `${userId} ${connectionId}`;
