import type { AuthDeps } from "./deps.ts";
import { findEndedSince } from "./repository.ts";

/** Every gateway asks every two seconds: all of them within this time share one query. */
const SHARED_FOR_MS = 500;
/** Difference of the clocks of two nodes, with room to spare. */
const CLOCK_DIFFERENCE_MS = 60_000;

type EndedDeps = Pick<AuthDeps, "sql" | "sessions" | "config" | "now">;

/**
 * Tells which sessions have ended. The hot store knows at once; SQL is the truth, asked for all endings within the life of
 * an access token: a connection that began before them was closed when its token expired.
 */
export function createEndedAmong(deps: EndedDeps): (sessionIds: readonly string[]) => Promise<string[]> {
  let asked: { at: number; ended: Promise<ReadonlySet<string>> } | null = null;

  const recentlyEnded = (): Promise<ReadonlySet<string>> => {
    const at = deps.now();
    if (asked && at - asked.at < SHARED_FOR_MS) return asked.ended;
    const since = at - deps.config.accessTokenTtlS * 1_000 - CLOCK_DIFFERENCE_MS;
    const ended = findEndedSince(deps.sql, since).then((sessionIds) => new Set(sessionIds));
    asked = { at, ended };
    ended.catch(() => (asked = null));
    return ended;
  };

  return async (sessionIds) => {
    if (sessionIds.length === 0) return [];
    const [hot, recent] = await Promise.all([deps.sessions.endedAmong(sessionIds).catch(() => []), recentlyEnded()]);
    const known = new Set(hot);
    return sessionIds.filter((sessionId) => known.has(sessionId) || recent.has(sessionId));
  };
}
