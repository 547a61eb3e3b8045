import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";
import jwt from "jsonwebtoken";
import { isImError } from "../../lib/errors.ts";
import { tokenKeys } from "../../lib/token-keys.ts";
import { makeRefreshToken, refreshTokenHash, signAccessToken, verifyAccessToken } from "../../lib/tokens.ts";

const SECRET = "a".repeat(48);
const NOW = 1_760_000_000_000;
const keys = tokenKeys(SECRET, null);
const claims = { userId: "7", sessionId: "9", deviceId: "phone", deviceType: "ios", expiresAt: NOW + 900_000 } as const;

const refuses = (token: string, type: "UNAUTHENTICATED" | "TOKEN_EXPIRED" = "UNAUTHENTICATED", usedKeys = keys): void =>
  assert.throws(
    () => verifyAccessToken(usedKeys, token, NOW),
    (error) => isImError(error, type),
    token,
  );

/** A token as an attacker who knows the secret might make it, to change one thing at a time. */
function forge({
  header = {},
  payload = {},
  secret = SECRET,
}: { header?: object; payload?: object; secret?: string } = {}): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const body = {
    typ: "access",
    sub: "7",
    sid: "9",
    did: "phone",
    dty: "ios",
    iss: "moleculer-im",
    aud: "moleculer-im",
    exp: NOW / 1_000 + 900,
    ...payload,
  };
  const text = `${part({ alg: "HS256", typ: "JWT", kid: keys.current.kid, ...header })}.${part(body)}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

test("a token says who it was made for", () => {
  assert.deepEqual(verifyAccessToken(keys, signAccessToken(keys, claims, NOW), NOW), claims);
  assert.deepEqual(verifyAccessToken(keys, forge(), NOW), claims);
});

test("refuses what was not signed with our key, as an access token, by us, for us", () => {
  refuses(forge({ secret: "b".repeat(48) }));
  refuses(forge({ header: { kid: "unknown" } }));
  refuses(forge({ header: { kid: undefined } }));
  refuses(forge({ header: { alg: "HS512" } }));
  refuses(forge({ header: { alg: "none" } }));
  refuses(
    `${forge({ header: { alg: "none" } })
      .split(".")
      .slice(0, 2)
      .join(".")}.`,
  );
  refuses(forge({ payload: { iss: "someone" } }));
  refuses(forge({ payload: { iss: undefined } }));
  refuses(forge({ payload: { aud: "someone" } }));
  refuses(forge({ payload: { aud: undefined } }));
  refuses(forge({ payload: { typ: "refresh" } }));
  refuses(forge({ payload: { typ: undefined } }));
});

test("refuses what is no token at all", () => {
  for (const token of [
    "",
    "x",
    "..",
    "a.b.c",
    makeRefreshToken(),
    `${forge()}x`,
    forge().toUpperCase(),
    "a".repeat(100_000),
    "\u0000",
    "null",
  ])
    refuses(token);
  refuses(jwt.sign("text", SECRET, { keyid: keys.current.kid }));
});

test("an expired token is told apart only when nothing else is wrong with it", () => {
  const expired = { exp: NOW / 1_000 };
  refuses(forge({ payload: expired }), "TOKEN_EXPIRED");
  refuses(forge({ payload: { ...expired, aud: "someone" } }));
  refuses(forge({ payload: expired, secret: "b".repeat(48) }));
  refuses(forge({ payload: { exp: undefined } }));
  refuses(forge({ payload: { exp: "never" } }));
});

test("tokens of the previous secret are accepted while keys rotate, and none are made with it", () => {
  const rotated = tokenKeys("c".repeat(48), SECRET);
  const old = signAccessToken(keys, claims, NOW);
  assert.deepEqual(verifyAccessToken(rotated, old, NOW), claims);
  refuses(signAccessToken(rotated, claims, NOW));
  refuses(old, "UNAUTHENTICATED", tokenKeys("c".repeat(48), null));
});

test("refresh tokens are unlike each other and stored as something else", () => {
  const token = makeRefreshToken();
  assert.match(token, /^[A-Za-z0-9_-]{43}$/);
  assert.notEqual(token, makeRefreshToken());
  assert.notEqual(refreshTokenHash(token), token);
  assert.equal(refreshTokenHash(token), refreshTokenHash(token));
  assert.ok(randomBytes(32).toString("base64url").length === token.length);
});
