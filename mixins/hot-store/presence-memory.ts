import { PRESENCE_TTL_MS } from "../../config/limits.ts";
import type { HotConnection, HotPresence, PresenceState } from "./port.ts";

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
  let sweptAt = 0;

  const remember = (userId: string, at: number): void => {
    lastSeen.delete(userId);
    lastSeen.set(userId, at);
    if (lastSeen.size <= maxOffline) return;
    for (const first of lastSeen.keys()) return void lastSeen.delete(first);
  };

  const remove = (userId: string, connections: Map<string, LiveConnection>, connectionId: string, seenAt: number): void => {
    connections.delete(connectionId);
    if (connections.size > 0) return;
    users.delete(userId);
    remember(userId, seenAt);
  };

  /** The user's connections after those without a heartbeat are gone. */
  const liveOf = (userId: string, now: number): Map<string, LiveConnection> | undefined => {
    const connections = users.get(userId);
    if (!connections) return undefined;
    const newest = Math.max(...Array.from(connections.values(), (connection) => connection.heartbeatAt));
    for (const connection of connections.values()) {
      if (connection.heartbeatAt + ttlMs <= now) remove(userId, connections, connection.connectionId, newest);
    }
    return users.get(userId);
  };

  const sweep = (now: number): void => {
    if (now - sweptAt < ttlMs) return;
    sweptAt = now;
    for (const userId of users.keys()) liveOf(userId, now);
  };

  const stateOf = (userId: string, now: number): PresenceState => {
    const connections = [...(liveOf(userId, now)?.values() ?? [])].map((connection) => ({ ...connection }));
    if (connections.length === 0) return { online: false, lastSeenAt: lastSeen.get(userId) ?? null, connections };
    return { online: true, lastSeenAt: Math.max(...connections.map((connection) => connection.heartbeatAt)), connections };
  };

  return {
    async connect(connection, max, now) {
      const { userId, connectionId } = connection;
      const connections = liveOf(userId, now) ?? new Map<string, LiveConnection>();
      const others = connections.size - (connections.has(connectionId) ? 1 : 0);
      if (others >= max) return { accepted: false, first: false };
      connections.set(connectionId, { ...connection, heartbeatAt: now });
      users.set(userId, connections);
      lastSeen.delete(userId);
      return { accepted: true, first: others === 0 };
    },
    async disconnect(userId, connectionId, now) {
      const connections = users.get(userId);
      const connection = connections?.get(connectionId);
      if (!connections || !connection) return { last: false };
      connection.heartbeatAt = now;
      liveOf(userId, now);
      remove(userId, connections, connectionId, now);
      return { last: !users.has(userId) };
    },
    async heartbeat(gatewayNodeId, connections, now) {
      sweep(now);
      for (const { userId, connectionId } of connections) {
        const connection = users.get(userId)?.get(connectionId);
        if (connection?.gatewayNodeId === gatewayNodeId) connection.heartbeatAt = now;
      }
    },
    async of(userIds, now) {
      return new Map(userIds.map((userId) => [userId, stateOf(userId, now)]));
    },
  };
}
