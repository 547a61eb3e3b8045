import assert from "node:assert/strict";
import { test } from "node:test";
import { call } from "../../lib/service.ts";
import auth from "../../services/auth/auth.service.ts";
import { pruneSessions } from "../../services/auth/prune.ts";
import { findLastSeen, insertSession, markSeen } from "../../services/auth/repository.ts";
import { buildUser, createAccountNode, createProbe, errorType, signIn, standIn } from "../support/accounts.ts";
import { createDatabase } from "../support/database.ts";
import { createNode } from "../support/node.ts";
import { devicesOf, endingsHeard, verifyType } from "../support/sessions.ts";
import { waitFor } from "../support/wait.ts";

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
