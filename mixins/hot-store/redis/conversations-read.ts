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
  readonly lost: readonly string[];
}

/**
 * Pending messages accepted before `acceptedBefore`, oldest first. Three round trips: conversations, their messages, and what
 * these say.
 */
export async function readPending(
  client: RedisClient,
  run: string,
  acceptedBefore: number,
  limit: number,
): Promise<FoundPending> {
  const conversations = await withPending(client, acceptedBefore, limit);
  const lost: string[] = [];
  const entries: PendingEntry[] = [];
  const answers = await client.attempt(async (redis) => {
    const pipeline = redis.pipeline();
    for (const keys of conversations.map(conversationKeys))
      pipeline.hget(keys.counter, "run").zrange(keys.waiting, 0, limit - 1, "WITHSCORES");
    return answersOf(await pipeline.exec());
  });
  conversations.forEach((conversationId, i) => {
    const [its, waiting] = answers.slice(2 * i, 2 * i + 2) as [string | null, string[]];
    if (its === run) entries.push(...entriesOf(conversationId, waiting));
    else lost.push(conversationId);
  });
  const oldest = entries
    .filter(({ acceptedAt }) => acceptedAt <= acceptedBefore)
    .toSorted((a, b) => a.acceptedAt - b.acceptedAt || a.seq - b.seq)
    .slice(0, limit);
  return { records: await readRecords(client, oldest), lost };
}

/** Conversations with pending messages that may have been accepted before this time, those since the longest first. */
async function withPending(client: RedisClient, acceptedBefore: number, limit: number): Promise<string[]> {
  const buckets = await client.attempt(async (redis) => {
    const pipeline = redis.pipeline();
    for (const tag of bucketTags())
      pipeline.zrange(pendingKey(tag), "-inf", acceptedBefore, "BYSCORE", "LIMIT", 0, limit, "WITHSCORES");
    return answersOf(await pipeline.exec()) as string[][];
  });
  return buckets
    .flatMap(pairs)
    .toSorted(([, a], [, b]) => a - b)
    .slice(0, limit)
    .map(([conversationId]) => conversationId);
}

/** What a sorted set answers with its scores. */
function pairs(answer: readonly string[]): [member: string, score: number][] {
  return Array.from({ length: answer.length / 2 }, (_, i) => [answer[2 * i]!, Number(answer[2 * i + 1])]);
}

const entriesOf = (conversationId: string, waiting: readonly string[]): PendingEntry[] =>
  pairs(waiting).map(([entry, seq]) => ({ conversationId, seq, ...decodePending(entry) }));

async function readRecords(client: RedisClient, entries: readonly PendingEntry[]): Promise<MessageRecord[]> {
  const stored = await client.attempt(async (redis) => {
    const pipeline = redis.pipeline();
    for (const { conversationId, messageId } of entries) pipeline.get(messageKey(bucketTag(conversationId), messageId));
    return answersOf(await pipeline.exec()) as (string | null)[];
  });
  const records = stored.flatMap((text) => (text === null ? [] : [decodeMessage(text).record]));
  const seqs = new Map(entries.map(({ messageId, seq }) => [messageId, seq]));
  return records.filter(({ messageId, seq }) => seqs.get(messageId) === seq);
}

export async function readPendingStats(client: RedisClient): Promise<PendingStats> {
  const conversations = await withPending(client, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const answers = await client.attempt(async (redis) => {
    const pipeline = redis.pipeline();
    for (const { waiting } of conversations.map(conversationKeys)) pipeline.zcard(waiting).zrange(waiting, 0, 0);
    return answersOf(await pipeline.exec()) as (number | string[])[];
  });
  let count = 0;
  let oldestAt: number | null = null;
  for (const answer of answers) {
    if (typeof answer === "number") count += answer;
    else if (answer.length > 0) oldestAt = Math.min(oldestAt ?? Infinity, decodePending(answer[0]!).acceptedAt);
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
