import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_SESSIONS_PER_USER, WRONG_PASSWORDS_PER_ACCOUNT, WRONG_PASSWORDS_PER_ADDRESS } from "../../config/limits.ts";
import { isImError, toWireError } from "../../lib/errors.ts";
import { call } from "../../lib/service.ts";
import auth from "../../services/auth/auth.service.ts";
import {
  buildUser,
  createAccountNode,
  createProbe,
  errorType,
  PASSWORD,
  signIn,
  standIn,
  uniqueName,
} from "../support/accounts.ts";
import { userNamed } from "../support/neighbours.ts";
import { createNode } from "../support/node.ts";
import { devicesOf, endingsHeard, verifyType } from "../support/sessions.ts";

test("signs in by user name, phone or e-mail, and the token says who that is", async () => {
  await using node = await createAccountNode();
  const own = await buildUser(node, { phone: "13800000001", email: "alice@example.com" });
  for (const account of [{ username: own.username.toUpperCase() }, { phone: "13800000001" }, { email: "ALICE@example.com" }]) {
    const tokens = await node.call("auth.login", { ...account, password: PASSWORD, deviceId: "phone-1", deviceType: "ios" });
    assert.deepEqual(tokens.user, own);
    assert.equal(tokens.expiresIn, 900);
    const verified = await node.call("auth.verify", { token: tokens.accessToken });
    assert.deepEqual(
      { ...verified, sessionId: "", expiresAt: 0 },
      { userId: own.userId, sessionId: "", deviceId: "phone-1", deviceType: "ios", expiresAt: 0 },
    );
    assert.ok(Math.abs(verified.expiresAt - Date.now() - 900_000) < 5_000);
  }
});

test("known and unknown accounts get the same answer", async () => {
  await using node = await createAccountNode();
  const { username } = await buildUser(node);
  const answers: ReturnType<typeof toWireError>[] = [];
  for (const name of [username, uniqueName("nobody")]) {
    await node
      .call("auth.login", { username: name, password: "not-the-password" })
      .catch((error: unknown) => answers.push(toWireError(error)));
  }
  assert.equal(answers.length, 2);
  assert.deepEqual(answers[0], answers[1]);
  assert.equal(answers[0]?.type, "WRONG_CREDENTIALS");
});

test("a sign-in names exactly one account and has a password and no code", async () => {
  await using node = await createAccountNode();
  const { username } = await buildUser(node, { email: "bob@example.com" });
  for (const [input, field] of [
    [{ password: PASSWORD }, "username"],
    [{ username, email: "bob@example.com", password: PASSWORD }, "email"],
    [{ username }, "password"],
    [{ username, code: "123456" }, "code"],
    [{ username, password: "lone\ud800" }, "password"],
    [{ username, password: PASSWORD, deviceId: "a b" }, "deviceId"],
  ] as const) {
    await assert.rejects(
      node.call("auth.login", input),
      (error) => isImError(error, "VALIDATION") && JSON.stringify(error.data).includes(field),
      field,
    );
  }
});

test("without a device id each sign-in is a device of its own; the same device id replaces its session", async () => {
  const { heard, gateway } = endingsHeard();
  await using node = await createAccountNode([gateway]);
  const { username } = await buildUser(node);
  const [first, second] = [await signIn(node, username), await signIn(node, username)];
  assert.notEqual(first.caller.deviceId, second.caller.deviceId);
  const old = await signIn(node, username, { deviceId: "laptop" });
  const now = await signIn(node, username, { deviceId: "laptop" });
  assert.equal(await verifyType(node, old.accessToken), "SESSION_ENDED");
  assert.equal(await errorType(node.call("auth.refresh", { refreshToken: old.refreshToken })), "SESSION_ENDED");
  for (const { accessToken } of [first, second, now]) assert.equal(await verifyType(node, accessToken), "");
  assert.deepEqual(heard, [{ userId: now.caller.userId, sessionIds: [old.caller.sessionId], reason: "replaced" }]);

  const stranger = await buildUser(node);
  await signIn(node, stranger.username, { deviceId: "laptop" });
  assert.equal(await verifyType(node, now.accessToken), "");
});

test("of sign-ins of one device at one time one session remains", async () => {
  await using node = await createAccountNode();
  const { username } = await buildUser(node);
  const all = await Promise.all(Array.from({ length: 5 }, () => signIn(node, username, { deviceId: "laptop" })));
  const types = await Promise.all(all.map(({ accessToken }) => verifyType(node, accessToken)));
  assert.deepEqual(types.sort(), ["", ...Array<string>(4).fill("SESSION_ENDED")]);
});

