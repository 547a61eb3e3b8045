import { randomUUID } from "node:crypto";
import type { ConversationKeys } from "../../../config/redis-keys.ts";
import { chunksOf } from "../../../lib/page.ts";
import type { HotMember } from "../port.ts";
import type { RedisClient } from "./client.ts";
import { encodeMember } from "./conversations-codec.ts";
import { answersOf } from "./redis-errors.ts";

/** Members that one command brings: about 25 kB, 0.3 ms of Redis. */
const PORTION = 500;
/** What nobody came to use is gone then. */
const LOADING_FOR_MS = 60_000;

/** Members on their way: how many lie under `key`, and user and state of the others. */
export interface Loading {
  readonly key: string;
  readonly count: number;
  readonly rest: readonly string[];
}

/**
 * Brings the members of a large conversation to Redis in portions, under a key of their own, so that what others ask for goes in
 * between; the script that loads them then only renames it. Those of a small one travel with the script.
 */
export async function bringMembers(
  client: RedisClient,
  keys: ConversationKeys,
  members: Readonly<Record<string, HotMember>>,
): Promise<Loading> {
  const key = keys.loading(randomUUID());
  const portions = chunksOf(Object.entries(members), PORTION);
  const states = portions.map((portion) => portion.flatMap(([userId, member]) => [userId, encodeMember(member)]));
  if (states.length <= 1) return { key, count: 0, rest: states[0] ?? [] };
  await client.attempt(async (redis) => {
    const pipeline = redis.pipeline();
    for (const portion of states) pipeline.hset(key, ...portion);
    return answersOf(await pipeline.pexpire(key, LOADING_FOR_MS).exec());
  });
  return { key, count: Object.keys(members).length, rest: [] };
}
