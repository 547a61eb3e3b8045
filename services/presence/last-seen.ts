import { coalesce } from "../../lib/coalesce.ts";
import { chunksOf } from "../../lib/page.ts";
import { call, type Calls } from "../../lib/service.ts";
import { createThrottle } from "../../lib/throttle.ts";

interface Seen {
  readonly sessionId: string;
  readonly at: number;
}

/** Tells auth when sessions were last connected, so that it outlives the hot store. Never rejects: a lost time is an older one. */
export interface SeenTeller {
  /** These sessions are connected; each is told of at most once in the teller's time. */
  alive(sessionIds: readonly string[], at: number): Promise<void>;
  /** The user of this session has just left. */
  left(sessionId: string, at: number): Promise<void>;
}

const MAX_SESSIONS_IN_CALL = 20_000;

/** @param onLost hears why a time was not told */
export function createSeenTeller(calls: Calls, everyMs: number, onLost: (error: unknown) => void): SeenTeller {
  const isDue = createThrottle(everyMs);
  const tell = coalesce<Seen>(async (seen) => {
    try {
      for (const items of chunksOf(seen, MAX_SESSIONS_IN_CALL)) await call(calls, "auth.seen", { items });
    } catch (error) {
      onLost(error);
    }
  });

  return {
    async alive(sessionIds, at) {
      const due = sessionIds.filter((sessionId) => isDue(sessionId, at));
      if (due.length > 0) await tell(due.map((sessionId) => ({ sessionId, at })));
    },
    left: (sessionId, at) => tell([{ sessionId, at }]),
  };
}

/** What is stored of these users; nothing while auth does not answer. */
export async function storedLastSeen(calls: Calls, userIds: readonly string[]): Promise<Record<string, number>> {
  if (userIds.length === 0) return {};
  try {
    return await call(calls, "auth.lastSeenOf", { userIds: [...userIds] });
  } catch {
    return {};
  }
}
