import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { SessionEndReason } from "../../contracts/events.ts";
import { MAX_SESSIONS_PER_USER, WRONG_PASSWORDS_PER_ACCOUNT, WRONG_PASSWORDS_PER_ADDRESS } from "../../config/limits.ts";
import { isImError, toWireError } from "../../lib/errors.ts";
import { call } from "../../lib/service.ts";
import { tokenKeys } from "../../lib/token-keys.ts";
import { signAccessToken } from "../../lib/tokens.ts";
import auth from "../../services/auth/auth.service.ts";
import { pruneSessions } from "../../services/auth/prune.ts";
import { findLastSeen, insertSession, markSeen } from "../../services/auth/repository.ts";
import settings from "../../services/settings/settings.service.ts";
import user from "../../services/user/user.service.ts";
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
import { createDatabase } from "../support/database.ts";
import { createNode, type TestNode } from "../support/node.ts";
import { waitFor } from "../support/wait.ts";

const verifyType = (node: TestNode, token: string): Promise<string> => errorType(node.call("auth.verify", { token }));
const devicesOf = async (node: TestNode, who: Parameters<TestNode["as"]>[0]) => (await node.as(who, "auth.devices", {})).items;

/** What the gateways of a node heard of ended sessions. */
function endingsHeard() {
  const heard: { sessionIds: string[]; reason: SessionEndReason }[] = [];
  const gateway = {
    name: "gateway",
    events: { "session.ended": (ctx: { params: (typeof heard)[number] }) => void heard.push(ctx.params) },
  };
  return { heard, gateway: gateway as unknown as ReturnType<typeof standIn> };
}

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

test("a refresh token is replaced at each use and its session goes on", async () => {
  await using node = await createAccountNode();
  const { username } = await buildUser(node);
  const signedIn = await signIn(node, username);
  let { refreshToken } = signedIn;
  for (let i = 0; i < 3; i++) {
    const tokens = await node.call("auth.refresh", { refreshToken });
    assert.notEqual(tokens.refreshToken, refreshToken);
    assert.equal(tokens.expiresIn, 900);
    assert.equal((await node.call("auth.verify", { token: tokens.accessToken })).sessionId, signedIn.caller.sessionId);
    ({ refreshToken } = tokens);
  }
});

test("the reuse of a refresh token ends its whole family at once", async () => {
  const { heard, gateway } = endingsHeard();
  await using node = await createAccountNode([gateway]);
  const { username } = await buildUser(node);
  const [stolen, bystander] = [await signIn(node, username), await signIn(node, username)];
  const renewed = await node.call("auth.refresh", { refreshToken: stolen.refreshToken });
  assert.equal(await errorType(node.call("auth.refresh", { refreshToken: stolen.refreshToken })), "SESSION_ENDED");
  assert.equal(await errorType(node.call("auth.refresh", { refreshToken: renewed.refreshToken })), "SESSION_ENDED");
  assert.equal(await verifyType(node, renewed.accessToken), "SESSION_ENDED");
  assert.equal(await verifyType(node, stolen.accessToken), "SESSION_ENDED");
  assert.equal(await verifyType(node, bystander.accessToken), "");
  assert.deepEqual(
    heard.map(({ reason }) => reason),
    ["token_reused"],
  );
});

test("of two uses of a refresh token at one time one is served and the other ends the family", async () => {
  await using node = await createAccountNode();
  const { username } = await buildUser(node);
  const { refreshToken, accessToken } = await signIn(node, username);
  const types = await Promise.all([1, 2].map(() => errorType(node.call("auth.refresh", { refreshToken }))));
  assert.deepEqual(types.sort(), ["", "SESSION_ENDED"]);
  assert.equal(await verifyType(node, accessToken), "SESSION_ENDED");
});

