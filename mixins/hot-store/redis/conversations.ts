import { randomInt } from "node:crypto";
import { conversationKeys, messageKey, pendingKey } from "../../../config/redis-keys.ts";
import type { MessageRecord } from "../../../contracts/records.ts";
import type { HotConversations } from "../port.ts";
import type { SentKeysReader } from "../sent-keys.ts";
import type { SeqBlocks } from "../seq-blocks.ts";
import { luaScript, type RedisArgument, type RedisClient, type ScriptCall } from "./client.ts";
import { accept } from "./conversations-accept.ts";
import { CaughtUp } from "./conversations-caught-up.ts";
import { decodeMember, decodeMessage, decodeSwitches, encodeMember, encodeSwitches } from "./conversations-codec.ts";
import { SeqCounters } from "./conversations-counters.ts";
import { KnownKeys } from "./conversations-known.ts";
import { bringMembers } from "./conversations-loading.ts";
import { findMessage, readPending, readPendingStats, readStableSeqs } from "./conversations-read.ts";
import { serverRuns } from "./conversations-run.ts";

const SETTLE = luaScript("conversation-settle");
const LOAD = luaScript("conversation-load");
const TAIL = luaScript("conversation-tail");
const CHANGE = luaScript("conversation-members");

/** Members are read from SQL again after this time, half of it at random, so that those of a busy hour do not go together. */
const MEMBERS_FOR_MS = 6 * 3_600_000;
/** Far longer than anyone reads members. */
const GENERATION_FOR_MS = 24 * 3_600_000;
/** A persisted message is kept, to be found by its id. */
const MESSAGE_FOR_MS = 60_000;
/** Since when a conversation has pending messages is looked at again after this time. */
const PENDING_LOOK_MS = 2_000;
/** At 2,000 messages/s it saves a fifth of all processor time; twice as much saves nothing more (docs/performance.md). */
const GATHER_MS = 3;
const [CHANGED, COUNTED] = [0, 2];
const LOST = -1;

export interface RedisConversationsDeps {
  readonly client: RedisClient;
  readonly blocks: SeqBlocks;
  readonly sentKeys: SentKeysReader;
  /** As in `CountersDeps`. */
  drained(timeoutMs: number): Promise<boolean>;
  readonly extendWaitMs?: number | undefined;
}

/** Conversations of the cluster. `close` before the client: what runs beside the calls ends. */
export interface RedisConversations extends HotConversations {
  close(): Promise<void>;
}

/**
 * Conversations in Redis. What decides about a message is a script on the keys of its conversation, so that nodes never see half of
 * it. Redis is trusted with a counter only in the run of the server in which it was written, and only with seqs that SQL knows to
 * be reserved (ADR 0013).
 */
