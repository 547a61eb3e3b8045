import { formatDigest, hashOf, parseDigest, type Digest } from "./digest.ts";

/** How things stood for one user. All parts were read before what was answered with them, so what changed since is found again. */
export interface SyncVersion {
  /** The user's counter of changes of their conversations. */
  readonly conversations: number;
  /** Position in the log of changes of messages. */
  readonly changes: number;
  readonly friends: string;
  readonly groups: string;
  readonly digest: Digest;
}

const shape = /^s1\.([0-9a-z]{1,7})\.(\d{1,15})\.(\d{1,15})\.([A-Za-z0-9_:-]{1,64})\.([A-Za-z0-9_:-]{1,64})\.([0-9a-z_]{1,800})$/;

const ownerOf = (userId: string): string => hashOf(userId).toString(36);

export function formatVersion(userId: string, { conversations, changes, friends, groups, digest }: SyncVersion): string {
  return ["s1", ownerOf(userId), conversations, changes, friends, groups, formatDigest(digest)].join(".");
}

/** null for what is no version of this user: that of another one says nothing about what this one has. */
export function parseVersion(userId: string, text: string): SyncVersion | null {
  const match = shape.exec(text);
  if (!match) return null;
  const [, owner, conversations, changes, friends = "", groups = "", sums = ""] = match;
  const digest = parseDigest(sums);
  if (owner !== ownerOf(userId) || !digest) return null;
  return { conversations: Number(conversations), changes: Number(changes), friends, groups, digest };
}