test("what is no refresh token is refused, and no kind of token passes for the other", async () => {
  await using node = await createAccountNode();
  const { username } = await buildUser(node);
  const { accessToken, refreshToken } = await signIn(node, username);
  assert.equal(await errorType(node.call("auth.refresh", { refreshToken: "unknown" })), "SESSION_ENDED");
  assert.equal(await errorType(node.call("auth.refresh", { refreshToken: "x".repeat(257) })), "VALIDATION");
  assert.notEqual(await errorType(node.call("auth.refresh", { refreshToken: accessToken })), "");
  assert.equal(await verifyType(node, refreshToken), "UNAUTHENTICATED");
  assert.equal(await verifyType(node, accessToken), "");
});

test("an access token of another key or of no session is refused, an expired one is told apart", async () => {
  await using node = await createAccountNode();
  const { username } = await buildUser(node);
  const { caller } = await signIn(node, username);
  const claims = { ...caller, deviceType: "web", expiresAt: Date.now() + 60_000 } as const;
  const keys = tokenKeys(node.config.jwtSecret, null);
  assert.equal(await verifyType(node, signAccessToken(keys, claims, Date.now())), "");
  assert.equal(
    await verifyType(node, signAccessToken(keys, { ...claims, expiresAt: Date.now() - 1 }, Date.now())),
    "TOKEN_EXPIRED",
  );
  assert.equal(await verifyType(node, signAccessToken(keys, { ...claims, sessionId: "404" }, Date.now())), "SESSION_ENDED");
  assert.equal(await verifyType(node, signAccessToken(tokenKeys("x".repeat(48), null), claims, Date.now())), "UNAUTHENTICATED");
});

test("sessions survive a restart, and the change of the secret while the previous one is known", async () => {
  await using node = await createAccountNode();
  const { username } = await buildUser(node);
  const live = await signIn(node, username);
  const ended = await signIn(node, username);
  await node.as(ended.caller, "auth.logout", {});
  await using again = await createAccountNode([], {
    dataDir: node.config.dataDir,
    config: { jwtSecret: randomBytes(32).toString("hex"), jwtPreviousSecret: node.config.jwtSecret },
  });
  assert.equal((await again.call("auth.verify", { token: live.accessToken })).sessionId, live.caller.sessionId);
  assert.equal(await verifyType(again, ended.accessToken), "SESSION_ENDED");
  const renewed = await again.call("auth.refresh", { refreshToken: live.refreshToken });
  assert.equal(await verifyType(again, renewed.accessToken), "");
  assert.equal(await verifyType(node, renewed.accessToken), "UNAUTHENTICATED");
});

test("log-out ends this session, or all", async () => {
  const { heard, gateway } = endingsHeard();
  await using node = await createAccountNode([gateway]);
  const { username } = await buildUser(node);
  const [a, b, c] = [await signIn(node, username), await signIn(node, username), await signIn(node, username)];
  assert.equal(await node.as(a.caller, "auth.logout", {}), null);
  assert.equal(await node.as(a.caller, "auth.logout", {}), null);
  assert.deepEqual(await Promise.all([a, b, c].map(({ accessToken }) => verifyType(node, accessToken))), [
    "SESSION_ENDED",
    "",
    "",
  ]);
  await node.as(b.caller, "auth.logout", { all: true });
  assert.deepEqual(await Promise.all([b, c].map(({ accessToken }) => verifyType(node, accessToken))), [
    "SESSION_ENDED",
    "SESSION_ENDED",
  ]);
  assert.deepEqual(
    heard.map(({ sessionIds }) => sessionIds.length),
    [1, 2],
  );
});

