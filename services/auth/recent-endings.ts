import type { AuthDeps } from "./deps.ts";
import { findEndedSince } from "./repository.ts";

/** Whoever asks within this time shares one query. */
const SHARED_FOR_MS = 500;
/** Difference of the clocks of two nodes, with room to spare. */
const CLOCK_DIFFERENCE_MS = 60_000;

/**
 * The sessions that ended within the life of an access token, by SQL: no older ending matters, since the tokens of its session
 * have expired. It holds when the hot store has lost an ending, or never heard of it.
 */
export interface RecentEndings {
  /** As of half a second ago at most. Rejects when SQL does. */
  read(): Promise<ReadonlySet<string>>;
  /** Whether the session was among them when they were last read. */
  has(sessionId: string): boolean;
}

export function createRecentEndings(deps: Pick<AuthDeps, "sql" | "config" | "now">): RecentEndings {
  let asked: { at: number; ended: Promise<ReadonlySet<string>> } | null = null;
  let last: ReadonlySet<string> = new Set();

  const find = async (at: number): Promise<ReadonlySet<string>> => {
    const since = at - deps.config.accessTokenTtlS * 1_000 - CLOCK_DIFFERENCE_MS;
    last = new Set(await findEndedSince(deps.sql, since));
    return last;
  };

  return {
    read() {
      const at = deps.now();
      if (asked && at - asked.at < SHARED_FOR_MS) return asked.ended;
      const ended = find(at);
      asked = { at, ended };
      ended.catch(() => (asked = null));
      return ended;
    },
    has: (sessionId) => last.has(sessionId),
  };
}
