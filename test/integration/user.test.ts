import assert from "node:assert/strict";
import { test } from "node:test";
import { CONTACT_SEARCHES_PER_DAY, WRONG_PASSWORDS_PER_ACCOUNT } from "../../config/limits.ts";
import { toWireError } from "../../lib/errors.ts";
import user from "../../services/user/user.service.ts";
import settings from "../../services/settings/settings.service.ts";
import { buildUser, createAccountNode, errorType, PASSWORD, signIn, standIn, uniqueName } from "../support/accounts.ts";
import { createNode } from "../support/node.ts";

const noGroups = [standIn("group", { ownedBy: () => [] }), standIn("conversation", { roomsOf: () => ["g_5", "g_6"] })];

test("registers an account that others see without what is private", async () => {
  await using node = await createAccountNode();
  const username = uniqueName("Alice");
  const own = await buildUser(node, { username, phone: "+8613800000001", email: "Alice@Example.com" });
  assert.deepEqual(own, {
    userId: own.userId,
    username,
    nickname: username,
    avatar: "",
    signature: "",
    gender: "unknown",
    region: "",
    phone: "+8613800000001",
    email: "alice@example.com",
    createdAt: own.createdAt,
  });
  assert.deepEqual(await node.as(own.userId, "user.me", {}), own);
  const { phone: _phone, email: _email, createdAt: _createdAt, ...seen } = own;
  assert.deepEqual(await node.as("1", "user.get", { userId: own.userId }), seen);
  assert.deepEqual(await node.call("user.getMany", { userIds: [own.userId, "404", own.userId] }), [seen]);
  assert.equal(await node.call("user.idOf", { username: username.toUpperCase() }), own.userId);
  assert.equal(await node.call("user.idOf", { username: "nobody" }), null);
});

test("user name, phone and e-mail are unique, names and addresses without regard to case", async () => {
  await using node = await createAccountNode();
  const first = await buildUser(node, { phone: "13800000002", email: "bob@example.com" });
  assert.equal(await errorType(buildUser(node, { username: first.username.toUpperCase() })), "USERNAME_TAKEN");
  assert.equal(await errorType(buildUser(node, { phone: "13800000002" })), "CONTACT_TAKEN");
  assert.equal(await errorType(buildUser(node, { email: "BOB@example.com" })), "CONTACT_TAKEN");
  const second = await buildUser(node);
  assert.equal(await errorType(node.as(second.userId, "user.updateProfile", { email: "Bob@Example.com" })), "CONTACT_TAKEN");
  assert.equal(await errorType(node.as(second.userId, "user.updateProfile", { phone: "13800000002" })), "CONTACT_TAKEN");
});

test("of registrations of one name at one time exactly one succeeds", async () => {
  await using node = await createAccountNode();
  const username = uniqueName();
  const types = await Promise.all(Array.from({ length: 5 }, () => errorType(buildUser(node, { username }))));
  assert.deepEqual(types.sort(), ["", ...Array<string>(4).fill("USERNAME_TAKEN")]);
});

test("refuses weak passwords, codes, lone surrogates and harmful names", async () => {
  await using node = await createAccountNode();
  assert.equal(await errorType(buildUser(node, { password: "password1" })), "WEAK_PASSWORD");
  assert.equal(
    await errorType(buildUser(node, { username: "zebulon.krabbeltrog", password: "zebulon.krabbeltrog" })),
    "WEAK_PASSWORD",
  );
  for (const [field, value] of [
    ["code", "123456"],
    ["password", "correct-\ud800-battery"],
    ["password", "short"],
    ["nickname", "a\u0000b"],
    ["nickname", "a\udc00b"],
    ["username", "a b"],
    ["username", "al"],
    ["phone", "12"],
    ["email", "nobody"],
    ["status", "active"],
  ] as const) {
    await assert.rejects(
      buildUser(node, { [field]: value }),
      (error) => toWireError(error).status === 400 && JSON.stringify(error).includes(field),
      `${field} ${value}`,
    );
  }
});

