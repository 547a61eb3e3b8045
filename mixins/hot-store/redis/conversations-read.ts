import { bucketTag, bucketTags, conversationKeys, messageKey, pendingKey } from "../../../config/redis-keys.ts";
import type { MessageRecord } from "../../../contracts/records.ts";
import type { HotConversations, PendingStats } from "../port.ts";
import type { RedisClient } from "./client.ts";
import { decodeMessage, decodePending } from "./conversations-codec.ts";
import { answersOf } from "./redis-errors.ts";

interface PendingEntry {
  readonly conversationId: string;
  readonly seq: number;
  readonly messageId: string;
  readonly acceptedAt: number;
}

/** What is pending over all buckets, which belongs to conversations whose counter may be lost. */
export interface FoundPending {
  readonly records: MessageRecord[];
  /** Their messages were never acknowledged or are in SQL; they go when a new epoch begins. */
  readonly lost: ReadonlySet<string>;
}

/** Pending messages accepted before `acceptedBefore`, oldest first. Two round trips: which, and then what they say. */
export async function readPending(
  client: RedisClient,
  run: string,
  acceptedBefore: number,
  limit: number,
): Promise<FoundPending> {
  const oldest = await oldestPending(client, acceptedBefore, limit);
  const conversations = [...new Set(oldest.map(({ conversationId }) => conversationId))];
  const answers = await client.attempt(async (redis) => {
    const pipeline = redis.pipeline();
    for (const id of conversations) pipeline.hget(conversationKeys(id).counter, "run");
    for (const { conversationId, messageId } of oldest) pipeline.get(messageKey(bucketTag(conversationId), messageId));
    return answersOf(await pipeline.exec()) as (string | null)[];
  });
  const lost = new Set(conversations.filter((_, i) => answers[i] !== run));
  const records: MessageRecord[] = [];
  oldest.forEach(({ conversationId, seq }, i) => {
    const stored = answers[conversations.length + i];
    if (stored == null || lost.has(conversationId)) return;
    const { record } = decodeMessage(stored);
    if (record.seq === seq) records.push(record);
  });
  return { records, lost };
}

async function oldestPending(client: RedisClient, acceptedBefore: number, limit: number): Promise<PendingEntry[]> {
  const buckets = await client.attempt(async (redis) => {
    const pipeline = redis.pipeline();
    for (const tag of bucketTags())
      pipeline.zrange(pendingKey(tag), "-inf", acceptedBefore, "BYSCORE", "LIMIT", 0, limit, "WITHSCORES");
    return answersOf(await pipeline.exec()) as string[][];
  });
  const entries: PendingEntry[] = [];
  for (const bucket of buckets)
    for (let at = 0; at < bucket.length; at += 2)
      entries.push({ ...decodePending(bucket[at]!), acceptedAt: Number(bucket[at + 1]) });
  return entries.toSorted((a, b) => a.acceptedAt - b.acceptedAt || a.seq - b.seq).slice(0, limit);
}

export async function readPendingStats(client: RedisClient): Promise<PendingStats> {
  const answers = await client.attempt(async (redis) => {
    const pipeline = redis.pipeline();
    for (const tag of bucketTags()) pipeline.zcard(pendingKey(tag)).zrange(pendingKey(tag), 0, 0, "WITHSCORES");
    return answersOf(await pipeline.exec()) as (number | string[])[];
  });
  let count = 0;
  let oldestAt: number | null = null;
  for (const answer of answers) {
    if (typeof answer === "number") count += answer;
    else if (answer.length > 0) oldestAt = Math.min(oldestAt ?? Infinity, Number(answer[1]));
  }
  return { count, oldestAt };
}

/** Looks in all buckets where the conversation is not known, since an id does not say in which it is. */
export async function findMessage(
  client: RedisClient,
  messageId: string,
  conversationId?: string,
): ReturnType<HotConversations["find"]> {
  const tags = conversationId === undefined ? bucketTags() : [bucketTag(conversationId)];
  const answers = await client.attempt(async (redis) => {
    const pipeline = redis.pipeline();
    for (const tag of tags) pipeline.get(messageKey(tag, messageId)).pttl(messageKey(tag, messageId));
    return answersOf(await pipeline.exec()) as (string | number | null)[];
  });
  const at = answers.findIndex((answer) => typeof answer === "string");
  if (at === -1) return null;
  const { record, loggedAt } = decodeMessage(answers[at] as string);
  return { record, loggedAt, persistStatus: (answers[at + 1] as number) < 0 ? "PENDING" : "PERSISTED" };
}

/** Stable seqs of those of the conversations whose counter is not lost. */
export async function readStableSeqs(
  client: RedisClient,
  run: string,
  conversationIds: readonly string[],
): Promise<Map<string, number>> {
  if (conversationIds.length === 0) return new Map();
  const answers = await client.attempt(async (redis) => {
    const pipeline = redis.pipeline();
    for (const id of conversationIds) pipeline.hmget(conversationKeys(id).counter, "run", "stable");
    return answersOf(await pipeline.exec()) as [string | null, string | null][];
  });
  const stable = new Map<string, number>();
  answers.forEach(([its, seq], i) => {
    if (its === run) stable.set(conversationIds[i]!, Number(seq));
  });
  return stable;
}