test("the kick policy decides which other devices a sign-in ends", async () => {
  const live = async (kickPolicy: "none" | "class" | "all"): Promise<string[]> => {
    await using node = await createAccountNode([], { config: { kickPolicy } });
    const { username } = await buildUser(node);
    const stranger = await signIn(node, (await buildUser(node)).username, { deviceType: "web" });
    let last = "";
    for (const deviceType of ["web", "ios", "desktop", "android", "web"] as const) {
      last = (await signIn(node, username, { deviceType, deviceId: `${deviceType}-${Math.random()}` })).caller.userId;
    }
    assert.equal(await verifyType(node, stranger.accessToken), "");
    return (await devicesOf(node, last)).map(({ deviceType }) => deviceType).sort();
  };
  assert.deepEqual(await live("none"), ["android", "desktop", "ios", "web", "web"]);
  assert.deepEqual(await live("class"), ["android", "desktop", "web"]);
  assert.deepEqual(await live("all"), ["web"]);
});

test("a sign-in that a ban or a new password overtook leaves no session", async () => {
  const own = { ...userNamed("5"), username: "eve", nickname: "Eve", phone: null, email: null, createdAt: 1 };
  const overtaken = standIn("user", { authenticate: () => ({ user: own, credential: "old" }), credentialHolds: () => false });
  await using node = await createNode([auth, overtaken]);
  assert.equal(await errorType(node.call("auth.login", { username: "eve", password: PASSWORD })), "WRONG_CREDENTIALS");
  assert.deepEqual(await devicesOf(node, "5"), []);
});

test("ten wrong passwords of an account, known or not, and fifty of an address are the last for a while", async () => {
  await using node = await createAccountNode([], { config: { rateLimits: true } });
  const { username } = await buildUser(node);
  const tryIn = (name: string, password: string, address: string) =>
    call(node.broker, "auth.login", { username: name, password }, { meta: { address } }).then(
      () => "",
      (error: unknown) => toWireError(error),
    );
  for (const name of [username, uniqueName("nobody")]) {
    for (let i = 0; i < WRONG_PASSWORDS_PER_ACCOUNT; i++)
      assert.equal(((await tryIn(name, "wrong", `192.0.2.${i}`)) as { type: string }).type, "WRONG_CREDENTIALS");
    const refused = (await tryIn(name.toUpperCase(), PASSWORD, "192.0.2.99")) as ReturnType<typeof toWireError>;
    assert.equal(refused.type, "RATE_LIMITED");
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.data?.["retryAfterMs"]) > 0 && Number(refused.data?.["retryAfterMs"]) <= 900_000);
  }
  const other = await buildUser(node);
  for (let i = 0; i < WRONG_PASSWORDS_PER_ADDRESS; i++) await tryIn(uniqueName("nobody"), "wrong", "198.51.100.1");
  assert.equal(((await tryIn(other.username, PASSWORD, "198.51.100.1")) as { type: string }).type, "RATE_LIMITED");
  assert.equal(await tryIn(other.username, PASSWORD, "198.51.100.2"), "");
});

test("with limits switched off nothing is counted", async () => {
  await using node = await createAccountNode();
  const { username } = await buildUser(node);
  for (let i = 0; i < 2 * WRONG_PASSWORDS_PER_ACCOUNT; i++)
    assert.equal(await errorType(node.call("auth.login", { username, password: "wrong" })), "WRONG_CREDENTIALS");
  await signIn(node, username);
});

test("a sign-in beyond the most live sessions of a user ends the one that was not in use for the longest", async () => {
  const { heard, gateway } = endingsHeard();
  const probe = createProbe();
  await using node = await createAccountNode([gateway, probe.schema]);
  const { username } = await buildUser(node);
  const stranger = await signIn(node, (await buildUser(node)).username);
  const all: Awaited<ReturnType<typeof signIn>>[] = [];
  for (let count = 0; count < MAX_SESSIONS_PER_USER; count++) all.push(await signIn(node, username));
  assert.deepEqual(heard, []);
  const [first, second, third] = all;
  assert.ok(first && second && third);
  await probe.sql.execute("update session set last_seen_at = last_seen_at + 60000 where session_id = :id", {
    id: first.caller.sessionId,
  });

  await signIn(node, username);
  const { caller } = await signIn(node, username);
  assert.deepEqual(
    heard.map(({ sessionIds, reason }) => [sessionIds, reason]),
    [second, third].map((ended) => [[ended.caller.sessionId], "replaced"]),
  );
  assert.equal(await verifyType(node, second.accessToken), "SESSION_ENDED");
  for (const { accessToken } of [first, stranger]) assert.equal(await verifyType(node, accessToken), "");
  assert.equal((await devicesOf(node, caller)).length, MAX_SESSIONS_PER_USER);
});

test("more sign-ins at one time than a user may have sessions leave as many as allowed", async () => {
  await using node = await createAccountNode();
  const { username } = await buildUser(node);
  const all = await Promise.all(Array.from({ length: MAX_SESSIONS_PER_USER + 5 }, () => signIn(node, username)));
  assert.equal((await devicesOf(node, all[0]!.caller)).length, MAX_SESSIONS_PER_USER);
});
