import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import jwt, { type Algorithm } from "jsonwebtoken";
import { io } from "socket.io-client";
import { API_PREFIX } from "../../contracts/routes.ts";
import { tokenKeys } from "../../lib/token-keys.ts";
import { Refused } from "../support/client.ts";
import { buildUser, startIm, type Im, type TestUser } from "../support/im.ts";

type Json = Record<string, unknown>;
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const decode = (part: string | undefined): Json => JSON.parse(Buffer.from(part ?? "", "base64url").toString()) as Json;

/** Tokens that look like the user's and were not given out by the server, each with the code that refuses it. */
function forgeries({ node }: Im, { token, refreshToken }: TestUser): Record<string, { token: string; code: number }> {
  const { jwtSecret } = node.config;
  const [head = "", body = "", signature = ""] = token.split(".");
  const [header, payload] = [decode(head), decode(body)];
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2_048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const sign = (changes: Json, secret = jwtSecret, algorithm: Algorithm = "HS256", more: Json = {}): string =>
    jwt.sign({ ...payload, ...changes }, secret, { header: { ...header, alg: algorithm, ...more } } as jwt.SignOptions);
  const unsigned = (alg: string): string => `${encode({ ...header, alg })}.${body}.`;
  const hmac = (secret: string, headerOf: Json): string => {
    const content = `${encode(headerOf)}.${body}`;
    return `${content}.${createHmac("sha256", secret).update(content).digest("base64url")}`;
  };
  const without = (name: string): string => {
    const { [name]: _, ...rest } = payload;
    return jwt.sign(rest, jwtSecret, { header: header as unknown as jwt.JwtHeader });
  };
  const past = Math.floor(Date.now() / 1_000) - 10;
  const forged: Record<string, string> = {
    "no algorithm": unsigned("none"),
    "no algorithm, in capitals": unsigned("NONE"),
    "no algorithm, with the signature": `${encode({ ...header, alg: "none" })}.${body}.${signature}`,
    "no signature": `${head}.${body}.`,
    "two parts": `${head}.${body}`,
    "another secret": sign({}, "another-secret-of-at-least-32-bytes!"),
    "an empty secret": hmac("", header),
    "a longer hash": sign({}, jwtSecret, "HS512"),
    "a key pair of their own": sign({}, privateKey, "RS256"),
    "their public key as the secret": hmac(publicKey, header),
    "a key in the token": hmac("mine", { ...header, jwk: { kty: "oct", k: encode("mine") } }),
    "no key id": hmac(jwtSecret, { alg: "HS256", typ: "JWT" }),
    "a key id that is a path": hmac("", { ...header, kid: "../../../../dev/null" }),
    "a key id that is a field": hmac("", { ...header, kid: "__proto__" }),
    "another user": `${head}.${encode({ ...payload, sub: "1" })}.${signature}`,
    "another issuer": sign({ iss: "someone" }),
    "another audience": sign({ aud: "someone" }),
    "another kind": sign({ typ: "refresh" }),
    "no kind": without("typ"),
    "no issuer": without("iss"),
    "no audience": without("aud"),
    "no end": without("exp"),
    "expired, another secret": sign({ exp: past }, "another-secret-of-at-least-32-bytes!"),
    "the refresh token": refreshToken,
    "too long": `${token}${"A".repeat(5_000)}`,
    nothing: "",
  };
  assert.equal(tokenKeys(jwtSecret, null).current.kid, header["kid"]);
  return {
    ...Object.fromEntries(Object.entries(forged).map(([name, one]) => [name, { token: one, code: 1010 }])),
    expired: { token: sign({ exp: past }), code: 1003 },
    "a session that never was": { token: sign({ sid: "1" }), code: 1004 },
  };
}

interface Handshake {
  readonly query?: Json;
  readonly headers?: Record<string, string>;
  readonly auth?: unknown;
}

/** What the server says as it refuses a connection; nothing when it only closes it. */
async function refusal(im: Im, token: unknown, more: Handshake = {}): Promise<Refused["data"]> {
  const socket = io(im.url, {
    transports: ["websocket"],
    reconnection: false,
    forceNew: true,
    auth: (more.auth ?? { token }) as Json,
    ...(more.query && { query: more.query }),
    ...(more.headers && { extraHeaders: more.headers }),
  });
  try {
    const error = await new Promise<Error>((resolve, reject) => {
      socket.once("connect", () => reject(new Error("it was let in")));
      socket.once("connect_error", resolve);
      // Where there is an error too, it comes right after.
      socket.io.once("close", () => setImmediate(resolve, new Error("closed")));
    });
    return new Refused(error).data;
  } finally {
    socket.disconnect();
  }
}

