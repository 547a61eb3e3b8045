import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { uniqueName } from "../support/accounts.ts";
import type { RestAnswer } from "../support/client.ts";
import { buildUser, PASSWORD, startIm, type Im, type TestUser } from "../support/im.ts";
import { buildFriends, buildUsers } from "../support/people.ts";
import { fields, handshake, has, history, names, ok, refused, say, send, type Json, type Page } from "../support/wire.ts";

/** The wire contract of accounts, sessions and devices, statement by statement. */

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

const freshName = (): string => uniqueName("wire");

test("registering and signing in", async () => {
  const open = im.api();
  const username = freshName();
  const { user } = await ok<{ user: Json }>(open.post("/users/register", { username, password: PASSWORD }), 201);
  has(user, fields.ownUser);
  assert.deepEqual([user["username"], user["phone"], user["email"]], [username, null, null]);
  assert.match(user["userId"] as string, /^[1-9]\d*$/);
  await refused(open.post("/users/register", { username: username.toUpperCase(), password: PASSWORD }), 409, 1001);

  const login = await ok(
    open.post("/users/login", {
      username: username.toUpperCase(),
      password: PASSWORD,
      deviceId: "pc",
      deviceType: "desktop",
      deviceName: "My PC",
    }),
  );
  has(login, "accessToken expiresIn refreshToken user");
  has(login["user"], fields.ownUser);
  assert.equal(login["expiresIn"], im.node.config.accessTokenTtlS);
  await refused(open.post("/users/login", { username, password: "wrong-horse-battery" }), 401, 1002);
  await refused(open.post("/users/login", { username: freshName(), password: PASSWORD }), 401, 1002);

  const digits = `+86${String(Date.now()).slice(-9)}`;
  const [phone, email] = [digits, `${freshName()}@Example.com`];
  const contact = { password: PASSWORD, phone, email, nickname: "小明" };
  await ok(open.post("/users/register", { username: freshName(), ...contact }), 201);
  await refused(open.post("/users/register", { username: freshName(), password: PASSWORD, phone }), 409);
  await refused(open.post("/users/register", { username: freshName(), password: PASSWORD, email: email.toLowerCase() }), 409);
  const { accessToken } = await ok<{ accessToken: string }>(open.post("/users/login", { phone, password: PASSWORD }));
  await ok(open.post("/users/login", { email, password: PASSWORD }));
  for (const keyword of [phone, email]) {
    const found = await ok<Page>(im.api(accessToken).get(`/users/search?keyword=${encodeURIComponent(keyword)}`));
    assert.deepEqual(
      found.items.map(({ nickname }) => nickname),
      ["小明"],
      keyword,
    );
  }
  await names(open.post("/users/register", { username: freshName(), password: PASSWORD, code: "123456" }), "code");
  await names(open.post("/users/login", { phone, code: "123456" }), "code");
});

test("what a name, a password and a contact may be", async () => {
  const register = (more: Json): Promise<RestAnswer<unknown>> =>
    im.api().post("/users/register", { username: freshName(), password: PASSWORD, ...more });
  for (const username of ["ab", "a".repeat(33), "a b", "名字名字", "a\u0000b", ""])
    await names(register({ username }), "username");
  for (const nickname of ["", "x".repeat(65), "a\u0000", "\ud800"]) await names(register({ nickname }), "nickname");
  await ok(register({ nickname: "😀".repeat(64) }), 201);
  for (const password of ["Ab1-xyz", "x".repeat(129)]) await names(register({ password }), "password");
  for (const password of ["password", "12345678", "qwertyuiop", "password1"]) await refused(register({ password }), 400);
  await ok(register({ password: "密码很长而且谁也猜不到的一句话".repeat(3) }), 201);
  await names(register({ role: "admin", isAdmin: true }), "role", "isAdmin");
  await names(im.api().post("/users/register", {}), "username", "password");
  await refused(im.api().post("/users/register", undefined, { raw: "{" }), 400);
  await refused(im.api().post("/users/register", undefined, { raw: `{"username":"x","__proto__":{}}` }), 400);
});

