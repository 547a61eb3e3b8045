import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { tokenKeys } from "../../lib/token-keys.ts";
import { signAccessToken } from "../../lib/tokens.ts";
import auth from "../../services/auth/auth.service.ts";
import settings from "../../services/settings/settings.service.ts";
import user from "../../services/user/user.service.ts";
import { buildUser, createAccountNode, createProbe, errorType, PASSWORD, signIn, uniqueName } from "../support/accounts.ts";
import { createNode } from "../support/node.ts";
import { endingsHeard, verifyType } from "../support/sessions.ts";

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
