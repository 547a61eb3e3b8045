import type { RedisClient } from "./client.ts";

/** Enough of an id of 40 hex digits to tell runs apart; it stands in every conversation. */
const ID_LENGTH = 12;

/**
 * Tells which run of which server a connection leads to. A server that started again may have lost its last second, a replica
 * that took over what had not reached it: a seq that it has not heard of may have been given already. So counters and members
 * are trusted only in the run in which they were written; in a new one they count as lost.
 *
 * What is sent right after this resolved goes to that run: a connection ends with its server, and nothing is sent again on
 * another one.
 * @throws UNAVAILABLE
 */
export function serverRuns(client: RedisClient): () => Promise<string> {
  const runs = new WeakMap<object, string>();
  return () =>
    client.attempt(async (redis) => {
      for (;;) {
        const { stream } = redis;
        const known = runs.get(stream);
        if (known !== undefined) return known;
        const run = runOf(await redis.info());
        runs.set(stream, run);
      }
    });
}

/** Changes when the server starts, and when it takes over as a master. */
function runOf(info: string): string {
  const field = (name: string): string => new RegExp(`^${name}:(\\w+)`, "m").exec(info)?.[1]?.slice(0, ID_LENGTH) ?? "unknown";
  return `${field("run_id")}${field("master_replid")}`;
}
