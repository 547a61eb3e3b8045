import { createHash, createSecretKey, type KeyObject } from "node:crypto";

export interface TokenKey {
  /** Stands in the head of each token, so that its key is found. */
  readonly kid: string;
  readonly key: KeyObject;
}

/** The keys of access tokens: `current` signs, all of them verify. */
export interface TokenKeys {
  readonly current: TokenKey;
  readonly byKid: ReadonlyMap<string, TokenKey>;
}

/** @param previousSecret the secret before a change, whose tokens are still accepted */
export function tokenKeys(secret: string, previousSecret: string | null): TokenKeys {
  const current = tokenKey(secret);
  const keys = previousSecret === null ? [current] : [tokenKey(previousSecret), current];
  return { current, byKid: new Map(keys.map((key) => [key.kid, key])) };
}

function tokenKey(secret: string): TokenKey {
  const kid = createHash("sha256").update(`moleculer-im key id:${secret}`).digest("base64url").slice(0, 11);
  return { kid, key: createSecretKey(secret, "utf8") };
}