test("devices are listed with what presence knows, and one can be ended", async () => {
  const heartbeatAt = Date.now() + 60_000;
  const presence = standIn("presence", { of: () => [{ online: true, connections: [{ deviceId: "phone", heartbeatAt }] }] });
  await using node = await createAccountNode([presence]);
  const { username } = await buildUser(node);
  const phone = await signIn(node, username, { deviceId: "phone", deviceType: "android", deviceName: "Pixel" });
  const laptop = await signIn(node, username, { deviceId: "laptop", deviceType: "desktop" });
  const byId = Object.fromEntries((await devicesOf(node, laptop.caller)).map((device) => [device.deviceId, device]));
  assert.deepEqual(byId["phone"], {
    deviceId: "phone",
    deviceType: "android",
    deviceName: "Pixel",
    online: true,
    lastSeenAt: heartbeatAt,
    current: false,
  });
  assert.deepEqual(
    { ...byId["laptop"], lastSeenAt: 0 },
    { deviceId: "laptop", deviceType: "desktop", deviceName: "", online: false, lastSeenAt: 0, current: true },
  );

  assert.equal(await node.as(laptop.caller, "auth.endDevice", { deviceId: "phone" }), null);
  assert.equal(await verifyType(node, phone.accessToken), "SESSION_ENDED");
  assert.deepEqual(
    (await devicesOf(node, laptop.caller)).map(({ deviceId }) => deviceId),
    ["laptop"],
  );
  assert.equal(await errorType(node.as(laptop.caller, "auth.endDevice", { deviceId: "phone" })), "DEVICE_NOT_FOUND");
  const stranger = await buildUser(node);
  assert.equal(await errorType(node.as(stranger.userId, "auth.endDevice", { deviceId: "laptop" })), "DEVICE_NOT_FOUND");
});

test("without presence all devices are offline", async () => {
  await using node = await createAccountNode();
  const { caller } = await signIn(node, (await buildUser(node)).username);
  assert.deepEqual(
    (await devicesOf(node, caller)).map(({ online }) => online),
    [false],
  );
});

test("sessions of a user end as asked, and asking again ends none", async () => {
  await using node = await createAccountNode();
  const { userId, username } = await buildUser(node);
  const [a, b, c] = [await signIn(node, username, { deviceId: "a" }), await signIn(node, username), await signIn(node, username)];
  const ask = async (choice: { deviceId?: string; exceptSessionId?: string | null }) =>
    (await node.call("auth.endSessions", { userId, reason: "kicked", ...choice })).ended;
  assert.deepEqual(await ask({ deviceId: "a" }), [a.caller.sessionId]);
  assert.deepEqual(await ask({ deviceId: "a" }), []);
  assert.deepEqual(await ask({ exceptSessionId: c.caller.sessionId }), [b.caller.sessionId]);
  assert.deepEqual(await ask({ exceptSessionId: null }), [c.caller.sessionId]);
});

test("tells which sessions have ended, also those that ended on another node", async () => {
  await using node = await createAccountNode();
  const { username } = await buildUser(node);
  const [a, b, c] = [await signIn(node, username), await signIn(node, username), await signIn(node, username)];
  const sessionIds = [a, b, c].map(({ caller }) => caller.sessionId);
  await using other = await createNode([auth], { dataDir: node.config.dataDir });
  assert.deepEqual(await other.call("auth.endedAmong", { sessionIds }), []);
  await node.as(b.caller, "auth.logout", {});
  assert.deepEqual(await node.call("auth.endedAmong", { sessionIds }), [b.caller.sessionId]);
  await waitFor(
    async () => (await other.call("auth.endedAmong", { sessionIds }))[0] === b.caller.sessionId,
    "the other node to see it",
  );
  assert.deepEqual(await node.call("auth.endedAmong", { sessionIds: [] }), []);
});

test("asking for thousands of sessions is cheap", async () => {
  await using node = await createAccountNode();
  const sessionIds = Array.from({ length: 20_000 }, (_, i) => String(i + 1));
  await call(node.broker, "auth.endedAmong", { sessionIds });
  const start = performance.now();
  await call(node.broker, "auth.endedAmong", { sessionIds });
  assert.ok(performance.now() - start < 1_000, `${performance.now() - start} ms`);
});