test("a profile changes in the given fields and no others", async () => {
  await using node = await createAccountNode();
  const before = await buildUser(node, { phone: "13800000003" });
  const change = {
    nickname: "阿丽 😀 \u202e<b>",
    signature: "first\nsecond",
    gender: "female",
    region: "上海",
    avatar: "https://example.com/a.png",
    email: "c@example.com",
  } as const;
  const after = { ...before, ...change };
  assert.deepEqual(await node.as(before.userId, "user.updateProfile", change), after);
  assert.deepEqual(await node.as(before.userId, "user.updateProfile", {}), after);
  assert.deepEqual(await node.as(before.userId, "user.updateProfile", { phone: null, avatar: "" }), {
    ...after,
    phone: null,
    avatar: "",
  });
  assert.deepEqual(await node.as(before.userId, "user.me", {}), { ...after, phone: null, avatar: "" });
  assert.equal(await errorType(node.as(before.userId, "user.updateProfile", { username: "other" } as never)), "VALIDATION");
});

test("search finds the exact name, phone or e-mail of people who do not hide, and takes operators literally", async () => {
  await using node = await createAccountNode();
  const found = await buildUser(node, { username: "Find_Me.1", phone: "+4912345678", email: "Find.Me@example.com" });
  const search = async (keyword: string) => (await node.as("1", "user.search", { keyword })).items.map(({ userId }) => userId);
  assert.deepEqual(await search("find_me.1"), [found.userId]);
  assert.deepEqual(await search("+4912345678"), [found.userId]);
  assert.deepEqual(await search("find.me@Example.com"), [found.userId]);
  for (const keyword of ["find_me", "find%me.1", "%", "_", "find?me.1", "' or 1=1 --", "12345678", "$ne", '{"$gt":""}'])
    assert.deepEqual(await search(keyword), [], keyword);

  await node.as(found.userId, "settings.update", { searchable: false });
  assert.deepEqual(await search("Find_Me.1"), []);
  assert.deepEqual(await search("+4912345678"), []);
  assert.deepEqual(await search("find.me@example.com"), []);
});

test("phone numbers and e-mail addresses cannot be tried out without end", async () => {
  await using node = await createAccountNode([], { config: { rateLimits: true } });
  for (let i = 0; i < CONTACT_SEARCHES_PER_DAY; i++) await node.as("1", "user.search", { keyword: `1390000${i + 1000}` });
  for (const keyword of ["13900009999", "someone@example.com"])
    assert.equal(await errorType(node.as("1", "user.search", { keyword })), "QUOTA_EXCEEDED");
  const nobody = { items: [], nextCursor: null };
  assert.deepEqual(await node.as("1", "user.search", { keyword: "somebody" }), nobody);
  assert.deepEqual(await node.as("2", "user.search", { keyword: "13900009999" }), nobody);
});

test("a disabled user is gone from search and by id, cannot sign in, and comes back when enabled", async () => {
  await using node = await createAccountNode();
  const { userId, username } = await buildUser(node);
  const { accessToken } = await signIn(node, username);
  await node.call("user.setDisabled", { userId, disabled: true });
  assert.equal(await errorType(node.call("auth.verify", { token: accessToken })), "SESSION_ENDED");
  assert.equal(await errorType(node.call("auth.login", { username, password: PASSWORD })), "WRONG_CREDENTIALS");
  assert.equal(await errorType(node.as("1", "user.get", { userId })), "USER_NOT_FOUND");
  assert.deepEqual((await node.as("1", "user.search", { keyword: username })).items, []);
  assert.deepEqual(await node.call("user.activeAmong", { userIds: [userId] }), []);
  assert.equal((await node.call("user.getMany", { userIds: [userId] })).length, 1);

  await node.call("user.setDisabled", { userId, disabled: false });
  assert.equal((await node.as("1", "user.get", { userId })).userId, userId);
  assert.deepEqual(await node.call("user.activeAmong", { userIds: [userId, "404"] }), [userId]);
  const again = await signIn(node, username);
  assert.equal((await node.call("auth.verify", { token: again.accessToken })).userId, userId);
  assert.equal(await errorType(node.call("auth.verify", { token: accessToken })), "SESSION_ENDED");
  assert.equal(await errorType(node.call("user.setDisabled", { userId: "404", disabled: true })), "USER_NOT_FOUND");
});