test("a token that the server did not give out is 401 on REST and at the handshake", async () => {
  await using im = await startIm();
  const user = await buildUser(im);
  for (const [name, { token, code }] of Object.entries(forgeries(im, user))) {
    const answer = await im.api(token).get("/users/me");
    assert.deepEqual([answer.status, answer.code, answer.data], [401, code, null], name);
    assert.equal((await refusal(im, token))?.code, code, name);
  }
  assert.equal((await user.rest.get("/users/me")).status, 200);
});

test("a connection cannot be renewed with a forged token or somebody else's, and stays what it was", async () => {
  await using im = await startIm();
  const [user, other] = [await buildUser(im), await buildUser(im)];
  const client = await im.connect({ token: user.token });
  for (const [name, { token, code }] of Object.entries(forgeries(im, user))) {
    const answer = await client.send("auth:renew", { token });
    assert.equal(answer.code, token === "" || token.length > 4_096 ? 9001 : code, name);
  }
  assert.equal((await client.send("auth:renew", { token: other.token })).code, 1009);
  assert.equal((await client.send("auth:renew", { token: (await user.signIn()).token })).code, 1009);
  const { items } = await client.ok<{ items: { userId: string }[] }>("presence:subscribe", { userIds: [other.userId] });
  assert.deepEqual(
    items.map(({ userId }) => userId),
    [other.userId],
  );
});

test("a handshake takes a token that is a text, in its place, and nothing else", async () => {
  await using im = await startIm();
  const { token } = await buildUser(im);
  for (const one of [undefined, null, 5, true, [token], { token }, { toString: token }])
    assert.equal((await refusal(im, one))?.code, 1010, JSON.stringify(one));
  for (const auth of [{ access_token: token }, { Token: token }, { auth: { token } }])
    assert.equal((await refusal(im, null, { auth }))?.code, 1010, JSON.stringify(auth));
  for (const auth of [[], [token], token, 5]) await refusal(im, null, { auth });
  const elsewhere: Handshake[] = [
    { query: { token } },
    { query: { access_token: token, auth: JSON.stringify({ token }) } },
    { headers: { Authorization: `Bearer ${token}` } },
    { headers: { Cookie: `token=${token}; accessToken=${token}` } },
  ];
  for (const more of elsewhere)
    assert.equal((await refusal(im, undefined, { ...more, auth: {} }))?.code, 1010, JSON.stringify(more));
});

test("REST takes a token from its header alone", async () => {
  await using im = await startIm();
  const { token, rest } = await buildUser(im);
  for (const name of ["token", "access_token", "accessToken", "authorization", "Authorization"]) {
    const path = `/users/me?${name}=${token}`;
    assert.equal((await im.api().get(path)).status, 401, name);
    const answer = await rest.get<{ fields: { field: string }[] }>(path);
    assert.deepEqual([answer.status, answer.data.fields[0]?.field], [400, name]);
  }
  const asBody = await im.api().put("/users/me/profile", { nickname: "x", token, access_token: token });
  assert.equal(asBody.status, 401);
  const asCookie = await im.api().get("/users/me", { headers: { Cookie: `token=${token}; accessToken=${token}` } });
  assert.equal(asCookie.status, 401);
  for (const scheme of ["Basic", "Token", "Bearer:", "JWT", ""]) {
    const answer = await im.api().get("/users/me", { headers: { Authorization: `${scheme} ${token}` } });
    assert.equal(answer.status, 401, scheme);
  }
});

test("a page of another site reaches neither sockets nor answers", async () => {
  await using im = await startIm({ corsOrigins: ["https://chat.example.com"] });
  const { token } = await buildUser(im);
  const { host } = new URL(im.url);
  const foreign = [
    "https://evil.example",
    "null",
    `http://${host}.evil.example`,
    `http://evil.example/${host}`,
    "http://",
    "file://",
    `http://user@${host}x`,
  ];
  for (const origin of foreign) {
    assert.equal(await refusal(im, token, { headers: { Origin: origin } }), undefined, origin);
    const response = await fetch(`${im.url}${API_PREFIX}/users/me`, {
      headers: { Origin: origin, Authorization: `Bearer ${token}` },
    });
    assert.equal(response.headers.get("access-control-allow-origin"), null, origin);
    assert.equal(response.headers.get("access-control-allow-credentials"), null, origin);
  }
  for (const origin of ["https://chat.example.com", im.url]) {
    await using client = await im.connect({ token, headers: { Origin: origin } });
    assert.equal((await client.send("unknown")).code, 9010);
  }
});
