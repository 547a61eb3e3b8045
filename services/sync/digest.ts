/** Conversations are spread over so many buckets; a client that names none learns which of them to look at. */
export const BUCKETS = 64;

/** How far conversations have got: for each bucket the sum of the visible maxSeqs of the conversations in it. */
export type Digest = readonly number[];

/** FNV-1a, 32 bits. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

export const bucketOf = (conversationId: string): number => hashOf(conversationId) % BUCKETS;

/**
 * Seqs only grow, so two digests are equal exactly when no conversation got longer in between, and a bucket that differs holds
 * one that did.
 */
export function digestOf(heads: Iterable<{ readonly conversationId: string; readonly maxSeq: number }>): Digest {
  const sums = Array<number>(BUCKETS).fill(0);
  for (const { conversationId, maxSeq } of heads) sums[bucketOf(conversationId)]! += maxSeq;
  return sums;
}

/** Most buckets of a small user are empty, and cost one character. */
export const formatDigest = (digest: Digest): string => digest.map((sum) => (sum === 0 ? "" : sum.toString(36))).join("_");

/** null for a text that no digest has. */
export function parseDigest(text: string): Digest | null {
  const parts = text.split("_");
  if (parts.length !== BUCKETS) return null;
  const sums = parts.map((part) => (/^[0-9a-z]{0,11}$/.test(part) ? parseInt(part || "0", 36) : NaN));
  return sums.every(Number.isSafeInteger) ? sums : null;
}