test("a new password ends the other sessions and not the own one", async () => {
  await using node = await createAccountNode();
  const { username } = await buildUser(node);
  const own = await signIn(node, username);
  const other = await signIn(node, username);
  const next = "another-fine-sentence";
  assert.equal(
    await errorType(node.as(own.caller, "user.changePassword", { oldPassword: "not this one", newPassword: next })),
    "WRONG_OLD_PASSWORD",
  );
  assert.equal(
    await errorType(node.as(own.caller, "user.changePassword", { oldPassword: PASSWORD, newPassword: "password1" })),
    "WEAK_PASSWORD",
  );
  assert.equal((await node.call("auth.verify", { token: other.accessToken })).sessionId, other.caller.sessionId);

  assert.equal(await node.as(own.caller, "user.changePassword", { oldPassword: PASSWORD, newPassword: next }), null);
  assert.equal((await node.call("auth.verify", { token: own.accessToken })).sessionId, own.caller.sessionId);
  assert.equal(await errorType(node.call("auth.verify", { token: other.accessToken })), "SESSION_ENDED");
  assert.equal(await errorType(node.call("auth.refresh", { refreshToken: other.refreshToken })), "SESSION_ENDED");
  assert.equal(await errorType(signIn(node, username)), "WRONG_CREDENTIALS");
  await signIn(node, username, { password: next });
  await node.call("auth.refresh", { refreshToken: own.refreshToken });
});

test("guessing the old password is limited", async () => {
  await using node = await createAccountNode([], { config: { rateLimits: true } });
  const { userId } = await buildUser(node);
  const change = (oldPassword: string) =>
    errorType(node.as(userId, "user.changePassword", { oldPassword, newPassword: "another-fine-sentence" }));
  for (let i = 0; i < WRONG_PASSWORDS_PER_ACCOUNT; i++) assert.equal(await change("wrong"), "WRONG_OLD_PASSWORD");
  assert.equal(await change(PASSWORD), "RATE_LIMITED");
});

test("of two changes of the password at one time one wins", async () => {
  await using node = await createAccountNode();
  const { userId } = await buildUser(node);
  const change = (newPassword: string) =>
    errorType(node.as(userId, "user.changePassword", { oldPassword: PASSWORD, newPassword }));
  assert.deepEqual((await Promise.all([change("first-of-two-changes"), change("second-of-two-changes")])).sort(), [
    "",
    "WRONG_OLD_PASSWORD",
  ]);
});

test("a deleted account leaves only its user name", async () => {
  await using node = await createAccountNode(noGroups);
  const { userId, username } = await buildUser(node, { nickname: "Dora", phone: "13800000004", email: "dora@example.com" });
  const { caller, accessToken } = await signIn(node, username);
  assert.equal(await node.as(caller, "user.deleteMe", {}), null);

  assert.equal(await errorType(node.call("auth.verify", { token: accessToken })), "SESSION_ENDED");
  assert.equal(await errorType(node.call("auth.login", { username, password: PASSWORD })), "WRONG_CREDENTIALS");
  assert.equal(await errorType(node.call("auth.login", { email: "dora@example.com", password: PASSWORD })), "WRONG_CREDENTIALS");
  assert.equal(await errorType(node.as("1", "user.get", { userId })), "USER_NOT_FOUND");
  assert.equal(await errorType(node.as(caller, "user.me", {})), "SESSION_ENDED");
  assert.equal(await errorType(node.as(caller, "user.deleteMe", {})), "SESSION_ENDED");
  assert.equal(await errorType(node.call("user.setDisabled", { userId, disabled: false })), "USER_NOT_FOUND");
  assert.deepEqual((await node.as("1", "user.search", { keyword: username })).items, []);
  assert.deepEqual(await node.call("user.getMany", { userIds: [userId] }), [
    { userId, username, nickname: "Deleted user", avatar: "", signature: "", gender: "unknown", region: "" },
  ]);
  assert.equal(await errorType(buildUser(node, { username })), "USERNAME_TAKEN");
  await buildUser(node, { phone: "13800000004", email: "dora@example.com" });
});

