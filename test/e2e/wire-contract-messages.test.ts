import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { RestAnswer } from "../support/client.ts";
import { buildGroup, buildUser, clientMsgId, startIm, text, type Im, type TestUser } from "../support/im.ts";
import { buildFriends, buildUsers } from "../support/people.ts";
import { waitFor } from "../support/wait.ts";
import { conversationOf, fields, has, history, names, ok, refused, say, send, seqs, type Json } from "../support/wire.ts";

/** The wire contract of conversations and messages, statement by statement. */

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

test("conversations: made by their first use, listed once there is something", async () => {
  const { a, b, conversationId } = await buildFriends(im);
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
  const [stranger] = (await buildUsers(im, 1)) as [TestUser];
  await refused(stranger.rest.put(path, { pinned: true }), 404);
  await refused(stranger.rest.get(`/messages/conversations/${group.conversationId}/history`), 404, 4001);
});

test("sending: 201 first, 200 again, 409 for another body", async () => {
  const { a, b, conversationId } = await buildFriends(im);
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
  const { a, b, conversationId } = await buildFriends(im);
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
  const { a, b, conversationId } = await buildFriends(im);
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
  const { a, b, conversationId } = await buildFriends(im);
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
  const [stranger] = (await buildUsers(im, 1)) as [TestUser];
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
  const { a, b, conversationId } = await buildFriends(im);
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
  const [owner, a, b] = (await buildUsers(im, 3)) as [TestUser, TestUser, TestUser];
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
