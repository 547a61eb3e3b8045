import type { Redis } from "ioredis";
import type { RedisClient } from "./client.ts";

/** Enough of an id of 40 hex digits to tell runs apart; it stands in every conversation. */
const ID_LENGTH = 12;

/** Which run of which server the connection leads to. */
export interface ServerRuns {
  /**
   * What is sent right after this resolved goes to that run: a connection ends with its server, and nothing is sent again on
   * another one. @throws UNAVAILABLE
   */
  current(): Promise<string>;
  /** Asks the server again: a master without replicas may call itself a new run. @throws UNAVAILABLE */
  refresh(): Promise<string>;
}

/**
 * A server that started again may have lost its last second, a replica that took over what had not reached it: a seq that it has
 * not heard of may have been given already. So counters and members are trusted only in the run in which they were written; in a
 * new one they count as lost.
 */
export function serverRuns(client: RedisClient): ServerRuns {
  const runs = new WeakMap<object, string>();

  const read = async (redis: Redis): Promise<string> => {
    for (;;) {
      const { stream } = redis;
      const info = await redis.info();
      if (stream !== redis.stream) continue;
      // One that only follows may become a master, another run, while this connection lasts.
      if (isMaster(info)) runs.set(stream, runOf(info));
      else runs.delete(stream);
      return runOf(info);
    }
  };

  return {
    current: () => client.attempt(async (redis) => runs.get(redis.stream) ?? read(redis)),
    refresh: () => client.attempt(read),
  };
}

const isMaster = (info: string): boolean => /^role:master\b/m.test(info);

/** Changes when the server starts, and when it takes over as a master. */
function runOf(info: string): string {
  const field = (name: string): string => new RegExp(`^${name}:(\\w+)`, "m").exec(info)?.[1]?.slice(0, ID_LENGTH) ?? "unknown";
  return `${field("run_id")}${field("master_replid")}`;
}