test("events end what a crash left alive, but not what was made afterwards", async () => {
  const probe = createProbe();
  await using node = await createAccountNode([probe.schema]);
  const { userId, username } = await buildUser(node);
  const [own, other] = [await signIn(node, username), await signIn(node, username)];
  await probe.publish("im.user.password.changed", { userId, exceptSessionId: own.caller.sessionId });
  assert.equal(await verifyType(node, other.accessToken), "SESSION_ENDED");
  assert.equal(await verifyType(node, own.accessToken), "");
  await probe.publish("im.user.disabled", { userId });
  assert.equal(await verifyType(node, own.accessToken), "SESSION_ENDED");

  const later = await signIn(node, username, { deviceName: "Dora's phone" });
  await probe.sql.execute("update session set created_at = created_at + 60000 where session_id = :id", {
    id: later.caller.sessionId,
  });
  await probe.publish("im.user.disabled", { userId });
  assert.equal(await verifyType(node, later.accessToken), "");
  await probe.publish("im.user.deleted", { userId, groupIds: [] });
  assert.equal(await verifyType(node, later.accessToken), "SESSION_ENDED");
  const rows = await probe.sql.select("select device_id, device_name from session where user_id = :userId", { userId });
  assert.deepEqual(new Set(rows.map((row) => JSON.stringify(row))), new Set(['{"device_id":"","device_name":""}']));
});

test("an ending that did not reach the hot store reaches it by its event", async () => {
  const probe = createProbe();
  await using node = await createAccountNode([probe.schema]);
  const { userId, username } = await buildUser(node);
  const { accessToken, caller } = await signIn(node, username);
  await probe.sql.execute("update session set ended_at = 1, end_reason = 'kicked' where session_id = :id", {
    id: caller.sessionId,
  });
  assert.equal(await verifyType(node, accessToken), "");
  await probe.publish("im.user.session.ended", { userId, sessionIds: [caller.sessionId], reason: "kicked" });
  assert.equal(await verifyType(node, accessToken), "SESSION_ENDED");
});