test("the owner of a group cannot be deleted, nor anyone while groups cannot be asked", async () => {
  await using owner = await createAccountNode([standIn("group", { ownedBy: () => ["7"] })]);
  const { userId } = await buildUser(owner);
  assert.equal(await errorType(owner.as(userId, "user.deleteMe", {})), "OWNER_MUST_TRANSFER");
  await owner.as(userId, "user.me", {});

  await using alone = await createAccountNode();
  const other = await buildUser(alone);
  await assert.rejects(alone.as(other.userId, "user.deleteMe", {}), (error) => toWireError(error).type === "UNAVAILABLE");
  await alone.as(other.userId, "user.me", {});
});

const neighbours = (messages: (params: { after?: { seq: number }; limit: number }) => unknown[]) => [
  standIn("friend", { exportOf: ({ userId }: { userId: string }) => ({ of: userId }) }),
  standIn("group", { exportOf: () => ({ groups: [] }) }),
  standIn("conversation", { exportOf: () => ({ conversations: [] }) }),
  standIn("notification", { exportOf: () => [] }),
  standIn("message", { exportOf: messages as never, exportFavorites: () => [] }),
  standIn("scheduler", { exportOf: () => [] }),
];

test("the export holds all of one's own, messages paged to their end", async () => {
  const total = 2_345;
  const page = ({ after, limit }: { after?: { seq: number }; limit: number }) => {
    const from = after?.seq ?? 0;
    return Array.from({ length: Math.min(limit, total - from) }, (_, i) => ({ conversationId: "g_1", seq: from + i + 1 }));
  };
  await using node = await createAccountNode(neighbours(page));
  const own = await buildUser(node);
  const { caller } = await signIn(node, own.username, { deviceId: "laptop" });
  const data = (await node.as(caller, "user.exportMe", {})) as Record<string, unknown[]>;
  assert.deepEqual(Object.keys(data).sort(), [
    "conversations",
    "devices",
    "exportedAt",
    "favorites",
    "friends",
    "groups",
    "messages",
    "notifications",
    "scheduled",
    "settings",
    "user",
  ]);
  assert.deepEqual(data["user"], own);
  assert.deepEqual(data["friends"], { of: own.userId });
  assert.deepEqual(
    (data["devices"] as { deviceId: string }[]).map(({ deviceId }) => deviceId),
    ["laptop"],
  );
  assert.deepEqual(
    (data["messages"] as { seq: number }[]).map(({ seq }) => seq),
    Array.from({ length: total }, (_, i) => i + 1),
  );
  assert.ok(!JSON.stringify(data).includes("$2b$"));
});

test("an export that would have a gap is an error", async () => {
  await using node = await createAccountNode(neighbours(() => []).filter(({ name }) => name !== "notification"));
  const { userId } = await buildUser(node);
  await assert.rejects(node.as(userId, "user.exportMe", {}), (error) => toWireError(error).type === "UNAVAILABLE");
});

test("a hash of lower cost is renewed at the next sign-in", async () => {
  await using node = await createNode([user, settings], { config: { bcryptRounds: 4 } });
  const { userId, username } = await buildUser(node);
  await using dearer = await createNode([user, settings], { config: { bcryptRounds: 5 }, dataDir: node.config.dataDir });
  const first = await node.call("user.authenticate", { username, password: PASSWORD });
  const [a, b] = await Promise.all([1, 2].map(() => dearer.call("user.authenticate", { username, password: PASSWORD })));
  assert.notEqual(a?.credential, first?.credential);
  assert.equal(a?.credential, b?.credential);
  assert.equal(await dearer.call("user.credentialHolds", { userId, credential: a?.credential ?? "" }), true);
  assert.equal(await dearer.call("user.credentialHolds", { userId, credential: first?.credential ?? "" }), false);
});
