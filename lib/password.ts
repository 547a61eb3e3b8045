import bcrypt from "bcrypt";
import { createHash } from "node:crypto";
import { HASH_QUEUE_TIMEOUT_MS, HASHES_AT_ONCE } from "../config/limits.ts";
import { createLimiter } from "./concurrency.ts";
import { invalidField } from "./validation.ts";

const queue = createLimiter({ concurrency: HASHES_AT_ONCE, maxWaitMs: HASH_QUEUE_TIMEOUT_MS });

/**
 * bcrypt over a SHA-256 of the whole password, since bcrypt alone ignores what follows 72 bytes. Off the event loop.
 * @param rounds cost, 2^rounds
 * @throws UNAVAILABLE when too many passwords wait for their hash
 */
export function hashPassword(password: string, rounds: number): Promise<string> {
  return queue.run(() => bcrypt.hash(digest(password), rounds));
}

/**
 * Whether the password belongs to the hash. Without a hash (no such account) the answer is no, after the time that a hash
 * of `rounds` takes.
 * @throws UNAVAILABLE when too many passwords wait for their hash
 */
export async function verifyPassword(password: string, hash: string | null, rounds: number): Promise<boolean> {
  const isRight = await queue.run(() => bcrypt.compare(digest(password), hash ?? dummyHash(rounds)));
  return isRight && hash !== null;
}

/** Whether a hash was made at less than this cost. */
export function isHashedBelow(hash: string, rounds: number): boolean {
  return bcrypt.getRounds(hash) < rounds;
}

/** Names a stored hash without telling it: it differs once the password was changed. */
export function credentialOf(hash: string): string {
  return createHash("sha256").update(hash).digest("base64url").slice(0, 22);
}

/**
 * UTF-8 cannot tell one lone surrogate from another, so that different passwords would be the same.
 * @throws VALIDATION
 */
export function checkWellFormed(password: string, field: string): void {
  if (!password.isWellFormed()) throw invalidField(field, "must not hold lone surrogates");
}

function digest(password: string): string {
  return createHash("sha256").update(password, "utf8").digest("base64");
}

const dummies = new Map<number, string>();

/** A hash of that cost that belongs to no known password. */
function dummyHash(rounds: number): string {
  let hash = dummies.get(rounds);
  if (!hash) dummies.set(rounds, (hash = bcrypt.genSaltSync(rounds) + "x".repeat(31)));
  return hash;
}