test("refresh tokens rotate; a used one ends its family at once", async () => {
  const [user] = (await buildUsers(im, 1)) as [TestUser];
  const other = await user.signIn();
  const fresh = await ok<{ accessToken: string; refreshToken: string }>(
    im.api().post("/auth/refresh", { refreshToken: user.refreshToken }),
  );
  has(fresh, "accessToken expiresIn refreshToken");
  await ok(im.api(fresh.accessToken).get("/users/me"));
  await refused(im.api().post("/auth/refresh", { refreshToken: user.refreshToken }), 401, 1004);
  await refused(im.api(fresh.accessToken).get("/users/me"), 401, 1004);
  await refused(im.api().post("/auth/refresh", { refreshToken: fresh.refreshToken }), 401, 1004);
  await ok(other.rest.get("/users/me"));
});

test("log-out ends this session, or all", async () => {
  const [user] = (await buildUsers(im, 1)) as [TestUser];
  const [second, third] = [await user.signIn(), await user.signIn()];
  assert.equal(await ok(user.rest.post("/auth/logout")), null);
  await refused(user.rest.get("/users/me"), 401, 1004);
  assert.deepEqual((await handshake(im, user.token))?.code, 1004);
  await ok(second.rest.post("/auth/logout", { all: true }));
  await refused(third.rest.get("/users/me"), 401, 1004);
});

test("profile, other users, search", async () => {
  const [user, other] = (await buildUsers(im, 2)) as [TestUser, TestUser];
  const me = await ok(user.rest.get("/users/me"));
  has(me, fields.ownUser);
  const change = {
    nickname: "New",
    avatar: "https://example.com/a.png",
    signature: "line\nline",
    gender: "female",
    region: "上海",
  };
  const changed = await ok(user.rest.put("/users/me/profile", change));
  assert.deepEqual({ ...changed, ...change }, changed);
  has(changed, fields.ownUser);
  for (const avatar of ["http://example.com/a.png", "javascript:alert(1)", `https://example.com/${"a".repeat(512)}`])
    await names(user.rest.put("/users/me/profile", { avatar }), "avatar");
  await names(user.rest.put("/users/me/profile", { userId: "1", status: "x", nickname: "y" }), "userId", "status");
  const seen = await ok(other.rest.get(`/users/${user.userId}`));
  has(seen, fields.user);
  await refused(other.rest.get("/users/999"), 404);
  const found = await ok<Page>(other.rest.get(`/users/search?keyword=${user.username}`));
  has(found, fields.page);
  assert.deepEqual([found.items.map(({ userId }) => userId), found.nextCursor], [[user.userId], null]);
  has(found.items[0], fields.user);
  assert.deepEqual((await ok<Page>(other.rest.get(`/users/search?keyword=${user.username.slice(0, -1)}&limit=5`))).items, []);
  await ok(user.rest.put("/users/me/settings", { searchable: false }));
  assert.deepEqual((await ok<Page>(other.rest.get(`/users/search?keyword=${user.username}`))).items, []);
});

test("settings have their defaults and change one by one", async () => {
  const [user] = (await buildUsers(im, 1)) as [TestUser];
  const settings = await ok(user.rest.get("/users/me/settings"));
  has(settings, fields.settings);
  assert.deepEqual(settings, {
    whoMayAddMe: "everyone",
    searchable: true,
    showReadReceipts: true,
    showPresence: true,
    dnd: null,
    language: "en",
  });
  const dnd = { from: "22:00", to: "07:30", timeZone: "Asia/Shanghai" };
  assert.deepEqual(await ok(user.rest.put("/users/me/settings", { dnd, language: "zh" })), { ...settings, dnd, language: "zh" });
  assert.deepEqual(await ok(user.rest.put("/users/me/settings", { dnd: null })), { ...settings, language: "zh" });
  await names(user.rest.put("/users/me/settings", { whoMayAddMe: "friends" }), "whoMayAddMe");
});

