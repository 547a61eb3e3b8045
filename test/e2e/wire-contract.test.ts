import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { API_PREFIX } from "../../contracts/routes.ts";
import { directConversationId } from "../../lib/conversation-id.ts";
import { Refused, type Client, type RestAnswer } from "../support/client.ts";
import { befriend, buildGroup, buildUser, clientMsgId, PASSWORD, startIm, text, type Im, type TestUser } from "../support/im.ts";
import { waitFor } from "../support/wait.ts";

/** The wire contract, statement by statement, as a program that knows nothing else would use it. */

type Json = Record<string, unknown>;
/** An object whose fields are objects. */
type Nested = Record<string, Json>;
type Page = { items: Json[]; nextCursor: string | null };

let im: Im;
before(async () => {
  im = await startIm();
});
after(() => im.stop());

const fields = {
  user: "avatar gender nickname region signature userId username",
  ownUser: "avatar createdAt email gender nickname phone region signature userId username",
  device: "current deviceId deviceName deviceType lastSeenAt online",
  settings: "dnd language searchable showPresence showReadReceipts whoMayAddMe",
  friend: "muted remark since tags user",
  friendRequest: "createdAt from handledAt message requestId status to",
  group:
    "allMuted announcement avatar conversationId createdAt groupId historyVisible joinMode maxMembers memberCount memberInvite myRole name ownerId version",
  groupCard: "avatar groupId joinMode memberCount name",
  member: "joinedAt mutedUntil nickname role user userId",
  invitation: "expiresAt group invitationId inviter status",
  inviteLink: "expiresAt inviteCode maxUses uses",
  joinRequest: "createdAt groupId handledAt message requestId status user",
  conversation: "conversationId draft hidden lastMessage maxSeq mentioned muted pinned readSeq type unread",
  message: "clientMsgId content conversationId createdAt messageId senderId seq status type",
  sent: "conversationId createdAt messageId seq",
  notification: "createdAt data notificationId read text type",
  presence: "devices lastSeenAt online userId",
  page: "items nextCursor",
  listed: "since user",
  roster: "items removed version",
} as const;

/** Has exactly these fields. */
function has(value: unknown, ...names: string[]): void {
  assert.deepEqual(Object.keys(value as object).sort(), names.join(" ").split(" ").sort());
}
async function ok<T = Json>(answer: Promise<RestAnswer<unknown>>, status = 200): Promise<T> {
  const { code, status: given, message, data } = await answer;
  assert.deepEqual([given, code, message], [status, 0, "ok"], JSON.stringify(data));
  return data as T;
}
async function refused(answer: Promise<RestAnswer<unknown>>, status: number, code?: number): Promise<RestAnswer<Json | null>> {
  const given = (await answer) as RestAnswer<Json | null>;
  assert.equal(given.status, status, JSON.stringify(given));
  if (code !== undefined) assert.equal(given.code, code, given.message);
  assert.ok(given.code > 0 && given.message !== "");
  return given;
}
/** Refused as bad input that names these fields. */
async function names(answer: Promise<RestAnswer<unknown>>, ...expected: string[]): Promise<void> {
  const { data } = await refused(answer, 400);
  const named = (data?.["fields"] as { field: string }[]).map(({ field }) => field);
  for (const field of expected) assert.ok(named.includes(field), `${field} in ${JSON.stringify(data)}`);
}
const people = (count: number): Promise<TestUser[]> => Promise.all(Array.from({ length: count }, () => buildUser(im)));
const two = async (): Promise<[TestUser, TestUser, string]> => {
  const [a, b] = (await people(2)) as [TestUser, TestUser];
  return [a, b, await befriend(im, a, b)];
};
let made = 0;
const freshName = (): string => `wire_${process.pid}_${++made}`;
const send = (who: TestUser, conversationId: string, words = "hello", more: Json = {}): Promise<RestAnswer<Json>> =>
  who.rest.post("/messages", { ...text(conversationId, words), ...more });
const say = (
  who: TestUser,
  conversationId: string,
  words = "hello",
  more: Json = {},
): Promise<{ messageId: string; seq: number }> => ok(send(who, conversationId, words, more), 201);
const history = (who: TestUser, conversationId: string, query = ""): Promise<{ items: Json[]; maxSeq: number; minSeq: number }> =>
  ok(who.rest.get(`/messages/conversations/${conversationId}/history${query}`));
const seqs = ({ items }: { items: Json[] }): unknown[] => items.map(({ seq }) => seq);
const conversationOf = async (who: TestUser, conversationId: string): Promise<Json | undefined> =>
  (await ok<Page>(who.rest.get("/social/conversations?limit=100"))).items.find((one) => one["conversationId"] === conversationId);
/** What the handshake is refused with. */
async function handshake(
  token: string | undefined,
  deviceId?: string,
  headers: Record<string, string> = {},
): Promise<Refused["data"]> {
  try {
    await im.connect({ ...(token !== undefined && { token }), ...(deviceId !== undefined && { deviceId }), headers });
    return undefined;
  } catch (error) {
    assert.ok(error instanceof Refused);
    return error.data;
  }
}

test("every answer is the envelope, with the request's id and the client's language", async () => {
  const [user] = (await people(1)) as [TestUser];
  const ask = async (path: string, headers: Record<string, string> = {}, method = "GET"): Promise<[Response, Json]> => {
    const response = await fetch(im.url + path, { method, headers: { Authorization: `Bearer ${user.token}`, ...headers } });
    return [response, (await response.json()) as Json];
  };
  const [response, envelope] = await ask(`${API_PREFIX}/users/me`, { "X-Request-Id": "mine-1" });
  has(envelope, "code data message requestId timestamp");
  assert.deepEqual([envelope["code"], envelope["message"], envelope["requestId"]], [0, "ok", "mine-1"]);
  assert.equal(response.headers.get("x-request-id"), "mine-1");
  assert.ok(Math.abs(Date.now() - (envelope["timestamp"] as number)) < 10_000);
  assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
  for (const [path, status, method] of [
    [`${API_PREFIX}/users/999`, 404, "GET"],
    [`${API_PREFIX}/nowhere`, 404, "GET"],
    [`${API_PREFIX}/users/me`, 405, "POST"],
    [`${API_PREFIX}/users/login`, 405, "GET"],
    [`${API_PREFIX}/users/me?x=1`, 400, "GET"],
  ] as const) {
    const [english, inEnglish] = await ask(path, { "Accept-Language": "en" }, method);
    const [, inChinese] = await ask(path, { "Accept-Language": "zh-CN,zh;q=0.9" }, method);
    assert.equal(english.status, status, path);
    has(inEnglish, "code data message requestId timestamp");
    assert.match(inEnglish["message"] as string, /^[A-Z][ -~]+$/);
    assert.match(inChinese["message"] as string, /[\u4e00-\u9fff]/);
  }
});

