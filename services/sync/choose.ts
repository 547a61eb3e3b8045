import type { Position } from "./cursor.ts";
import { bucketOf, type Digest } from "./digest.ts";
import type { SyncVersion } from "./version.ts";

/** How a user stands in one conversation. */
export interface Standing {
  readonly conversationId: string;
  readonly active: boolean;
  readonly minSeq: number;
  /** The last seq that they can see now. */
  readonly maxSeq: number;
  /** Its time. */
  readonly at: number;
  /** It stands in the list without a message. */
  readonly kept: boolean;
  /** The user's counter at its last change. */
  readonly version: number;
}

/** What a client said it has. */
export interface Asked {
  readonly named: Readonly<Record<string, number | null>>;
  /** null: nothing, or nothing that counts any more. */
  readonly since: SyncVersion | null;
  /** What it says it has is no longer worth anything. */
  readonly reset: boolean;
}

const isListed = ({ maxSeq, kept }: Standing): boolean => maxSeq > 0 || kept;

/** The seq behind which messages are wanted; null: the newest page. */
export function afterSeqOf({ named, reset }: Asked, conversationId: string): number | null {
  const seq = reset || !Object.hasOwn(named, conversationId) ? null : named[conversationId];
  return seq === 0 || seq === undefined ? null : seq;
}

/** Whether the client has to hear of a conversation. @param digest how all conversations stand now */
export function isWanted(one: Standing, asked: Asked, digest: Digest): boolean {
  const { named, since } = asked;
  const isNamed = Object.hasOwn(named, one.conversationId);
  if (!since) return isNamed || isListed(one);
  if (one.version > since.conversations) return true;
  if (!isNamed) return isListed(one) && hasMoved(one, since.digest, digest);
  const afterSeq = afterSeqOf(asked, one.conversationId);
  return afterSeq === null || afterSeq < one.maxSeq;
}

/** Whether a conversation may have got longer: one of its bucket did. */
const hasMoved = ({ conversationId }: Standing, before: Digest, now: Digest): boolean =>
  before[bucketOf(conversationId)] !== now[bucketOf(conversationId)];

/** The newest first; what has no message last. */
function compare(a: Pick<Standing, "at" | "conversationId">, b: Pick<Standing, "at" | "conversationId">): number {
  return b.at - a.at || byId(a.conversationId, b.conversationId);
}

const byId = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

export interface Page {
  readonly page: readonly Standing[];
  readonly next: Position;
}

/** The first page. */
export function firstPage(wanted: readonly Standing[], limit: number): Page {
  const sorted = wanted.toSorted(compare);
  return { page: sorted.slice(0, limit), next: sorted.length > limit ? behind(sorted[limit - 1]!) : { stage: "done" } };
}

/**
 * A later page. Messages that come between the pages bring conversations to the front, past the place that was reached: when the
 * end is, all that moved since the first page are given, be it again. Their order is that of their ids, which stays, so
 * that this ends however busy they are.
 * @param start the version that the first page gave
 */
export function laterPage(
  all: readonly Standing[],
  wanted: readonly Standing[],
  { position, start, digest, limit }: { position: Position; start: SyncVersion; digest: Digest; limit: number },
): Page {
  if (position.stage === "done") return { page: [], next: position };
  const rest = position.stage === "newest" ? restOf(wanted, position) : [];
  if (rest.length > limit) return { page: rest.slice(0, limit), next: behind(rest[limit - 1]!) };
  const after = position.stage === "moved" ? position.id : "";
  const given = new Set(rest);
  const moved = all
    .filter((one) => one.conversationId > after && !given.has(one))
    .filter((one) => one.version > start.conversations || (isListed(one) && hasMoved(one, start.digest, digest)))
    .sort((a, b) => byId(a.conversationId, b.conversationId));
  const room = limit - rest.length;
  const page = [...rest, ...moved.slice(0, room)];
  if (moved.length <= room) return { page, next: { stage: "done" } };
  return { page, next: { stage: "moved", id: room === 0 ? "" : moved[room - 1]!.conversationId } };
}

const restOf = (wanted: readonly Standing[], { at, id }: { at: number; id: string }): Standing[] =>
  wanted.filter((one) => compare({ at, conversationId: id }, one) < 0).sort(compare);

const behind = ({ at, conversationId }: Standing): Position => ({ stage: "newest", at, id: conversationId });
