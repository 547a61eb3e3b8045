/**
 * Every key in Redis. A key carries the bucket tag of what it belongs to, `{b00}` to `{b63}`: keys of one bucket lie in one hash
 * slot, so that a script may touch several of them, and calls for many go out in at most 64.
 */

export const BUCKETS = 64;

const TAGS: readonly string[] = Array.from({ length: BUCKETS }, (_, bucket) => `{b${String(bucket).padStart(2, "0")}}`);

/** The tags of all buckets. */
export const bucketTags = (): readonly string[] => TAGS;

/** The tag of what has this id: FNV-1a over its UTF-16 units. */
export function bucketTag(id: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return TAGS[(hash >>> 0) % BUCKETS]!;
}

/**
 * String: the session as JSON, or `ended`. A live one is kept for an hour at most, then SQL is asked again; that it ended is kept
 * for longer than an access token can live. Bucket of the session.
 */
export const sessionKey = (sessionId: string): string => `im:session:${bucketTag(sessionId)}:${sessionId}`;

/**
 * Hash of a user's connections: `c:<connectionId>` (JSON), `h:<connectionId>` (last heartbeat, ms), `x:<connectionId>` (when it
 * closed), `seen` (when the last connection was known to live), `shown` (watchers were told that the user is online). Gone a
 * week after the last change. Bucket of the user.
 */
export const presenceKey = (userId: string): string => `im:presence:${bucketTag(userId)}:${userId}`;

/**
 * Sorted set of the users of a bucket whose leaving is to be told: by the time (ms) at which each went offline, or will when no
 * more heartbeat comes. No lifetime: who has left is taken out.
 */
export const presenceDueKey = (tag: string): string => `im:presence-due:${tag}`;

/** String: points counted in the window that runs. Gone when it is over. Bucket of the limit's key. */
export const limitKey = (key: string, windowMs: number): string => `im:limit:${bucketTag(key)}:${windowMs}:${key}`;
/** String: what was said last of something. Gone when its time is over. Bucket of the key. */
export const saidKey = (key: string, windowMs: number): string => `im:said:${bucketTag(key)}:${windowMs}:${key}`;

/** Hash: `holder`, `token` (grows with each holder), `expiresAt` (ms). No lifetime, for the token's sake. Bucket of the lease. */
export const leaseKey = (name: string): string => `im:lease:${bucketTag(name)}:${name}`;

/**
 * Sorted set of the conversations of a bucket that have pending messages, by the time (ms) before which none of these was accepted.
 * No lifetime.
 */
export const pendingKey = (tag: string): string => `im:pending:${tag}`;

/**
 * String: the time at which it was logged (13 digits, zeros before), seq, time of acceptance, fingerprint of its body and the other
 * fields as JSON, with spaces between. No lifetime while it is pending, a minute after it is persisted. Bucket of its conversation.
 */
export const messageKey = (tag: string, messageId: string): string => `im:msg:${tag}:${messageId}`;

/** The keys of one conversation, all of its bucket. */
export interface ConversationKeys {
  readonly tag: string;
  /**
   * Hash, the counter: `run` (of the server, since when it is trusted), `epoch`, `base` (the seq behind which the epoch began),
   * `seq` (the last one given), `stable`, `top` (the last one reserved in SQL), `low` (from there on more are reserved). No
   * lifetime: it is never dropped.
   */
  readonly counter: string;
  /** Sorted set of seqs that are in the log although a lower one is not. No lifetime; empty in the ordinary case. */
  readonly ahead: string;
  /** Sorted set of the messages that are pending: `<time of acceptance> <messageId>` by seq. No lifetime. */
  readonly waiting: string;
  /** String: who is at work on a new epoch. Ten seconds. */
  readonly claim: string;
  /** Hash: `.` (all muted, dissolved, run of the server), `<userId>` (state). Some hours, then SQL is asked again. */
  readonly members: string;
  /** Hash of the members of a large conversation, while they are brought here in portions. A minute. */
  loading(token: string): string;
  /** String: generation of the members. A day: far longer than anyone reads members. */
  readonly generation: string;
  /**
   * Hash of a sender's client message ids: `<id>` (seq, createdAt, messageId, fingerprint), ` epoch`, ` born` (the first seq
   * here), ` from` (all from this seq on are here; missing while SQL was not asked), ` until` (no older one is a UUIDv7 of after
   * this time). An hour or two after the last one; an id whose message is pending longer is found by that.
   */
  known(senderId: string): string;
}

export function conversationKeys(conversationId: string): ConversationKeys {
  const tag = bucketTag(conversationId);
  const counter = `im:conv:${tag}:${conversationId}`;
  return {
    tag,
    counter,
    ahead: `${counter}:ahead`,
    waiting: `${counter}:waiting`,
    claim: `${counter}:claim`,
    members: `${counter}:members`,
    loading: (token) => `${counter}:loading:${token}`,
    generation: `${counter}:generation`,
    known: (senderId) => `${counter}:known:${senderId}`,
  };
}

/**
 * String: the run of the server in which SQL was seen to have all that was in the message log, or who is about to see. No lifetime.
 */
export const CAUGHT_UP_KEY = `im:caught-up:${bucketTag("caught-up")}`;

/** String, written for a moment to see whether writes are taken. */
export const PROBE_KEY = "im:probe";