export function redisConversations(deps: RedisConversationsDeps): RedisConversations {
  const { client, blocks, extendWaitMs } = deps;
  const runs = serverRuns(client);
  const counters = new SeqCounters({ client, runs, blocks, extendWaitMs, drained: (timeoutMs) => deps.drained(timeoutMs) });
  const caughtUp = new CaughtUp({ client, drained: (timeoutMs) => deps.drained(timeoutMs) });
  const known = new KnownKeys(client, deps.sentKeys);

  const settle = async (what: "logged" | "persisted" | "refused", records: readonly MessageRecord[]) => {
    const byConversation = [...Map.groupBy(records, ({ conversationId }) => conversationId)];
    const [now, run] = [Date.now(), await runs.current()];
    const replies = await client.runAll(byConversation.map(([id, of]) => settleCall(what, run, now, id, of)));
    return new Map(byConversation.map(([id], i) => [id, replies[i] as number]));
  };

  /** Of conversations whose counter is lost, or that never had one; never less than a lost one had announced. */
  const seqsInSql = async (run: string, conversationIds: readonly string[]) => {
    const isNoted = await caughtUp.isNoted(run); // before the reading, or what it found may be of a moment before the note
    const found = await blocks.inSql(conversationIds);
    if (found.size === 0 || isNoted) return found;
    await caughtUp.wait(run);
    return blocks.inSql(conversationIds);
  };

  return {
    knowsKeys: true,
    gatherMs: GATHER_MS,
    accept: (requests, now, pace = null) => accept({ client, runs, counters, known }, requests, now, pace),
    async generation(conversationId) {
      const key = conversationKeys(conversationId).generation;
      const found = await client.attempt(async (redis) => {
        await redis.set(key, newGeneration(), "PX", GENERATION_FOR_MS, "NX");
        return redis.get(key);
      });
      return Number(found);
    },
    async load({ conversationId, headSeq, members, ...switches }, generation) {
      const keys = conversationKeys(conversationId);
      const loading = await bringMembers(client, keys, members);
      const keptMs = Math.round(MEMBERS_FOR_MS * (1 - Math.random() / 2));
      const loaded = await client.run(
        LOAD,
        [keys.members, keys.generation, keys.counter, loading.key],
        [await runs.current(), generation, encodeSwitches(switches), keptMs, loading.count, ...loading.rest],
      );
      if (loaded !== CHANGED && loaded !== COUNTED) await counters.ensure(conversationId, headSeq);
      return loaded !== CHANGED;
    },
    async setMembers(conversationId, members, { allMuted, dissolved }, generation) {
      const keys = conversationKeys(conversationId);
      const states = Object.entries(members).flatMap(([userId, member]) => [userId, member ? encodeMember(member) : "-"]);
      const [muted, ended] = [allMuted, dissolved].map((on) => (on === undefined ? "-" : Number(on))) as [string, string];
      const changed = await client.run(
        CHANGE,
        [keys.members, keys.generation],
        [await runs.current(), generation, newGeneration(), GENERATION_FOR_MS, muted, ended, ...states],
      );
      return changed === 1;
    },
    async invalidateMembers(conversationId) {
      const keys = conversationKeys(conversationId);
      await client.attempt(async (redis) => {
        await redis.multi().set(keys.generation, newGeneration(), "PX", GENERATION_FOR_MS).del(keys.members).exec();
      });
    },
    async member(conversationId, userId) {
      const run = await runs.current();
      const key = conversationKeys(conversationId).members;
      const [text, state] = await client.attempt((redis) => redis.hmget(key, ".", userId));
      const switches = text ? decodeSwitches(text, run) : null;
      if (!switches) return "cold";
      if (switches.dissolved || !state) return null;
      const member = decodeMember(state);
      return switches.allMuted && member.role === "member" ? { ...member, mutedUntil: Number.MAX_SAFE_INTEGER } : member;
    },
    async logged(records) {
      const stable = await settle("logged", records);
      for (const [id, seq] of stable) if (seq === LOST) stable.delete(id);
      return stable;
    },
    async refused(records) {
      await settle("refused", records);
    },
    async persisted(records) {
      await settle("persisted", records);
    },
    async pending(acceptedBefore, limit) {
      const { records, lost } = await readPending(client, await runs.current(), acceptedBefore, limit);
      for (const id of lost) counters.mend(id);
      return records;
    },
    pendingStats: () => readPendingStats(client),
    find: (messageId, conversationId) => findMessage(client, messageId, conversationId),
    async unpersisted(conversationId) {
      const { tag, counter, waiting } = conversationKeys(conversationId);
      const found = await client.run(TAIL, [counter, waiting, messageKey(tag, "")], [await runs.current()]);
      return (found as string[]).map((stored) => decodeMessage(stored).record);
    },
    async stableSeqs(conversationIds) {
      const run = await runs.current();
      const stable = await readStableSeqs(client, run, conversationIds);
      const others = conversationIds.filter((id) => !stable.has(id));
      if (others.length === 0) return stable;
      for (const [id, inSql] of await seqsInSql(run, others)) {
        stable.set(id, inSql.stable);
        if (inSql.hasHole) counters.mend(id);
      }
      return stable;
    },
    async close() {
      await Promise.all([counters.close(), known.close()]);
    },
  };
}

/** Never given twice, also when Redis lost the last one. */
const newGeneration = (): number => randomInt(1, 2 ** 47);

function settleCall(
  what: "logged" | "persisted" | "refused",
  run: string,
  now: number,
  conversationId: string,
  records: readonly MessageRecord[],
): ScriptCall {
  const keys = conversationKeys(conversationId);
  const names = [keys.counter, keys.ahead, pendingKey(keys.tag), keys.waiting];
  const args: RedisArgument[] = [what, run, now, conversationId, MESSAGE_FOR_MS, PENDING_LOOK_MS];
  for (const { seq, createdAt, messageId, clientMsgId, senderId } of records.toSorted((a, b) => a.seq - b.seq)) {
    names.push(messageKey(keys.tag, messageId));
    args.push(seq, createdAt, messageId);
    if (what !== "refused") continue;
    names.push(keys.known(senderId));
    args.push(clientMsgId);
  }
  return { script: SETTLE, keys: names, args };
}
