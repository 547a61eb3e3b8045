import { Fifo } from "../../lib/fifo.ts";
import { MAX_HOT_CONVERSATIONS } from "../../config/limits.ts";
import type { MessageRecord } from "../../contracts/records.ts";
import { keepPace, type Pace, type Paced } from "./pace.ts";
import type { AcceptOutcome, AcceptRequest, ConversationSnapshot, HotConversations, HotMember, KnownMessage } from "./port.ts";
import { recordOf } from "./record-of.ts";

/** One conversation. `unlogged` ascends by seq, since seqs are given in order. */
interface Entry extends Paced {
  headSeq: number;
  members: Map<string, HotMember> | null;
  allMuted: boolean;
  dissolved: boolean;
  readonly unlogged: Map<number, MessageRecord>;
  /** Client message ids accepted lately. SQL knows the older ones. */
  readonly known: Map<string, KnownMessage & { readonly acceptedAt: number }>;
  /** Their keys, oldest first. */
  readonly knownOrder: Fifo<string>;
  /** Not persisted yet. */
  pendingCount: number;
  usedAt: number;
}

interface Pending {
  readonly record: MessageRecord;
  loggedAt: number | null;
}

/**
 * A client message id is forgotten only when it is older than this: whoever asked SQL before the message was committed has
 * come to accept long before.
 */
const KNOWN_FOR_MS = 10_000;
const KNOWN_PER_CONVERSATION = 100;

export interface MemoryConversationsOptions {
  /** Conversations to keep; the least recently used without pending messages go first. */
  readonly max?: number;
  readonly now?: () => number;
}

/**
 * Conversations of the embedded profile. After a restart it is empty and SQL has everything that was acknowledged; what was
 * only pending is gone with its seq, so no hole is left.
 */
