import { createHash, randomBytes } from "node:crypto";
import jwt from "jsonwebtoken";
import type { Verified } from "../contracts/services/auth.ts";
import { imError } from "./errors.ts";
import type { TokenKeys } from "./token-keys.ts";

const ISSUER = "moleculer-im";
const AUDIENCE = "moleculer-im";
const ALGORITHM = "HS256";
const KIND = "access";
const MAX_TOKEN_LENGTH = 4_096;
const REFRESH_TOKEN_BYTES = 32;

/** An access token as `verifyAccessToken` found it; `expiresAt` is cut to whole seconds. */
export type AccessClaims = Verified;

interface Payload {
  typ: typeof KIND;
  sub: string;
  sid: string;
  did: string;
  dty: AccessClaims["deviceType"];
  exp: number;
}

export function signAccessToken(keys: TokenKeys, claims: AccessClaims, now: number): string {
  const { userId, sessionId, deviceId, deviceType, expiresAt } = claims;
  const payload = {
    typ: KIND,
    sid: sessionId,
    did: deviceId,
    dty: deviceType,
    iat: Math.floor(now / 1_000),
    exp: Math.floor(expiresAt / 1_000),
  };
  return jwt.sign(payload, keys.current.key, {
    algorithm: ALGORITHM,
    keyid: keys.current.kid,
    issuer: ISSUER,
    audience: AUDIENCE,
    subject: userId,
  });
}

/**
 * Checks signature, algorithm, issuer, audience and kind, then the expiry; the session is not looked at.
 * @throws TOKEN_EXPIRED when only the time is wrong, UNAUTHENTICATED for everything else
 */
export function verifyAccessToken(keys: TokenKeys, token: string, now: number): AccessClaims {
  const payload = token.length <= MAX_TOKEN_LENGTH ? openToken(keys, token) : null;
  if (payload?.typ !== KIND || !Number.isSafeInteger(payload.exp)) throw imError("UNAUTHENTICATED");
  const expiresAt = payload.exp * 1_000;
  if (expiresAt <= now) throw imError("TOKEN_EXPIRED");
  return { userId: payload.sub, sessionId: payload.sid, deviceId: payload.did, deviceType: payload.dty, expiresAt };
}

function openToken(keys: TokenKeys, token: string): Payload | null {
  try {
    const key = keys.byKid.get(jwt.decode(token, { complete: true })?.header.kid ?? "");
    if (!key) return null;
    return jwt.verify(token, key.key, {
      algorithms: [ALGORITHM],
      issuer: ISSUER,
      audience: AUDIENCE,
      ignoreExpiration: true,
    }) as unknown as Payload;
  } catch {
    return null;
  }
}

/** A refresh token says nothing; only its hash is stored. */
export function makeRefreshToken(): string {
  return randomBytes(REFRESH_TOKEN_BYTES).toString("base64url");
}

export function refreshTokenHash(token: string): string {
  return createHash("sha256").update(token, "utf8").digest("base64url");
}
