import type { MessageRecord } from "../../contracts/records.ts";
import type { Role } from "../../contracts/entities.ts";
import type { Pace } from "./pace.ts";

/**
 * The hot store port (embedded: in process; cluster: Redis through Lua). Everything in it can be lost and is then loaded
 * again from SQL; what must not be lost is said at each facet. Each method is one round trip; none leaves a caller waiting
 * longer than 2 s (`load`: 4 s): then it rejects with a retryable error.
 */
export interface HotStore {
  readonly conversations: HotConversations;
  readonly sessions: HotSessions;
  readonly presence: HotPresence;
  readonly limits: HotLimits;
  readonly leases: HotLeases;
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** What accepting needs to know of one member of a conversation. */
export interface HotMember {
  /** Direct conversations: "member". */
  readonly role: Role;
  /** Epoch ms until which the member may not send; null: not muted. */
  readonly mutedUntil: number | null;
  /** Why a message of this member is refused for now (direct: not friends, blocked); null: it is not. */
  readonly refusal: "CANNOT_MESSAGE" | "BLOCKED_BY_YOU" | null;
}

export interface ConversationSnapshot {
  readonly conversationId: string;
  /** The highest seq in SQL; ignored when the hot store already has a counter. */
  readonly headSeq: number;
  readonly allMuted: boolean;
  readonly dissolved: boolean;
  readonly members: Readonly<Record<string, HotMember>>;
}

export type AcceptRequest = Omit<MessageRecord, "seq" | "createdAt"> & {
  /** System messages pass the checks of membership and mute. */
  readonly bySystem: boolean;
  /**
   * What SQL says of this client message id: "unasked" makes the store answer `unknown_key` when only SQL can tell,
   * "absent" says it was asked and has none, a found message says so.
   */
  readonly inSql: "unasked" | "absent" | KnownMessage;
};

/** What a repeated client message id is answered from. */
export interface KnownMessage {
  readonly messageId: string;
  readonly seq: number;
  readonly createdAt: number;
  readonly bodyHash: string;
}

export type AcceptOutcome =
  /** Taken: `record` is pending in the store and must go to the log. */
  | { readonly kind: "accepted"; readonly record: MessageRecord }
  /** The same message was accepted before; `pending` says that it is not known to be in the log yet. */
  | {
      readonly kind: "duplicate";
      readonly messageId: string;
      readonly seq: number;
      readonly createdAt: number;
      readonly pending: MessageRecord | null;
    }
  | { readonly kind: "conflict" }
  | { readonly kind: "refused"; readonly reason: "NOT_A_MEMBER" | "MUTED" | "CANNOT_MESSAGE" | "BLOCKED_BY_YOU" }
  /** More than the pace came into the conversation; no seq was taken. */
  | { readonly kind: "throttled"; readonly retryAfterMs: number }
  /** The conversation is not loaded: `load` it and ask again. */
  | { readonly kind: "cold" }
  /** Only SQL knows whether this client message id was used: look it up and ask again with `inSql`. */
  | { readonly kind: "unknown_key" };

export interface PendingStats {
  readonly count: number;
  /** Acceptance time of the oldest pending message; null when there is none. */
  readonly oldestAt: number | null;
}

/**
 * Conversations on the accept path. In the cluster pending entries and counters must survive a crash of Redis as far as its
 * own persistence goes; what a wipe loses is repaired as design §3 says.
 */
export interface HotConversations {
  /**
   * true: the store tells by itself of most client message ids whether they were used, so SQL is asked only when it answers
   * `unknown_key`. false: ask SQL before every `accept`.
   */
  readonly knowsKeys: boolean;
  /** Messages that come within this time (ms) are worth waiting for, to go with one `accept`. 0: a call costs no round trip. */
  readonly gatherMs: number;
  /**
   * Decides everything about each request in its order, atomically for each: known client message id, membership, mutes; takes
   * the next seq; writes the message with `persist_status=PENDING` and the pending index. Once a conversation answered `cold`
   * or `unknown_key`, its later requests of the same call get that answer too, so that order is kept.
   * @param pace of each conversation, on all nodes together; what repeats a message or is refused anyway does not count, nor do
   * system messages. Without it there is no bound.
   */
  accept(requests: readonly AcceptRequest[], now: number, pace?: Pace | null): Promise<AcceptOutcome[]>;
  /**
   * The generation of a conversation's members. Read it before the members are read from SQL, hand it to `load` or
   * `setMembers`; they answer false when someone changed the members meanwhile, and the caller reads again.
   */
  generation(conversationId: string): Promise<number>;
  /**
   * Where the counter of a conversation was lost, this waits until seqs can be given again, up to 4 s.
   * @throws SEND_FAILED (retryable) when that takes longer; the work goes on meanwhile
   */
  load(snapshot: ConversationSnapshot, generation: number): Promise<boolean>;
  /** Replaces the named members (null removes) and, when given, the switches; nothing happens to a conversation that is not loaded. */
  setMembers(
    conversationId: string,
    members: Readonly<Record<string, HotMember | null>>,
    switches: { allMuted?: boolean; dissolved?: boolean },
    generation: number,
  ): Promise<boolean>;
  /** Moves the generation on and forgets the members, so that the next accept loads them again. */
  invalidateMembers(conversationId: string): Promise<void>;
  /** null: no member. `mutedUntil` counts the mute of all too. */
  member(conversationId: string, userId: string): Promise<HotMember | null | "cold">;
  /**
   * These records are in the log: returns each conversation's stable seq (all at or below is in the log or void). A conversation
   * that is missing in the answer has lost its counter since, or began anew: nothing of it may be acknowledged or pushed, and who
   * sends it again gets the right answer.
   */
  logged(records: readonly MessageRecord[]): Promise<ReadonlyMap<string, number>>;
  /**
   * The log refused these records for good and nobody was told otherwise: they are no longer pending, their client message ids
   * are free again and their seqs void.
   */
  refused(records: readonly MessageRecord[]): Promise<void>;
  /** PENDING becomes PERSISTED. What is persisted counts as logged: an append whose outcome nobody learned may have arrived after all. */
  persisted(records: readonly MessageRecord[]): Promise<void>;
  /** Pending messages accepted before `acceptedBefore`, oldest first. */
  pending(acceptedBefore: number, limit: number): Promise<MessageRecord[]>;
  pendingStats(): Promise<PendingStats>;
  /** Where a message stands, if the store still knows it. Who knows its conversation spares the store a search. */
  find(
    messageId: string,
    conversationId?: string,
  ): Promise<{ record: MessageRecord; persistStatus: "PENDING" | "PERSISTED"; loggedAt: number | null } | null>;
  /**
   * Messages up to the stable seq that are not known to be persisted, by seq. Ask before SQL: what is persisted meanwhile is
   * found there. A conversation that is not loaded has none.
   */
  unpersisted(conversationId: string): Promise<MessageRecord[]>;
  /** Highest stable seq of each conversation that is loaded; the others are missing from the answer. */
  stableSeqs(conversationIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

/** A live session, for the check on each request. SQL is the truth; a session that is not here is loaded from there. */
export interface HotSession {
  readonly sessionId: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly expiresAt: number;
}
export interface HotSessions {
  put(session: HotSession): Promise<void>;
  /** "ended" is remembered for at least as long as an access token can live. */
  get(sessionId: string): Promise<HotSession | "ended" | null>;
  end(sessionIds: readonly string[]): Promise<void>;
  /** Those of the given sessions that have ended. */
  endedAmong(sessionIds: readonly string[]): Promise<string[]>;
}

export interface HotConnection {
  readonly connectionId: string;
  readonly userId: string;
  readonly sessionId: string;
  readonly deviceId: string;
  readonly deviceType: "web" | "ios" | "android" | "desktop" | "bot";
  readonly gatewayNodeId: string;
}
export interface PresenceState {
  readonly online: boolean;
  /** Watchers were told that the user is online, and of no departure since. */
  readonly isShown: boolean;
  /** Last time a connection of the user was known to live; null: never since the store was filled. */
  readonly lastSeenAt: number | null;
  readonly connections: readonly (HotConnection & { readonly heartbeatAt: number })[];
}
/**
 * Connections; one that sent no heartbeat for `PRESENCE_TTL_MS` counts as gone. Beside them stands whether those who watch a user
 * were told that the user is online: of all nodes one takes each arrival and each departure, and tells.
 */
export interface HotPresence {
  /**
   * `accepted: false` when the user has `max` live connections already, or this one was disconnected before. `first`: the user
   * was offline.
   */
  connect(connection: HotConnection, max: number, now: number): Promise<{ accepted: boolean; first: boolean }>;
  /** `last`: the user is offline now. */
  disconnect(userId: string, connectionId: string, now: number): Promise<{ last: boolean }>;
  /** @returns those that the store does not have, or no more, and that were not disconnected: connect them again */
  heartbeat<C extends ConnectionRef>(gatewayNodeId: string, connections: readonly C[], now: number): Promise<C[]>;
  of(userIds: readonly string[], now: number): Promise<ReadonlyMap<string, PresenceState>>;
  /** True for one caller while the user is online and watchers do not know: it tells them. */
  takeArrival(userId: string, now: number): Promise<boolean>;
  /** True for one caller while the user is offline and watchers do not know: it tells them. */
  takeDeparture(userId: string, now: number): Promise<boolean>;
  /** Users who went offline at `upTo` or before, by a word or without one, and whose departure nobody took. */
  departed(upTo: number, limit: number): Promise<string[]>;
}
export type ConnectionRef = Pick<HotConnection, "userId" | "connectionId">;

export interface HotLimits {
  /**
   * Counts `points` against `key` in a window. @returns milliseconds until the key may try again, 0 when it is within `limit`.
   */
  consume(key: string, limit: number, windowMs: number, points?: number): Promise<number>;
  /** Milliseconds until the key may try again, without counting; 0 when it may now. */
  blockedFor(key: string, limit: number, windowMs: number): Promise<number>;
  reset(key: string, windowMs: number): Promise<void>;
  /** Whether `value` is another than the last one that was news for the key, or that one is `windowMs` old. */
  isNews(key: string, value: string, windowMs: number): Promise<boolean>;
}

/** A lease that only one holder has at a time (K6). `token` grows with every new holder: writers compare it. */
export interface Lease {
  readonly name: string;
  readonly token: number;
}
export interface HotLeases {
  /** null when someone else holds it. */
  acquire(name: string, holder: string, ttlMs: number): Promise<Lease | null>;
  /** false when it was lost. */
  renew(lease: Lease, holder: string, ttlMs: number): Promise<boolean>;
  release(lease: Lease, holder: string): Promise<void>;
}
