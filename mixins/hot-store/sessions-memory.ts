import type { HotSession, HotSessions } from "./port.ts";

export interface MemorySessionsOptions {
  readonly now?: () => number;
  /** How long an ended session is remembered; at least the life of an access token. Default one day. */
  readonly endedForMs?: number;
  /** Live sessions kept; the least recently used one goes first and is loaded from SQL again. */
  readonly maxSessions?: number;
}

export function memorySessions({
  now = Date.now,
  endedForMs = 86_400_000,
  maxSessions = 100_000,
}: MemorySessionsOptions = {}): HotSessions {
  const live = new Map<string, HotSession>();
  /** Time of the ending, oldest first. */
  const ended = new Map<string, number>();

  const forgetOldEndings = (): void => {
    const before = now() - endedForMs;
    for (const [sessionId, at] of ended) {
      if (at > before) return;
      ended.delete(sessionId);
    }
  };

  const keep = (session: HotSession): void => {
    live.delete(session.sessionId);
    live.set(session.sessionId, session);
    if (live.size <= maxSessions) return;
    for (const oldest of live.keys()) return void live.delete(oldest);
  };

  return {
    async put(session) {
      forgetOldEndings();
      // Who read the session from SQL before it ended must not bring it back.
      if (!ended.has(session.sessionId)) keep(session);
    },
    async get(sessionId) {
      forgetOldEndings();
      if (ended.has(sessionId)) return "ended";
      const session = live.get(sessionId);
      if (!session) return null;
      if (session.expiresAt > now()) keep(session);
      else live.delete(sessionId);
      return live.get(sessionId) ?? null;
    },
    async end(sessionIds) {
      forgetOldEndings();
      for (const sessionId of sessionIds) {
        live.delete(sessionId);
        ended.delete(sessionId);
        ended.set(sessionId, now());
      }
    },
    async endedAmong(sessionIds) {
      forgetOldEndings();
      return sessionIds.filter((sessionId) => ended.has(sessionId));
    },
  };
}