test("a sign-in that a ban or a new password overtook leaves no session", async () => {
  const own = {
    userId: "5",
    username: "eve",
    nickname: "Eve",
    avatar: "",
    signature: "",
    gender: "unknown",
    region: "",
    phone: null,
    email: null,
    createdAt: 1,
  };
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

test("a session that is in use has its time stored, when the node stops at the latest", async () => {
  const probe = createProbe();
  await using node = await createAccountNode([probe.schema]);
  const { username } = await buildUser(node);
  const { accessToken, caller } = await signIn(node, username);
  await probe.sql.execute("update session set last_seen_at = 1");
  await node.call("auth.verify", { token: accessToken });
  await using other = await createNode([auth], { dataDir: node.config.dataDir });
  await node.stop();
  const [device] = await devicesOf(other, caller);
  assert.ok((device?.lastSeenAt ?? 0) > 1);
});

test("times of last use move forward only, ended sessions count, and users without a session are missing", async () => {
  const probe = createProbe();
  await using node = await createAccountNode([probe.schema]);
  const alice = await buildUser(node);
  const bob = await buildUser(node);
  const [phone, laptop] = [await signIn(node, alice.username), await signIn(node, alice.username)];
  const { caller } = await signIn(node, bob.username);
  await node.as(laptop.caller, "auth.logout", {});
  const later = Date.now() + 60_000;
  await node.call("auth.seen", {
    items: [
      { sessionId: phone.caller.sessionId, at: 1 },
      { sessionId: laptop.caller.sessionId, at: later },
      { sessionId: caller.sessionId, at: later + 1 },
      { sessionId: "404", at: later },
    ],
  });
  const [before] = await devicesOf(node, phone.caller);
  await using other = await createNode([auth], { dataDir: node.config.dataDir });
  await node.stop();
  const userIds = [alice.userId, bob.userId, "404"];
  assert.deepEqual(await other.call("auth.lastSeenOf", { userIds }), { [alice.userId]: later, [bob.userId]: later + 1 });
  assert.equal((await devicesOf(other, phone.caller))[0]?.lastSeenAt, before?.lastSeenAt);
});

test("the times of many sessions are stored", async () => {
  await using database = await createDatabase();
  const { sql } = database;
  const times = Array.from({ length: 600 }, (_, index) => ({ sessionId: String(index + 1), at: 1_000 + index }));
  const row = {
    device_id: "d",
    device_type: "web" as const,
    device_name: "",
    created_at: 1,
    last_seen_at: 1,
    expires_at: 1,
    ended_at: null,
    end_reason: null,
  };
  await sql.transaction(async (tx) => {
    for (const { sessionId } of times) await insertSession(sql, { ...row, session_id: sessionId, user_id: sessionId }, tx);
  });
  await markSeen(sql, times);
  assert.deepEqual(
    await findLastSeen(
      sql,
      times.map(({ sessionId }) => sessionId),
    ),
    Object.fromEntries(times.map(({ sessionId, at }) => [sessionId, at])),
  );
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

test("expired sessions end without a hand, and old rows go", async () => {
  const probe = createProbe();
  await using node = await createAccountNode([probe.schema], { config: { refreshTokenTtlS: 1, accessTokenTtlS: 900 } });
  const { userId, username } = await buildUser(node);
  const { accessToken, refreshToken, expiresIn } = await signIn(node, username);
  assert.equal(expiresIn, 1);
  await waitFor(async () => (await verifyType(node, accessToken)) === "TOKEN_EXPIRED", "the access token to expire");
  await waitFor(async () => (await devicesOf(node, userId)).length === 0, "the session to expire");
  assert.equal(await errorType(node.call("auth.refresh", { refreshToken })), "SESSION_ENDED");

  const count = async (table: string) => Number((await probe.sql.select(`select count(*) as n from ${table}`))[0]?.["n"]);
  await pruneSessions(probe.sql, Date.now());
  assert.deepEqual([await count("session"), await count("refresh_token")], [1, 0]);
  await pruneSessions(probe.sql, Date.now() + 31 * 86_400_000);
  assert.equal(await count("session"), 0);
});

test("neither passwords nor tokens are stored as they are", async () => {
  const probe = createProbe();
  await using node = await createAccountNode([probe.schema]);
  const { username } = await buildUser(node);
  const { refreshToken, accessToken } = await signIn(node, username);
  const tables = await Promise.all(
    ["user", "session", "refresh_token", "outbox"].map((table) => probe.sql.select(`select * from ${table}`)),
  );
  const rows = JSON.stringify(tables);
  for (const secret of [PASSWORD, refreshToken, accessToken]) assert.ok(!rows.includes(secret));
});

test("works with its neighbours on another node, and errors cross", async () => {
  const broker = { transporter: "Fake", namespace: uniqueName("accounts") } as const;
  await using accounts = await createNode([user, settings], { broker });
  await using sessions = await createNode([auth], { broker, dataDir: accounts.config.dataDir });
  await Promise.all([accounts.broker.waitForServices(["auth"]), sessions.broker.waitForServices(["user", "settings"])]);
  const { userId, username } = await buildUser(accounts);
  assert.equal(await errorType(accounts.call("auth.login", { username, password: "wrong" })), "WRONG_CREDENTIALS");
  const [own, other] = [await signIn(accounts, username), await signIn(accounts, username)];
  assert.equal((await accounts.call("auth.verify", { token: own.accessToken })).userId, userId);
  assert.equal(await verifyType(accounts, "no token"), "UNAUTHENTICATED");
  await sessions.as(own.caller, "user.changePassword", { oldPassword: PASSWORD, newPassword: "another-fine-sentence" });
  assert.equal(await verifyType(accounts, other.accessToken), "SESSION_ENDED");
  assert.equal(await verifyType(accounts, own.accessToken), "");
});