test("devices: the same deviceId replaces its session; one can be ended", async () => {
  const [user] = (await buildUsers(im, 1)) as [TestUser];
  const first = await user.signIn({ deviceId: "phone", deviceType: "ios", deviceName: "iPhone" });
  const phone = await user.signIn({ deviceId: "phone", deviceType: "ios", deviceName: "iPhone" });
  await refused(first.rest.get("/users/me"), 401, 1004);
  await refused(im.api().post("/auth/refresh", { refreshToken: first.refreshToken }), 401, 1004);
  const devices = await ok<Page>(phone.rest.get("/users/me/devices?limit=100"));
  has(devices, fields.page);
  assert.equal(devices.items.length, 2);
  for (const device of devices.items) has(device, fields.device);
  const mine = devices.items.find(({ current }) => current);
  assert.deepEqual(
    [mine?.["deviceId"], mine?.["deviceType"], mine?.["deviceName"], mine?.["online"]],
    ["phone", "ios", "iPhone", false],
  );
  const one = await ok<Page>(phone.rest.get("/users/me/devices?limit=1"));
  const rest = await ok<Page>(phone.rest.get(`/users/me/devices?limit=1&cursor=${one.nextCursor ?? ""}`));
  assert.deepEqual(
    [...one.items, ...rest.items].map(({ deviceId }) => deviceId).sort(),
    devices.items.map(({ deviceId }) => deviceId).sort(),
  );
  assert.equal(rest.nextCursor, null);
  assert.deepEqual(await handshake(im, phone.token, "another").then((data) => data?.code), 1009);
  await using socket = await im.connect({ token: phone.token, deviceId: "phone" });
  assert.equal(await ok(user.rest.delete("/users/me/devices/phone")), null);
  const ended = await socket.next<Json>("session:ended");
  has(ended, "code reason");
  assert.equal(ended["code"], 1004);
  await socket.closed;
  await refused(phone.rest.get("/users/me"), 401, 1004);
  await refused(user.rest.delete("/users/me/devices/phone"), 404);
});

test("a new password ends the other sessions, not the own one", async () => {
  const [user] = (await buildUsers(im, 1)) as [TestUser];
  const other = await user.signIn();
  await using socket = await im.connect({ token: other.token });
  await using own = await im.connect({ token: user.token });
  const newPassword = `${PASSWORD}-new`;
  await refused(user.rest.put("/users/me/password", { oldPassword: "wrong-horse", newPassword }), 403, 1002);
  await refused(user.rest.put("/users/me/password", { oldPassword: PASSWORD, newPassword: "password" }), 400);
  assert.equal(await ok(user.rest.put("/users/me/password", { oldPassword: PASSWORD, newPassword })), null);
  await socket.closed;
  assert.equal(socket.of("session:ended").length, 1);
  await refused(other.rest.get("/users/me"), 401, 1004);
  await refused(im.api().post("/auth/refresh", { refreshToken: other.refreshToken }), 401, 1004);
  await ok(user.rest.get("/users/me"));
  assert.ok(own.socket.connected);
  await refused(im.api().post("/users/login", { username: user.username, password: PASSWORD }), 401, 1002);
  await ok(im.api().post("/users/login", { username: user.username, password: newPassword }));
});

test("a deleted account leaves its user name taken and nothing else", async () => {
  const { a, b, conversationId } = await buildFriends(im);
  await say(a, conversationId, "gone soon");
  await using socket = await im.connect({ token: a.token });
  assert.equal(await ok(a.rest.delete("/users/me")), null);
  assert.equal((await socket.next<{ code: number }>("session:ended")).code, 1004);
  await refused(a.rest.get("/users/me"), 401, 1004);
  await refused(im.api().post("/users/login", { username: a.username, password: PASSWORD }), 401, 1002);
  await refused(im.api().post("/users/register", { username: a.username, password: PASSWORD }), 409, 1001);
  await refused(b.rest.get(`/users/${a.userId}`), 404);
  await im.settled();
  assert.deepEqual(
    (await history(b, conversationId)).items.map(({ content }) => content),
    [{}],
  );
  assert.deepEqual((await ok<{ items: Json[] }>(b.rest.get("/social/friends"))).items, []);
  await refused(send(b, conversationId), 403, 3002);
});

test("wrong passwords too often are 429 with Retry-After", async () => {
  await using limited = await startIm({ rateLimits: true });
  const user = await buildUser(limited);
  const wrong = (): Promise<RestAnswer<unknown>> =>
    limited.api().post("/users/login", { username: user.username, password: "wrong-horse-battery" });
  for (let i = 0; i < 10; i++) await refused(wrong(), 401, 1002);
  const { headers } = await refused(wrong(), 429);
  assert.ok(Number(headers.get("retry-after")) > 0);
});
