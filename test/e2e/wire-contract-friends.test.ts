import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { directConversationId } from "../../lib/conversation-id.ts";
import type { RestAnswer } from "../support/client.ts";
import { befriend, buildGroup, startIm, type Im, type TestUser } from "../support/im.ts";
import { buildFriends, buildUsers } from "../support/people.ts";
import { waitFor } from "../support/wait.ts";
import {
  conversationOf,
  fields,
  has,
  history,
  ok,
  refused,
  say,
  send,
  type Json,
  type Nested,
  type Page,
} from "../support/wire.ts";

/** The wire contract of friends, their presence and notifications, statement by statement. */

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

test("friend requests", async () => {
  const [a, b, c] = (await buildUsers(im, 3)) as [TestUser, TestUser, TestUser];
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
  const { a, b, conversationId } = await buildFriends(im);
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
  const [a, b] = (await buildUsers(im, 2)) as [TestUser, TestUser];
  const [blocker] = (await buildUsers(im, 1)) as [TestUser];
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

test("presence of friends, and of nobody else", async () => {
  const { a, b } = await buildFriends(im);
  const [stranger] = (await buildUsers(im, 1)) as [TestUser];
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

test("lists that others change tell so, with the version that they have then", async () => {
  const [a, b] = (await buildUsers(im, 2)) as [TestUser, TestUser];
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

test("notifications: stored, counted, read one by one or all", async () => {
  const [user, ...others] = (await buildUsers(im, 3)) as [TestUser, TestUser, TestUser];
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