test("without a token, or with a bad one, everything but the open routes is 401", async () => {
  for (const token of [undefined, "bad"]) await refused(im.api(token).get("/users/me"), 401);
  await refused(im.api().post("/social/groups", { name: "x" }), 401);
});

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
  const [user] = (await people(1)) as [TestUser];
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
  const [user] = (await people(1)) as [TestUser];
  const [second, third] = [await user.signIn(), await user.signIn()];
  assert.equal(await ok(user.rest.post("/auth/logout")), null);
  await refused(user.rest.get("/users/me"), 401, 1004);
  assert.deepEqual((await handshake(user.token))?.code, 1004);
  await ok(second.rest.post("/auth/logout", { all: true }));
  await refused(third.rest.get("/users/me"), 401, 1004);
});

test("profile, other users, search", async () => {
  const [user, other] = (await people(2)) as [TestUser, TestUser];
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
  const [user] = (await people(1)) as [TestUser];
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
  const [user] = (await people(1)) as [TestUser];
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
  assert.deepEqual(await handshake(phone.token, "another").then((data) => data?.code), 1009);
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
  const [user] = (await people(1)) as [TestUser];
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

test("friend requests", async () => {
  const [a, b, c] = (await people(3)) as [TestUser, TestUser, TestUser];
  const ask = (from: TestUser, to: TestUser, message?: string): Promise<RestAnswer<unknown>> =>
    from.rest.post("/social/friends/request", { userId: to.userId, ...(message !== undefined && { message }) });
  const answer = (who: TestUser, requestId: string, action: string): Promise<RestAnswer<unknown>> =>
    who.rest.put(`/social/friends/request/${requestId}`, { action });
  await refused(ask(a, a), 400, 2004);
  await refused(a.rest.post("/social/friends/request", { userId: "999" }), 404);
  const asked = await ok<{ requestId: string }>(ask(a, b, "It is me"), 201);
  has(asked, "requestId");
  await refused(ask(a, b), 409, 2002);
  const incoming = await ok<Page>(b.rest.get("/social/friends/requests?direction=in"));
  has(incoming, fields.page);
  has(incoming.items[0], fields.friendRequest);
  const { message, status, handledAt } = incoming.items[0] as Json;
  const { from, to } = incoming.items[0] as Nested;
  has(from, fields.user);
  has(to, fields.user);
  assert.deepEqual(
    [from?.["userId"], to?.["userId"], message, status, handledAt],
    [a.userId, b.userId, "It is me", "pending", null],
  );
  assert.equal((await ok<Page>(a.rest.get("/social/friends/requests?direction=out"))).items[0]?.["requestId"], asked.requestId);
  for (const outsider of [a, c]) await refused(answer(outsider, asked.requestId, "accept"), 404);
  const rejected = await ok(answer(b, asked.requestId, "reject"));
  has(rejected, fields.friendRequest);
  assert.equal(rejected["status"], "rejected");
  await refused(answer(b, asked.requestId, "accept"), 409);
  await ok(ask(a, b), 201);
  await ok(ask(b, a), 201);
  await refused(ask(a, b), 409, 2001);
  const friends = await ok<{ items: Json[]; removed: string[]; version: string }>(a.rest.get("/social/friends"));
  has(friends, fields.roster);
  has(friends.items[0], fields.friend);
  assert.deepEqual((friends.items[0] as Nested)["user"]?.["userId"], b.userId);
  assert.equal(await conversationOf(a, directConversationId(a.userId, b.userId)), undefined);
  assert.deepEqual(await history(a, directConversationId(a.userId, b.userId)), { items: [], maxSeq: 0, minSeq: 1 });

  const since = `/social/friends?sinceVersion=${friends.version}`;
  assert.deepEqual(await ok(a.rest.get(since)), { items: [], removed: [], version: friends.version });
  const edited = await ok(a.rest.put(`/social/friends/${b.userId}`, { remark: "Bee", muted: true, tags: ["work"] }));
  has(edited, fields.friend);
  assert.deepEqual([edited["remark"], edited["muted"], edited["tags"]], ["Bee", true, ["work"]]);
  const delta = await ok<{ items: Json[]; version: string }>(a.rest.get(since));
  assert.deepEqual([delta.items.length, delta.version === friends.version], [1, false]);
  await refused(a.rest.put(`/social/friends/${c.userId}`, { remark: "x" }), 404);
  assert.equal(await ok(b.rest.delete(`/social/friends/${a.userId}`)), null);
  const removed = await ok<{ items: Json[]; removed: string[] }>(a.rest.get(since));
  assert.deepEqual([removed.items, removed.removed], [[], [b.userId]]);
  await refused(send(a, directConversationId(a.userId, b.userId)), 403, 3002);
  await ok(ask(a, b), 201);
  await refused(send(a, directConversationId(a.userId, b.userId)), 403, 3002);
  await ok(c.rest.put("/users/me/settings", { whoMayAddMe: "nobody" }));
  await refused(ask(a, c), 403);
});

test("block list and white list", async () => {
  const [a, b, conversationId] = await two();
  for (const list of ["blacklist", "whitelist"]) {
    assert.equal(await ok(a.rest.put(`/social/${list}/${b.userId}`)), null);
    const page = await ok<Page>(a.rest.get(`/social/${list}`));
    has(page, fields.page);
    has(page.items[0], fields.listed);
    has(page.items[0]?.["user"], fields.user);
    await refused(a.rest.put(`/social/${list}/${a.userId}`), 400);
    await refused(a.rest.put(`/social/${list}/999`), 404);
  }
  const opens = (who: TestUser, peer: TestUser): Promise<RestAnswer<unknown>> =>
    who.rest.post("/social/conversations", { userId: peer.userId });
  await refused(send(b, conversationId), 403, 3002);
  await refused(send(a, conversationId), 403, 3003);
  await refused(opens(b, a), 403, 3002);
  await refused(opens(a, b), 403, 3003);
  assert.equal((await ok<{ items: Json[] }>(b.rest.get("/social/friends"))).items.length, 1);
  for (const list of ["blacklist", "whitelist"]) {
    assert.equal(await ok(a.rest.delete(`/social/${list}/${b.userId}`)), null);
    assert.deepEqual(await ok(a.rest.get(`/social/${list}`)), { items: [], nextCursor: null });
  }
  await say(b, conversationId);
});

test("whoever cannot be written to gives one and the same answer", async () => {
  const [a, b] = (await people(2)) as [TestUser, TestUser];
  const [blocker] = (await people(1)) as [TestUser];
  await befriend(im, a, blocker);
  await ok(blocker.rest.put(`/social/blacklist/${a.userId}`));
  const answers: unknown[] = [];
  for (const peerId of [b.userId, blocker.userId, "999", "9223372036854775807"]) {
    const { message, data } = await refused(send(a, directConversationId(a.userId, peerId)), 403, 3002);
    const opened = await refused(a.rest.post("/social/conversations", { userId: peerId }), 403, 3002);
    answers.push({ message, data, opened: opened.message });
  }
  assert.equal(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1);
  await refused(send(a, directConversationId(b.userId, blocker.userId)), 404);
  await refused(send(a, "nonsense"), 400);
});

test("groups: made with defaults, seen by members, changed by owner and admins", async () => {
  const [owner, friend, stranger, allowing] = (await people(4)) as [TestUser, TestUser, TestUser, TestUser];
  await befriend(im, owner, friend);
  await ok(allowing.rest.put(`/social/whitelist/${owner.userId}`));
  const memberIds = [friend.userId, stranger.userId, allowing.userId];
  const created = await ok<{ group: Json; joined: string[]; invited: string[] }>(
    owner.rest.post("/social/groups", { name: "Group 群", memberIds }),
    201,
  );
  has(created, "group invited joined");
  has(created.group, fields.group);
  assert.deepEqual([created.joined, created.invited], [[allowing.userId], [friend.userId]]);
  const { groupId, conversationId } = created.group as unknown as { groupId: string; conversationId: string };
  const { joinMode, historyVisible, maxMembers, memberInvite, allMuted, myRole, ownerId, memberCount, announcement, avatar } =
    created.group;
  assert.deepEqual(
    { joinMode, historyVisible, maxMembers, memberInvite, allMuted, myRole, ownerId, memberCount, announcement, avatar },
    {
      joinMode: "invite",
      historyVisible: false,
      maxMembers: 500,
      memberInvite: true,
      allMuted: false,
      myRole: "owner",
      ownerId: owner.userId,
      memberCount: 2,
      announcement: "",
      avatar: "",
    },
  );
  assert.equal(conversationId, `g_${groupId}`);
  await im.settled();
  const { items } = await history(owner, conversationId);
  assert.deepEqual([items[0]?.["seq"], items[0]?.["type"]], [1, "system"]);
  const { event, actorId } = items[0]?.["content"] as Json;
  assert.deepEqual([typeof event, actorId], ["string", owner.userId]);

  const path = `/social/groups/${groupId}`;
  assert.equal((await ok(allowing.rest.get(path)))["myRole"], "member");
  for (const outsider of [stranger, friend]) await refused(outsider.rest.get(path), 404, 4001);
  await refused(stranger.rest.get("/social/groups/999"), 404, 4001);
  await refused(allowing.rest.put(path, { name: "Mine" }), 403, 4003);
  const changed = await ok(owner.rest.put(path, { name: "Renamed", joinMode: "approval", announcement: "a\nb" }));
  has(changed, fields.group);
  assert.deepEqual([changed["name"], changed["joinMode"]], ["Renamed", "approval"]);
  const card = await ok(stranger.rest.get(path));
  has(card, fields.groupCard);
  assert.equal((await ok(owner.rest.put(`${path}/announcement`, { text: "News" })))["announcement"], "News");
  assert.equal((await ok(owner.rest.put(`${path}/mute`, { all: true })))["allMuted"], true);
  await refused(send(allowing, conversationId), 403, 3007);
  await say(owner, conversationId);
  await ok(owner.rest.put(`${path}/mute`, { all: false }));
  await say(allowing, conversationId);

  const roster = await ok<{ items: Json[]; version: string }>(owner.rest.get("/social/groups"));
  has(roster, fields.roster);
  has(roster.items[0], fields.group);
  assert.deepEqual(await ok(owner.rest.get(`/social/groups?sinceVersion=${roster.version}`)), {
    items: [],
    removed: [],
    version: roster.version,
  });
  await refused(allowing.rest.delete(path), 403, 4003);
  assert.equal(await ok(owner.rest.delete(path)), null);
  await refused(owner.rest.get(path), 404, 4001);
  const gone = await ok<{ removed: string[] }>(owner.rest.get(`/social/groups?sinceVersion=${roster.version}`));
  assert.deepEqual(gone.removed, [groupId]);
});

test("what a group may be", async () => {
  const [owner] = (await people(1)) as [TestUser];
  const create = (more: Json): Promise<RestAnswer<unknown>> => owner.rest.post("/social/groups", { name: "x", ...more });
  for (const maxMembers of [1, 5_001, 2.5, "10"]) await names(create({ maxMembers }), "maxMembers");
  for (const name of ["", "x".repeat(65), "a\u0000b", "\udfff", 5]) await names(create({ name }), "name");
  await names(create({ joinMode: "closed" }), "joinMode");
  await names(create({ ownerId: "1" }), "ownerId");
  for (const maxMembers of [2, 5_000]) await ok(create({ maxMembers }), 201);
  const [a, b] = (await people(2)) as [TestUser, TestUser];
  const group = await buildGroup(im, owner, [a], { maxMembers: 2, joinMode: "open" });
  await refused(b.rest.post(`/social/groups/${group.groupId}/join`), 409, 4004);
});

test("members: roles, nicknames, mutes, removal, transfer, leaving", async () => {
  const [owner, admin, admin2, member] = (await people(4)) as [TestUser, TestUser, TestUser, TestUser];
  const [outsider] = (await people(1)) as [TestUser];
  const { groupId, conversationId } = await buildGroup(im, owner, [admin, admin2, member]);
  const path = `/social/groups/${groupId}/members`;
  const page = await ok<Page>(member.rest.get(path));
  has(page, fields.page);
  assert.equal(page.items[0]?.["role"], "owner");
  for (const item of page.items) {
    has(item, fields.member);
    has(item["user"], fields.user);
  }
  const change = (who: TestUser, of: TestUser, body: Json): Promise<RestAnswer<unknown>> =>
    who.rest.put(`${path}/${of.userId}`, body);
  await refused(change(admin, member, { role: "admin" }), 403, 4003);
  const promoted = await ok(change(owner, admin, { role: "admin" }));
  has(promoted, fields.member);
  assert.equal(promoted["role"], "admin");
  await ok(change(owner, admin2, { role: "admin" }));
  await refused(change(admin, admin2, { mutedUntil: Date.now() + 60_000 }), 403, 4003);
  await refused(change(owner, outsider, { role: "admin" }), 404, 4002);
  await refused(change(outsider, member, { nickname: "x" }), 404, 4001);
  await names(change(owner, admin, { role: "owner" }), "role");
  assert.equal((await ok(change(member, member, { nickname: "Me" })))["nickname"], "Me");

  const mutedUntil = Date.now() + 3_600_000;
  assert.equal((await ok(change(admin, member, { mutedUntil })))["mutedUntil"], mutedUntil);
  await refused(send(member, conversationId), 403, 3007);
  assert.equal((await ok(change(admin, member, { mutedUntil: null })))["mutedUntil"], null);
  await say(member, conversationId);

  await refused(member.rest.delete(`${path}/${admin.userId}`), 403, 4003);
  await refused(admin.rest.delete(`${path}/${admin2.userId}`), 403, 4003);
  await refused(admin.rest.delete(`${path}/${outsider.userId}`), 404, 4002);
  await refused(owner.rest.delete(`${path}/${owner.userId}`), 409, 4005);
  await refused(owner.rest.delete("/users/me"), 409, 4005);
  assert.equal(await ok(admin.rest.delete(`${path}/${member.userId}`)), null);
  await im.settled();
  await refused(send(member, conversationId), 404, 4001);
  await say(owner, conversationId, "not for them");
  const kept = await history(member, conversationId);
  assert.deepEqual([kept.items.at(-1)?.["seq"], kept.items.at(-1)?.["type"]], [kept.maxSeq, "system"]);
  assert.equal((await conversationOf(member, conversationId))?.["maxSeq"], kept.maxSeq);
  await refused(member.rest.get(path), 404, 4001);

  const transferTo = (who: TestUser, to: TestUser): Promise<RestAnswer<unknown>> =>
    who.rest.post(`/social/groups/${groupId}/transfer`, { userId: to.userId });
  await refused(transferTo(admin, admin2), 403, 4003);
  await refused(transferTo(owner, outsider), 404, 4002);
  const transferred = await ok(transferTo(owner, admin));
  has(transferred, fields.group);
  assert.deepEqual([transferred["ownerId"], transferred["myRole"]], [admin.userId, "admin"]);
  assert.equal(await ok(owner.rest.delete(`${path}/${owner.userId}`)), null);
});

test("invitations, invite links and requests to join", async () => {
  const [owner, friend, stranger] = (await people(3)) as [TestUser, TestUser, TestUser];
  await befriend(im, owner, friend);
  const { groupId } = await buildGroup(im, owner);
  const path = `/social/groups/${groupId}`;
  const invited = await ok(owner.rest.post(`${path}/members`, { userIds: [friend.userId, stranger.userId] }));
  assert.deepEqual(invited, { joined: [], invited: [friend.userId] });
  const page = await ok<Page>(friend.rest.get("/social/groups/invitations"));
  has(page, fields.page);
  const [invitation] = page.items as [Json];
  has(invitation, fields.invitation);
  has(invitation["inviter"], fields.user);
  assert.equal((invitation["group"] as Json)["groupId"], groupId);
  assert.equal(invitation["status"], "pending");
  const handle = (who: TestUser, action: string): Promise<RestAnswer<unknown>> =>
    who.rest.put(`/social/groups/invitations/${String(invitation["invitationId"])}`, { action });
  await refused(handle(stranger, "accept"), 404);
  const accepted = await ok(handle(friend, "accept"));
  has(accepted, fields.invitation);
  assert.equal(accepted["status"], "accepted");
  await refused(handle(friend, "reject"), 409);

  const join = (body?: Json): Promise<RestAnswer<unknown>> => stranger.rest.post(`${path}/join`, body);
  await refused(join(), 404, 4001);
  await refused(join({ inviteCode: "nothing" }), 404, 4006);
  const link = await ok<{ inviteCode: string }>(owner.rest.post(`${path}/invite-links`, { maxUses: 1 }), 201);
  has(link, fields.inviteLink);
  assert.deepEqual({ ...link, inviteCode: "" }, { inviteCode: "", expiresAt: null, maxUses: 1, uses: 0 });
  const past = await ok<{ inviteCode: string }>(owner.rest.post(`${path}/invite-links`, { expiresAt: Date.now() - 1 }), 201);
  await refused(join({ inviteCode: past.inviteCode }), 404, 4006);
  await ok(join({ inviteCode: link.inviteCode }));
  await ok(stranger.rest.delete(`${path}/members/${stranger.userId}`));
  await refused(join({ inviteCode: link.inviteCode }), 404, 4006);

  await ok(owner.rest.put(path, { joinMode: "approval" }));
  const { requestId } = await ok<{ requestId: string }>(join({ message: "Let me in" }));
  await refused(join(), 409);
  await refused(friend.rest.get(`${path}/join-requests`), 403, 4003);
  const requests = await ok<Page>(owner.rest.get(`${path}/join-requests`));
  has(requests, fields.page);
  has(requests.items[0], fields.joinRequest);
  assert.deepEqual([requests.items[0]?.["requestId"], requests.items[0]?.["message"]], [requestId, "Let me in"]);
  const handled = await ok(owner.rest.put(`${path}/join-requests/${requestId}`, { action: "accept" }));
  assert.equal(handled["status"], "accepted");
  assert.equal((await ok(stranger.rest.get(path)))["myRole"], "member");
  await refused(join(), 409);
});

test("conversations: made by their first use, listed once there is something", async () => {
  const [a, b, conversationId] = await two();
  const opened = await ok(a.rest.post("/social/conversations", { userId: b.userId }));
  has(opened, fields.conversation, "peer");
  has(opened["peer"], fields.user);
  assert.deepEqual(
    { ...opened, peer: null },
    {
      conversationId,
      type: "direct",
      peer: null,
      lastMessage: null,
      maxSeq: 0,
      readSeq: 0,
      unread: 0,
      mentioned: false,
      pinned: false,
      muted: false,
      hidden: false,
      draft: "",
    },
  );
  assert.equal(await conversationOf(a, conversationId), undefined);
  const path = `/social/conversations/${conversationId}`;
  for (const change of [{ draft: "half a" }, { pinned: true }, { muted: true }]) {
    const changed = await ok(a.rest.put(path, change));
    assert.deepEqual({ ...changed, ...change }, changed);
  }
  assert.equal((await conversationOf(a, conversationId))?.["draft"], "half a");
  assert.equal(await conversationOf(b, conversationId), undefined);
  await say(b, conversationId);
  const listed = await conversationOf(a, conversationId);
  has(listed?.["lastMessage"], fields.message);
  assert.deepEqual([listed?.["maxSeq"], listed?.["unread"]], [1, 1]);
  assert.equal((await ok(a.rest.put(path, { hidden: true })))["hidden"], true);
  await say(b, conversationId);
  assert.equal((await conversationOf(a, conversationId))?.["hidden"], false);
  assert.equal(await ok(a.rest.delete(`${path}/messages`)), null);
  assert.deepEqual((await history(a, conversationId)).items, []);
  assert.equal((await history(b, conversationId)).items.length, 2);
  const group = await buildGroup(im, a);
  const inList = await conversationOf(a, group.conversationId);
  has(inList, fields.conversation, "group");
  has(inList?.["group"], fields.group);
  assert.equal(inList?.["type"], "group");
  await names(a.rest.put(path, { readSeq: 5 }), "readSeq");
  const [stranger] = (await people(1)) as [TestUser];
  await refused(stranger.rest.put(path, { pinned: true }), 404);
  await refused(stranger.rest.get(`/messages/conversations/${group.conversationId}/history`), 404, 4001);
});

test("sending: 201 first, 200 again, 409 for another body", async () => {
  const [a, b, conversationId] = await two();
  const body = text(conversationId, "hello");
  const first = await ok(a.rest.post("/messages", body), 201);
  has(first, fields.sent);
  assert.equal(first["seq"], 1);
  assert.deepEqual(await ok(a.rest.post("/messages", body), 200), first);
  await using socket = await im.connect({ token: a.token });
  assert.deepEqual(await socket.ok("message:send", body), first);
  for (const other of [
    { content: { text: "else" } },
    { type: "markdown" },
    { mentions: [b.userId] },
    { replyTo: String(first["messageId"]) },
  ])
    await refused(a.rest.post("/messages", { ...body, ...other }), 409, 3006);
  assert.equal((await socket.send("message:send", { ...body, content: { text: "else" } })).code, 3006);
  const group = await buildGroup(im, a, [b]);
  const elsewhere = await ok(a.rest.post("/messages", { ...body, conversationId: group.conversationId }), 201);
  assert.notEqual(elsewhere["messageId"], first["messageId"]);
  const fromOther = await ok(b.rest.post("/messages", body), 201);
  assert.equal(fromOther["seq"], 2);
});

test("what a message may be", async () => {
  const [a, b, conversationId] = await two();
  const sends = (more: Json): Promise<RestAnswer<Json>> => send(a, conversationId, "x", more);
  for (const type of ["system", "call", "void", "nonsense"])
    await names(sends({ type, content: { event: "x", actorId: a.userId } }), "type");
  for (const id of ["", "a b", "x".repeat(65), "é", 5]) await names(sends({ clientMsgId: id }), "clientMsgId");
  await ok(sends({ clientMsgId: `${clientMsgId()}_A.z:-`.padEnd(64, "0") }), 201);
  await names(sends({ content: {} }), "content.text");
  await names(sends({ content: { text: "x", html: "y" } }), "content.html");
  await names(sends({ senderId: b.userId, seq: 5, createdAt: 1 }), "senderId", "seq", "createdAt");
  await ok(sends({ content: { text: "x".repeat(8_192) } }), 201);
  await refused(sends({ content: { text: "x".repeat(8_193) } }), 413);
  await refused(sends({ content: { text: "字".repeat(2_731) } }), 413);
  await refused(sends({ content: { text: "x".repeat(1_048_577) } }), 413);
  const contents: Json = {
    markdown: { text: "**bold**" },
    location: { latitude: 31.2, longitude: 121.5, title: "Here", address: "There" },
    card: { userId: b.userId },
    custom: { kind: "game/dice:v1", data: { value: [1, null, "x"] } },
  };
  for (const [type, content] of Object.entries(contents)) {
    const { seq } = await ok<{ seq: number }>(sends({ type, content }), 201);
    const { items } = await history(a, conversationId, `?aroundSeq=${seq}&limit=1`);
    assert.deepEqual([items[0]?.["type"], items[0]?.["content"]], [type, content]);
  }
  for (const odd of ["<script>alert(1)</script>", "\u202eabc", "a\u0000b", "__proto__", "👩‍👩‍👧", "\ud800 alone", "%_*?'\""]) {
    const { seq } = await say(a, conversationId, odd);
    assert.deepEqual((await history(b, conversationId, `?aroundSeq=${seq}&limit=1`)).items[0]?.["content"], { text: odd });
  }
});

test("history: ascending, bounded, in every direction", async () => {
  const [a, b, conversationId] = await two();
  for (let i = 1; i <= 25; i++) await say(i % 2 ? a : b, conversationId, `m${i}`);
  const newest = await history(a, conversationId);
  has(newest, "items maxSeq minSeq");
  assert.deepEqual([seqs(newest), newest.minSeq, newest.maxSeq], [Array.from({ length: 20 }, (_, i) => i + 6), 1, 25]);
  has(newest.items[0], fields.message);
  assert.equal(newest.items[0]?.["status"], "persisted");
  assert.deepEqual(seqs(await history(a, conversationId, "?beforeSeq=4")), [1, 2, 3]);
  assert.deepEqual(seqs(await history(a, conversationId, "?afterSeq=23")), [24, 25]);
  assert.deepEqual(seqs(await history(a, conversationId, "?afterSeq=0&limit=2")), [1, 2]);
  assert.deepEqual(seqs(await history(a, conversationId, "?aroundSeq=10&limit=1")), [10]);
  assert.ok(seqs(await history(a, conversationId, "?aroundSeq=10&limit=5")).includes(10));
  const at = newest.items[3]?.["createdAt"] as number;
  assert.ok((await history(a, conversationId, `?aroundTime=${at}&limit=10`)).items.some(({ createdAt }) => createdAt === at));
  for (const limit of ["0", "101", "-1", "1.5", "x", ""])
    await names(a.rest.get(`/messages/conversations/${conversationId}/history?limit=${limit}`), "limit");
  assert.equal((await history(a, conversationId, "?limit=100")).items.length, 25);
});

test("recall, edit, delete for me", async () => {
  const [a, b, conversationId] = await two();
  const { messageId } = await say(a, conversationId, "secret words", { mentions: [b.userId] });
  const answer = await say(b, conversationId, "answer", { replyTo: messageId });
  const [, replying] = (await history(a, conversationId)).items as [Json, Json];
  assert.deepEqual(replying["replyTo"], { messageId, seq: 1, senderId: a.userId, type: "text", preview: "secret words" });
  const edited = await ok(a.rest.put(`/messages/${messageId}/edit`, { content: { text: "other words" } }));
  has(edited, fields.message, "mentions editedAt");
  assert.deepEqual(edited["content"], { text: "other words" });
  await refused(b.rest.put(`/messages/${messageId}/edit`, { content: { text: "x" } }), 403);
  await refused(a.rest.put(`/messages/${messageId}/edit`, { content: { text: "x".repeat(9_000) } }), 413);
  await refused(b.rest.post(`/messages/${messageId}/recall`), 403);
  const recalled = await ok(a.rest.post(`/messages/${messageId}/recall`));
  assert.deepEqual([recalled["content"], typeof recalled["recalledAt"], recalled["seq"]], [{}, "number", 1]);
  for (const who of [a, b])
    assert.doesNotMatch(JSON.stringify([await history(who, conversationId), await conversationOf(who, conversationId)]), /words/);
  assert.equal((await history(b, conversationId)).items.length, 2);

  const deleted = await ok(a.rest.delete(`/messages/${answer.messageId}`));
  assert.equal(deleted["messageId"], answer.messageId);
  await say(b, conversationId, "later");
  assert.deepEqual(seqs(await history(a, conversationId)), [1, 3]);
  assert.deepEqual(seqs(await history(b, conversationId)), [1, 2, 3]);
  const [stranger] = (await people(1)) as [TestUser];
  for (const answered of [
    stranger.rest.post(`/messages/${messageId}/recall`),
    stranger.rest.put(`/messages/${messageId}/edit`, { content: { text: "x" } }),
    stranger.rest.delete(`/messages/${messageId}`),
    stranger.rest.get(`/messages/${messageId}/readers`),
    stranger.rest.post(`/messages/${messageId}/reactions`, { emoji: "👍" }),
  ])
    await refused(answered, 404);
});

test("an old message cannot be recalled or edited, but admins recall without limit", async () => {
  await using strict = await startIm({ recallLimitMs: 0, editLimitMs: 0 });
  const [owner, member] = [await buildUser(strict), await buildUser(strict)];
  const { conversationId } = await buildGroup(strict, owner, [member]);
  const { messageId, createdAt } = await ok<{ messageId: string; createdAt: number }>(send(member, conversationId), 201);
  await waitFor(() => Date.now() > createdAt);
  await refused(member.rest.post(`/messages/${messageId}/recall`), 403, 3004);
  await refused(member.rest.put(`/messages/${messageId}/edit`, { content: { text: "x" } }), 403, 3005);
  await ok(owner.rest.post(`/messages/${messageId}/recall`));
});

test("reactions", async () => {
  const [a, b, conversationId] = await two();
  await using socket = await im.connect({ token: b.token });
  const { messageId } = await say(a, conversationId);
  const path = `/messages/${messageId}/reactions`;
  const reacted = await ok(a.rest.post(path, { emoji: "👍" }));
  assert.deepEqual(reacted["reactions"], [{ emoji: "👍", count: 1, userIds: [a.userId], mine: true }]);
  const pushed = await socket.next("message:updated");
  assert.deepEqual(pushed["reactions"], [{ emoji: "👍", count: 1, userIds: [a.userId] }]);
  assert.deepEqual(pushed["change"], { userId: a.userId, emoji: "👍", added: true });
  assert.deepEqual((await history(b, conversationId)).items[0]?.["reactions"], [
    { emoji: "👍", count: 1, userIds: [a.userId], mine: false },
  ]);
  const viaSocket = await socket.ok("message:react", { messageId, emoji: "👍" });
  assert.deepEqual(viaSocket["reactions"], [{ emoji: "👍", count: 2, userIds: [a.userId, b.userId], mine: true }]);
  await socket.ok("message:react", { messageId, emoji: "👍", remove: true });
  const undone = await ok(a.rest.delete(`${path}/${encodeURIComponent("👍")}`));
  assert.equal("reactions" in undone, false);
});

test("cursors, unread and readers", async () => {
  const [owner, a, b] = (await people(3)) as [TestUser, TestUser, TestUser];
  const { conversationId } = await buildGroup(im, owner, [a, b]);
  const sent: { messageId: string; seq: number }[] = [];
  for (let i = 0; i < 4; i++) sent.push(await say(owner, conversationId));
  await say(b, conversationId, "mine");
  await ok(owner.rest.post(`/messages/${String(sent[0]?.messageId)}/recall`));
  await ok(a.rest.delete(`/messages/${String(sent[1]?.messageId)}`));
  const listed = await conversationOf(a, conversationId);
  assert.deepEqual([listed?.["unread"], listed?.["mentioned"]], [3, false]);
  await say(owner, conversationId, "all of you", { mentions: ["all"] });
  assert.equal((await conversationOf(a, conversationId))?.["mentioned"], true);
  // Sending moves one's own cursor, at once.
  const own = await conversationOf(owner, conversationId);
  assert.deepEqual([own?.["unread"], own?.["readSeq"]], [0, own?.["maxSeq"]]);

  const read = (who: TestUser, seq: number): Promise<unknown> =>
    ok(who.rest.put(`/social/conversations/${conversationId}/read`, { seq }));
  const last = sent.at(-1) as { messageId: string; seq: number };
  assert.deepEqual(await read(a, last.seq), { seq: last.seq });
  assert.deepEqual(await read(a, 1), { seq: last.seq });
  const readers = await ok<{ read: Json[]; unread: string[] }>(b.rest.get(`/messages/${last.messageId}/readers`));
  has(readers, "read unread");
  assert.ok(readers.read.some(({ userId }) => userId === a.userId));
  for (const one of readers.read) has(one, "readAt userId");
  assert.ok(![...readers.read.map(({ userId }) => userId), ...readers.unread].includes(owner.userId));
  const maxSeq = (await conversationOf(a, conversationId))?.["maxSeq"];
  assert.deepEqual(await read(a, 1_000_000), { seq: maxSeq });
  const after = await conversationOf(a, conversationId);
  assert.deepEqual([after?.["unread"], after?.["readSeq"]], [0, maxSeq]);
  await names(a.rest.put(`/social/conversations/${conversationId}/read`, { seq: -1 }), "seq");
});

test("the socket's events and their acknowledgements", async () => {
  const [a, b, conversationId] = await two();
  const a2 = await a.signIn();
  await using mine = await im.connect({ token: a.token });
  await using other = await im.connect({ token: a2.token });
  await using theirs = await im.connect({ token: b.token });
  const sent = await mine.ok<{ messageId: string; seq: number }>("message:send", text(conversationId));
  has(sent, fields.sent);
  for (const client of [other, theirs]) has(await client.next("message:new"), fields.message);
  const persisted = await mine.next("message:persisted");
  assert.deepEqual(persisted, { conversationId, upToSeq: 1 });
  await ok(send(a, conversationId, "by REST"), 201);
  for (const client of [mine, other, theirs])
    assert.equal((await client.next("message:new", ({ seq }: Json) => seq === 2))["senderId"], a.userId);
  assert.equal(mine.of("message:new").length, 1);

  assert.deepEqual(await theirs.ok("message:delivered", { conversationId, seq: 1 }), { seq: 1 });
  assert.deepEqual(await theirs.ok("message:read", { conversationId, seq: 99 }), { seq: 2 });
  const receipt = await mine.next("receipt:read");
  has(receipt, "at conversationId seq userId");
  assert.deepEqual([receipt["userId"], receipt["seq"]], [b.userId, 2]);
  has(await mine.next("receipt:delivered"), "at conversationId seq userId");
  assert.equal(await theirs.ok("typing", { conversationId, kind: "text" }), null);
  assert.deepEqual(await mine.next("typing"), { conversationId, userId: b.userId, kind: "text" });

  const edited = await mine.ok("message:edit", { messageId: sent.messageId, content: { text: "other" } });
  has(edited, fields.message, "editedAt");
  assert.equal((await theirs.next("message:updated"))["messageId"], sent.messageId);
  assert.equal((await mine.ok("message:delete", { messageId: sent.messageId }))["messageId"], sent.messageId);
  const another = await mine.ok<{ messageId: string }>("message:send", text(conversationId));
  assert.deepEqual((await mine.ok("message:recall", { messageId: another.messageId }))["content"], {});
  assert.deepEqual(
    (await theirs.next("message:updated", ({ messageId }: Json) => messageId === another.messageId))["content"],
    {},
  );

  await ok(a.rest.put(`/social/conversations/${conversationId}`, { pinned: true }));
  const updated = await other.next("conversation:updated", ({ pinned }: Json) => pinned === true);
  assert.deepEqual([updated["conversationId"], typeof updated["version"]], [conversationId, "string"]);

  for (const [event, payload, code] of [
    ["message:send", { ...text(conversationId), senderId: "1" }, 9001],
    ["message:send", "nonsense", 9001],
    ["message:send", text("g_999"), 4001],
    ["message:send", text(conversationId, "x".repeat(8_193)), 3014],
    ["message:read", { conversationId: "g_999", seq: 1 }, 4001],
    ["typing", { conversationId, kind: "loud" }, 9001],
    ["nonsense", {}, 9010],
  ] as const) {
    const answer = await mine.send(event, payload);
    assert.equal(answer.code, code, `${event} ${JSON.stringify(answer)}`);
    assert.equal(typeof answer.message, "string");
  }
});

test("one who reads on one device is read on the others; who sends has read", async () => {
  const [a, b, conversationId] = await two();
  const a2 = await a.signIn();
  await using mine = await im.connect({ token: a.token });
  await using other = await im.connect({ token: a2.token });
  await say(b, conversationId);
  await mine.ok("message:read", { conversationId, seq: 1 });
  const updated = await other.next("conversation:updated");
  assert.deepEqual([updated["conversationId"], updated["readSeq"]], [conversationId, 1]);
  await say(b, conversationId);
  await say(a, conversationId);
  await waitFor(async () => (await conversationOf(a, conversationId))?.["readSeq"] === 3);
  assert.equal((await conversationOf(a, conversationId))?.["unread"], 0);
});

test("presence of friends, and of nobody else", async () => {
  const [a, b] = await two();
  const [stranger] = (await people(1)) as [TestUser];
  await using mine = await im.connect({ token: a.token });
  await using theirs = await im.connect({ token: b.token });
  await using _strange = await im.connect({ token: stranger.token });
  const userIds = [b.userId, stranger.userId];
  const { items } = await mine.ok<{ items: Json[] }>("presence:subscribe", { userIds });
  for (const item of items) has(item, fields.presence);
  assert.deepEqual(
    items.map(({ online }) => online),
    [true, false],
  );
  assert.deepEqual(items[1], { userId: stranger.userId, online: false, lastSeenAt: null, devices: [] });
  await theirs.close();
  const changed = await mine.next("presence:changed", ({ online }: Json) => online === false);
  has(changed, fields.presence);
  assert.equal((await mine.ok<{ items: Json[] }>("presence:unsubscribe", { userIds })).items.length, 2);
});

test("the handshake refuses with a code; five connections are enough", async () => {
  const [user] = (await people(1)) as [TestUser];
  for (const token of [undefined, "bad", ""]) {
    const data = await handshake(token);
    has(data, "code message");
    assert.equal(data?.code, 1010);
  }
  const clients: Client[] = [];
  for (let i = 0; i < 5; i++) clients.push(await im.connect({ token: user.token }));
  const sixth = await handshake(user.token);
  has(sixth, "code message");
  assert.equal(sixth?.code, 1008);
  assert.match(
    (await handshake("bad", undefined, { "Accept-Language": "fr, zh;q=0.8, en;q=0.5" }))?.message ?? "",
    /[\u4e00-\u9fff]/,
  );
  await clients[0]?.close();
  await waitFor(async () => (await handshake(user.token)) === undefined);
});

test("a socket is renewed, or ends when its token does", async () => {
  await using short = await startIm({ accessTokenTtlS: 3 });
  const user = await buildUser(short);
  const signedInAt = Math.floor(Date.now() / 1_000);
  await using kept = await short.connect({ token: user.token });
  await using left = await short.connect({ token: user.token });
  assert.equal((await kept.send("auth:renew", { token: (await user.signIn()).token })).code, 1009);
  assert.equal((await kept.send("auth:renew", { token: "bad" })).code, 1010);
  // Tokens end with whole seconds.
  await waitFor(() => Math.floor(Date.now() / 1_000) > signedInAt);
  const renewed = await ok<{ accessToken: string }>(short.api().post("/auth/refresh", { refreshToken: user.refreshToken }));
  assert.equal(await kept.ok("auth:renew", { token: renewed.accessToken }), null);
  const ended = await left.next<Json>("session:ended");
  assert.equal(ended["code"], 1003);
  await left.closed;
  assert.deepEqual([kept.of("session:ended"), kept.socket.connected], [[], true]);
  await refused(user.rest.get("/users/me"), 401, 1003);
});

test("lists that others change tell so, with the version that they have then", async () => {
  const [a, b] = (await people(2)) as [TestUser, TestUser];
  await using mine = await im.connect({ token: a.token });
  const { requestId } = await ok<{ requestId: string }>(b.rest.post("/social/friends/request", { userId: a.userId }), 201);
  const stored = await mine.next("notification:new");
  has(stored, fields.notification);
  assert.equal(stored["read"], false);
  await ok(a.rest.put(`/social/friends/request/${requestId}`, { action: "accept" }));
  const { version } = await ok(a.rest.get("/social/friends"));
  assert.deepEqual(await mine.next("friend:updated"), { version });
  const { groupId } = await buildGroup(im, b, [a]);
  const group = await ok(a.rest.get(`/social/groups/${groupId}`));
  assert.deepEqual(await mine.next("group:updated"), { groupId, version: group["version"] });
  await ok(b.rest.put(`/social/groups/${groupId}`, { name: "Renamed" }));
  const renamed = await ok(a.rest.get(`/social/groups/${groupId}`));
  assert.deepEqual(await mine.next("group:updated"), { groupId, version: renamed["version"] });
});

test("an open group is joined at once; newcomers see from there on, or all where the group says so", async () => {
  const [owner, a] = (await people(2)) as [TestUser, TestUser];
  for (const historyVisible of [false, true]) {
    const { groupId, conversationId } = await buildGroup(im, owner, [], { joinMode: "open", historyVisible });
    await say(owner, conversationId, "before");
    const joined = await ok<{ joined: boolean; requestId: unknown; group: Json }>(a.rest.post(`/social/groups/${groupId}/join`));
    assert.deepEqual([joined.joined, joined.requestId], [true, null]);
    has(joined.group, fields.group);
    await im.settled();
    const { items, minSeq, maxSeq } = await history(a, conversationId);
    assert.deepEqual([seqs({ items }), minSeq, maxSeq], historyVisible ? [[1, 2, 3], 1, 3] : [[3], 3, 3]);
  }
});

test("notifications: stored, counted, read one by one or all", async () => {
  const [user, ...others] = (await people(3)) as [TestUser, TestUser, TestUser];
  for (const other of others) await ok(other.rest.post("/social/friends/request", { userId: user.userId }), 201);
  await im.settled();
  const count = async (): Promise<unknown> => (await ok(user.rest.get("/notifications/unread-count")))["count"];
  await waitFor(async () => (await count()) === 2);
  const page = await ok<Page>(user.rest.get("/notifications?limit=1"));
  has(page, fields.page);
  has(page.items[0], fields.notification);
  assert.equal(page.items[0]?.["read"], false);
  const next = await ok<Page>(user.rest.get(`/notifications?limit=1&cursor=${page.nextCursor ?? ""}`));
  assert.deepEqual([next.items.length, next.nextCursor], [1, null]);
  await ok(user.rest.put("/notifications/read", { ids: [page.items[0]?.["notificationId"]] }));
  assert.equal(await count(), 1);
  assert.equal((await ok<Page>(user.rest.get("/notifications?read=false"))).items.length, 1);
  assert.equal((await ok<Page>(user.rest.get("/notifications?read=true"))).items.length, 1);
  await ok(user.rest.put("/notifications/read", { all: true }));
  assert.equal(await count(), 0);
  await refused(user.rest.put("/notifications/read", {}), 400);
  const chinese = await ok<Page>(user.rest.get("/notifications", { headers: { "Accept-Language": "zh" } }));
  assert.match(String(chinese.items[0]?.["text"]), /[\u4e00-\u9fff]/);
});

test("lists come in pages of 20 unless told, each item once", async () => {
  const [owner, ...others] = (await people(23)) as [TestUser, ...TestUser[]];
  const { groupId } = await buildGroup(im, owner, others);
  for (const path of [`/social/groups/${groupId}/members`, "/social/blacklist"]) {
    for (const limit of ["0", "101", "x", "2.5"]) await names(owner.rest.get(`${path}?limit=${limit}`), "limit");
    await refused(owner.rest.get(`${path}?cursor=nonsense`), 400);
  }
  const path = `/social/groups/${groupId}/members`;
  const first = await ok<Page>(owner.rest.get(path));
  assert.equal(first.items.length, 20);
  const second = await ok<Page>(owner.rest.get(`${path}?cursor=${first.nextCursor ?? ""}`));
  assert.equal(second.nextCursor, null);
  assert.equal(new Set([...first.items, ...second.items].map(({ userId }) => userId)).size, 23);
});

test("a deleted account leaves its user name taken and nothing else", async () => {
  const [a, b, conversationId] = await two();
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

test("probes and documents stand outside the envelope", async () => {
  for (const path of ["/health/live", "/health/ready", "/openapi.json", "/asyncapi.json"]) {
    const response = await fetch(im.url + path);
    assert.deepEqual([response.status, "code" in ((await response.json()) as Json)], [200, false], path);
  }
  assert.match(await (await fetch(`${im.url}/docs`)).text(), /<html/);
  const { paths } = (await (await fetch(`${im.url}/openapi.json`)).json()) as { paths: Json };
  for (const path of [
    "/users/register",
    "/social/conversations/{conversationId}/read",
    "/messages/{messageId}/reactions/{emoji}",
  ])
    assert.ok(`${API_PREFIX}${path}` in paths, path);
});
