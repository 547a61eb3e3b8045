import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { buildGroup, startIm, type Im, type TestUser } from "../support/im.ts";
import { buildFriends, buildUsers } from "../support/people.ts";
import { fields, has, history, names, ok, refused, say, send, seqs, type Json, type Page } from "../support/wire.ts";

/** The wire contract of threads, pinned messages, the history of edits and favorites, statement by statement. */

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

const changed = (messageId: string) => (message: Json) => message["messageId"] === messageId;

test("threads: sent with threadId, over REST and the socket, shown where they begin and paged", async () => {
  const { a, b, conversationId } = await buildFriends(im);
  await using socket = await im.connect({ token: a.token });
  const root = await say(a, conversationId, "root");
  const first = await say(b, conversationId, "first", { threadId: root.messageId });
  const pushed = await socket.next<Json>("message:new", changed(first.messageId));
  assert.equal(pushed["threadId"], root.messageId);
  const second = await socket.ok("message:send", {
    ...{ conversationId, clientMsgId: "in-thread", type: "text", content: { text: "second" } },
    threadId: root.messageId,
  });
  const [begin, inside] = (await history(b, conversationId)).items as [Json, Json];
  has(begin, fields.message, "thread");
  has(inside, fields.message, "threadId");
  assert.deepEqual(begin["thread"], { count: 2, lastSeq: second["seq"], lastAt: second["createdAt"] });

  const path = `/messages/${root.messageId}/thread`;
  const page = await ok<{ root: Json; items: Json[]; minSeq: number; maxSeq: number }>(b.rest.get(path));
  has(page, "items maxSeq minSeq root");
  assert.deepEqual([page.root["messageId"], seqs(page), page.minSeq, page.maxSeq], [root.messageId, [2, 3], 1, 3]);
  assert.deepEqual(seqs(await ok<{ items: Json[] }>(b.rest.get(`${path}?afterSeq=2`))), [3]);
  assert.deepEqual(seqs(await ok<{ items: Json[] }>(b.rest.get(`${path}?beforeSeq=3&limit=1`))), [2]);
  await names(b.rest.get(`${path}?afterSeq=1&beforeSeq=3`), "afterSeq");
  for (const limit of ["0", "101", "x"]) await names(b.rest.get(`${path}?limit=${limit}`), "limit");
  for (const threadId of [first.messageId, "1"]) await names(send(a, conversationId, "x", { threadId }), "threadId");
  await refused(a.rest.post("/messages", { ...again(conversationId), threadId: first.messageId }), 409, 3006);
  const [stranger] = (await buildUsers(im, 1)) as [TestUser];
  await refused(stranger.rest.get(path), 404, 3008);
});

/** What was sent in the thread, without it. */
const again = (conversationId: string): Json => ({
  ...{ conversationId, clientMsgId: "in-thread", type: "text", content: { text: "second" } },
});

test("pinned messages: for owner and admins of a group, told to everybody, listed for members", async () => {
  const [owner, member, stranger] = (await buildUsers(im, 3)) as [TestUser, TestUser, TestUser];
  const { conversationId } = await buildGroup(im, owner, [member]);
  await using socket = await im.connect({ token: member.token });
  const { messageId } = await say(member, conversationId, "read this");
  await refused(member.rest.put(`/messages/${messageId}/pin`), 403, 4003);
  await refused(stranger.rest.put(`/messages/${messageId}/pin`), 404, 3008);
  const pinned = await ok(owner.rest.put(`/messages/${messageId}/pin`));
  has(pinned, fields.message, "pinnedAt");
  assert.equal((await socket.next<Json>("message:updated", changed(messageId)))["pinnedAt"], pinned["pinnedAt"]);
  const said = await socket.next<Json>("message:new", ({ type }) => type === "system");
  assert.deepEqual(said["content"], { event: "message.pinned", actorId: owner.userId, messageId });
  const path = `/social/conversations/${conversationId}/pins`;
  const { items } = await ok<{ items: Json[] }>(member.rest.get(path));
  has(items[0], fields.message, "pinnedAt pinnedBy");
  assert.deepEqual([items.length, items[0]!["pinnedBy"], items[0]!["messageId"]], [1, owner.userId, messageId]);
  await refused(stranger.rest.get(path), 404, 4001);
  assert.equal("pinnedAt" in (await ok(owner.rest.delete(`/messages/${messageId}/pin`))), false);
  assert.deepEqual((await ok<{ items: Json[] }>(member.rest.get(path))).items, []);
});

test("the history of edits: what was said before, until the message is recalled", async () => {
  const { a, b, conversationId } = await buildFriends(im);
  const { messageId } = await say(a, conversationId, "one");
  const { editedAt } = await ok(a.rest.put(`/messages/${messageId}/edit`, { content: { text: "two" } }));
  const path = `/messages/${messageId}/edits`;
  assert.deepEqual(await ok(b.rest.get(path)), { items: [{ content: { text: "one" }, editedAt }], nextCursor: null });
  await names(b.rest.get(`${path}?limit=0`), "limit");
  const [stranger] = (await buildUsers(im, 1)) as [TestUser];
  await refused(stranger.rest.get(path), 404, 3008);
  await ok(a.rest.post(`/messages/${messageId}/recall`));
  assert.deepEqual(await ok(b.rest.get(path)), { items: [], nextCursor: null });
});

test("favorites: 201 first, 200 again, paged, without words once the message is recalled", async () => {
  const { a, b, conversationId } = await buildFriends(im);
  const { messageId, seq } = await say(a, conversationId, "worth keeping");
  const favorite = await ok<Json & { message: Json }>(b.rest.post("/content/favorites", { messageId }), 201);
  has(favorite, "createdAt favoriteId message");
  has(favorite.message, "content conversationId createdAt messageId senderId seq type");
  assert.deepEqual([favorite.message["content"], favorite.message["seq"]], [{ text: "worth keeping" }, seq]);
  assert.deepEqual(await ok(b.rest.post("/content/favorites", { messageId }), 200), favorite);
  await ok(b.rest.delete(`/messages/${messageId}`));
  assert.deepEqual(await ok<Page>(b.rest.get("/content/favorites")), { items: [favorite], nextCursor: null });
  await ok(a.rest.post(`/messages/${messageId}/recall`));
  const [left] = (await ok<Page>(b.rest.get("/content/favorites"))).items as [{ message: Json }];
  has(left.message, "content conversationId createdAt messageId recalledAt senderId seq type");
  assert.deepEqual(left.message["content"], {});
  await refused(a.rest.post("/content/favorites", { messageId }), 409, 3013);
  await refused(b.rest.post("/content/favorites", { messageId: "1" }), 404, 3008);
  await names(b.rest.post("/content/favorites", {}), "messageId");
  const path = `/content/favorites/${String(favorite["favoriteId"])}`;
  await refused(a.rest.delete(path), 404, 3019);
  assert.equal(await ok(b.rest.delete(path)), null);
  await refused(b.rest.delete(path), 404, 3019);
});