export function memoryConversations({
  max = MAX_HOT_CONVERSATIONS,
  now = Date.now,
}: MemoryConversationsOptions = {}): HotConversations {
  const entries = new Map<string, Entry>();
  const generations = new Map<string, number>();
  // No generation is ever given twice: those of evicted and forgotten conversations count as the one of that moment.
  let lastGeneration = 0;
  let evictedGeneration = 0;
  const pending = new Map<string, Pending>();

  const generationOf = (conversationId: string): number => generations.get(conversationId) ?? evictedGeneration;

  /** Those of conversations that are not loaded are forgotten together now and then, so that they stay bounded. */
  function moveOn(conversationId: string): void {
    generations.set(conversationId, ++lastGeneration);
    if (generations.size <= 2 * max) return;
    for (const known of generations.keys()) if (!entries.has(known)) generations.delete(known);
    evictedGeneration = ++lastGeneration;
  }

  function put(snapshot: ConversationSnapshot): void {
    const { conversationId, headSeq, allMuted, dissolved } = snapshot;
    const known = entries.get(conversationId);
    const current = { members: new Map(Object.entries(snapshot.members)), allMuted, dissolved, usedAt: now() };
    if (known) Object.assign(known, current);
    else {
      entries.set(conversationId, {
        ...current,
        headSeq,
        unlogged: new Map(),
        known: new Map(),
        knownOrder: new Fifo(),
        pendingCount: 0,
        paidUntil: 0,
      });
    }
    if (entries.size > max) evict();
  }

  /** Drops the least recently used tenth, so that it is rare. */
  function evict(): void {
    const idle = [...entries].filter(([, entry]) => entry.pendingCount === 0 && entry.unlogged.size === 0);
    idle.sort(([, a], [, b]) => a.usedAt - b.usedAt);
    for (const [conversationId] of idle.slice(0, Math.ceil(max / 10))) {
      entries.delete(conversationId);
      generations.delete(conversationId);
    }
    evictedGeneration = ++lastGeneration;
  }

  function decide(request: AcceptRequest, at: number, pace: Pace | null): AcceptOutcome {
    const entry = entries.get(request.conversationId);
    if (!entry?.members) return { kind: "cold" };
    const repeated = repeat(entry, request);
    if (repeated) return repeated;
    const reason = refusal(entry, request, at);
    if (reason) return { kind: "refused", reason };
    if (request.inSql === "unasked") return { kind: "unknown_key" };
    const retryAfterMs = pace && !request.bySystem ? keepPace(entry, pace, entry.members.size, at) : 0;
    if (retryAfterMs > 0) return { kind: "throttled", retryAfterMs };
    return { kind: "accepted", record: take(entry, request, at) };
  }

  function repeat(entry: Entry, request: AcceptRequest): AcceptOutcome | null {
    const first = entry.known.get(keyOf(request)) ?? (typeof request.inSql === "object" ? request.inSql : undefined);
    if (!first) return null;
    if (first.bodyHash !== request.bodyHash) return { kind: "conflict" };
    const { messageId, seq, createdAt } = first;
    const waiting = pending.get(messageId);
    return { kind: "duplicate", messageId, seq, createdAt, pending: waiting?.loggedAt === null ? waiting.record : null };
  }

  function take(entry: Entry, request: AcceptRequest, at: number): MessageRecord {
    const record = recordOf(request, ++entry.headSeq, at);
    const key = keyOf(request);
    entry.unlogged.set(record.seq, record);
    entry.known.set(key, {
      messageId: record.messageId,
      seq: record.seq,
      createdAt: at,
      bodyHash: record.bodyHash,
      acceptedAt: at,
    });
    entry.knownOrder.push(key);
    entry.pendingCount++;
    entry.usedAt = at;
    pending.set(record.messageId, { record, loggedAt: null });
    return record;
  }

  /** Forgets old client message ids, two for each new one, so that a burst is worked off. */
  function forget(entry: Entry, at: number): void {
    for (let i = 0; i < 2 && entry.known.size > KNOWN_PER_CONVERSATION; i++) {
      const key = entry.knownOrder.first()!;
      const oldest = entry.known.get(key);
      if (oldest && (at - oldest.acceptedAt < KNOWN_FOR_MS || pending.has(oldest.messageId))) return;
      entry.knownOrder.shift();
      entry.known.delete(key);
    }
  }

  /** A message that was accepted anew has the id of its dead letter and another seq. */
  function dropPending(record: MessageRecord): void {
    if (pending.get(record.messageId)?.record.seq !== record.seq) return;
    pending.delete(record.messageId);
    const entry = entries.get(record.conversationId);
    if (entry) entry.pendingCount--;
  }

  const stableOf = (entry: Entry): number => {
    for (const seq of entry.unlogged.keys()) return seq - 1;
    return entry.headSeq;
  };

  return {
    knowsKeys: false,
    gatherMs: 0,
    accept(requests, at, pace = null) {
      const held = new Map<string, AcceptOutcome>();
      const outcomes = requests.map((request) => {
        const outcome = held.get(request.conversationId) ?? decide(request, at, pace);
        if (outcome.kind === "cold" || outcome.kind === "unknown_key") held.set(request.conversationId, outcome);
        else if (outcome.kind === "accepted") forget(entries.get(request.conversationId)!, at);
        return outcome;
      });
      return Promise.resolve(outcomes);
    },
    generation: (conversationId) => Promise.resolve(generationOf(conversationId)),
    load(snapshot, generation) {
      if (generation !== generationOf(snapshot.conversationId)) return Promise.resolve(false);
      put(snapshot);
      return Promise.resolve(true);
    },
    setMembers(conversationId, members, switches, generation) {
      if (generation !== generationOf(conversationId)) return Promise.resolve(false);
      const entry = entries.get(conversationId);
      moveOn(conversationId);
      if (!entry?.members) return Promise.resolve(true);
      for (const [userId, member] of Object.entries(members)) {
        if (member) entry.members.set(userId, member);
        else entry.members.delete(userId);
      }
      entry.allMuted = switches.allMuted ?? entry.allMuted;
      entry.dissolved = switches.dissolved ?? entry.dissolved;
      return Promise.resolve(true);
    },
    invalidateMembers(conversationId) {
      moveOn(conversationId);
      const entry = entries.get(conversationId);
      if (entry) entry.members = null;
      return Promise.resolve();
    },
    member(conversationId, userId) {
      const entry = entries.get(conversationId);
      if (!entry?.members) return Promise.resolve("cold" as const);
      const member = entry.dissolved ? undefined : entry.members.get(userId);
      if (member?.role !== "member" || !entry.allMuted) return Promise.resolve(member ?? null);
      return Promise.resolve({ ...member, mutedUntil: Number.MAX_SAFE_INTEGER });
    },
    logged(records) {
      const stable = new Map<string, number>();
      for (const record of records) {
        const entry = entries.get(record.conversationId);
        entry?.unlogged.delete(record.seq);
        const waiting = pending.get(record.messageId);
        if (waiting) waiting.loggedAt = now();
        if (entry) stable.set(record.conversationId, 0);
      }
      for (const conversationId of stable.keys()) stable.set(conversationId, stableOf(entries.get(conversationId)!));
      return Promise.resolve(stable);
    },
    refused(records) {
      for (const record of records) {
        const entry = entries.get(record.conversationId);
        entry?.unlogged.delete(record.seq);
        if (entry?.known.get(keyOf(record))?.seq === record.seq) entry.known.delete(keyOf(record));
        dropPending(record);
      }
      return Promise.resolve();
    },
    persisted(records) {
      for (const record of records) {
        entries.get(record.conversationId)?.unlogged.delete(record.seq);
        dropPending(record);
      }
      return Promise.resolve();
    },
    pending(acceptedBefore, limit) {
      const found: MessageRecord[] = [];
      for (const { record } of pending.values()) {
        if (found.length >= limit || record.createdAt > acceptedBefore) break;
        found.push(record);
      }
      return Promise.resolve(found);
    },
    pendingStats() {
      for (const { record } of pending.values()) return Promise.resolve({ count: pending.size, oldestAt: record.createdAt });
      return Promise.resolve({ count: 0, oldestAt: null });
    },
    find(messageId) {
      const found = pending.get(messageId);
      return Promise.resolve(
        found ? { record: found.record, persistStatus: "PENDING" as const, loggedAt: found.loggedAt } : null,
      );
    },
    unpersisted(conversationId) {
      const entry = entries.get(conversationId);
      if (!entry || entry.pendingCount === entry.unlogged.size) return Promise.resolve([]);
      const stable = stableOf(entry);
      const records = [...pending.values()].map(({ record }) => record);
      const found = records.filter((record) => record.conversationId === conversationId && record.seq <= stable);
      return Promise.resolve(found.sort((a, b) => a.seq - b.seq));
    },
    stableSeqs(conversationIds) {
      const stable = new Map<string, number>();
      for (const conversationId of conversationIds) {
        const entry = entries.get(conversationId);
        if (entry) stable.set(conversationId, stableOf(entry));
      }
      return Promise.resolve(stable);
    },
  };
}

const keyOf = ({ senderId, clientMsgId }: { senderId: string; clientMsgId: string }): string => `${senderId} ${clientMsgId}`;

function refusal(entry: Entry, request: AcceptRequest, at: number): (AcceptOutcome & { kind: "refused" })["reason"] | null {
  if (request.bySystem) return null;
  const member = entry.dissolved ? undefined : entry.members?.get(request.senderId);
  if (!member) return "NOT_A_MEMBER";
  if (member.refusal) return member.refusal;
  const isMuted = (member.mutedUntil ?? 0) > at || (entry.allMuted && member.role === "member");
  return isMuted ? "MUTED" : null;
}
