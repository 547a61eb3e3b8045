import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Conversation, Message, SyncPage } from "../../contracts/entities.ts";
import { dataOf } from "../support/client.ts";
import { buildGroup, buildUser, PASSWORD, startIm, text, type Im, type TestUser } from "../support/im.ts";
import { buildFriends } from "../support/people.ts";
import { SyncClient, type SyncAnswer, type SyncRequest } from "../support/sync-client.ts";
import { waitFor } from "../support/wait.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

const overRest = (user: TestUser) => (request: SyncRequest) => dataOf(user.rest.post<SyncAnswer>("/sync", request));
const say = (user: TestUser, conversationId: string, words = "hello") =>
  dataOf(user.rest.post<{ messageId: string; seq: number; createdAt: number }>("/messages", text(conversationId, words)));
interface Summary {
  conversations: Conversation[];
  unread: number;
  version: string;
}

test("POST /sync and the socket event give the same, in the names of the contract", async () => {
  const { a, b, conversationId } = await buildFriends(im);
  const { conversationId: groupId } = await buildGroup(im, a, [b]);
  for (const id of [conversationId, groupId]) for (let i = 0; i < 3; i++) await say(a, id);
  const request = { conversations: { [conversationId]: 1, [groupId]: null }, limit: 10 };
  const answer = await overRest(b)(request);
  assert.deepEqual(Object.keys(answer).sort(), [
    "changes",
    "conversations",
    "friendsVersion",
    "groupsVersion",
    "messages",
    "nextCursor",
    "removed",
    "reset",
    "version",
  ]);
  await using socket = await im.connect({ token: b.token });
  assert.deepEqual(await socket.ok("sync", request), answer);
  assert.deepEqual(
    answer.messages[conversationId]?.items.map(({ seq }) => seq),
    [2, 3],
  );
  assert.deepEqual((await socket.ok<SyncAnswer>("sync")).conversations.length, 2);
  for (const [payload, field] of [
    [{ limit: 0 }, "limit"],
    [{ conversations: { d_2_1_3: 1 } }, "conversations.d_2_1_3"],
    [{ since: 1 }, "since"],
  ] as const) {
    const refused = await b.rest.post<{ fields: { field: string }[] }>("/sync", payload);
    assert.deepEqual([refused.status, refused.code, refused.data.fields[0]?.field], [400, 9001, field]);
    const ack = await socket.send<{ fields: { field: string }[] }>("sync", payload);
    assert.deepEqual([ack.code, ack.data?.fields[0]?.field], [9001, field]);
  }
  assert.equal((await im.api().post("/sync", {})).status, 401);
});

test("after a week away every device has what the server has", async () => {
  const [me, ...friends] = (await Promise.all(Array.from({ length: 4 }, () => buildUser(im)))) as [TestUser, ...TestUser[]];
  const groups = await Promise.all(friends.map((friend) => buildGroup(im, friend, [me])));
  const old = await Promise.all(friends.map((friend, i) => say(friend, groups[i]!.conversationId, "old")));
  const phone = new SyncClient(overRest(me));
  await phone.sync();
  await using socket = await im.connect({ token: (await me.signIn()).token });
  const laptop = new SyncClient((request) => socket.ok<SyncAnswer>("sync", request));
  for (const [i, friend] of friends.entries()) {
    for (let n = 0; n < 25; n++) await say(friend, groups[i]!.conversationId, `new ${n}`);
    await dataOf(friend.rest.put(`/messages/${old[i]!.messageId}/edit`, { content: { text: "changed" } }));
    await dataOf(me.rest.post(`/messages/${old[i]!.messageId}/reactions`, { emoji: "👍" }));
  }
  await dataOf(friends[0]!.rest.post(`/messages/${old[0]!.messageId}/recall`));
  for (const device of [phone, laptop]) {
    await device.sync({ limit: 2 });
    const listed = await dataOf(me.rest.get<{ items: Conversation[] }>("/social/conversations"));
    for (const conversation of listed.items) {
      assert.deepEqual(device.kept.get(conversation.conversationId)?.conversation, conversation);
      const { items } = await dataOf(
        me.rest.get<SyncPage>(`/messages/conversations/${conversation.conversationId}/history?limit=100`),
      );
      const mine = device.items(conversation.conversationId);
      assert.ok(mine.length >= 20);
      assert.deepEqual(mine, items.slice(-mine.length));
    }
    assert.deepEqual(device.kept.size, listed.items.length);
  }
  assert.equal(phone.items(groups[0]!.conversationId).length, 27, "all that it had and what came");
});

test("the offline form: where something waits, what it is, and that it is delivered", async () => {
  const { a, b, conversationId } = await buildFriends(im);
  const { conversationId: groupId } = await buildGroup(im, a, [b]);
  let last = 0;
  for (let i = 0; i < 5; i++) last = (await say(a, conversationId, `words ${i}`)).createdAt;
  await waitFor(() => Date.now() > last, "the group to be the newer one");
  await say(a, groupId);
  const summary = () => dataOf(b.rest.get<Summary>("/offline/summary"));
  const first = await summary();
  assert.deepEqual(
    first.conversations.map((one) => [one.conversationId, one.unread]),
    [
      [groupId, 1],
      [conversationId, 5],
    ],
  );
  assert.deepEqual(
    [first.unread, first.conversations],
    [6, (await dataOf(b.rest.get<{ items: Conversation[] }>("/social/conversations"))).items],
  );
  const page = (query = "") => dataOf(b.rest.get<SyncPage>(`/offline/${conversationId}${query}`));
  const seqs = ({ items, more }: SyncPage) => [items.map(({ seq }) => seq), more];
  assert.deepEqual(seqs(await page("?limit=2")), [[1, 2], true]);
  assert.deepEqual(seqs(await page("?afterSeq=2&limit=3")), [[3, 4, 5], false]);
  const ack = (seq: number) => dataOf(b.rest.post<{ seq: number }>("/offline/ack", { conversationId, seq }));
  assert.deepEqual([await ack(3), await ack(2), await ack(99)], [{ seq: 3 }, { seq: 3 }, { seq: 5 }]);
  const { items, more, minSeq, maxSeq } = await page();
  assert.deepEqual([items, more, minSeq, maxSeq], [[], false, 1, 5]);
  const acked = await summary();
  assert.deepEqual([acked.unread, acked.conversations.length], [6, 2], "delivered is not read");
  await dataOf(b.rest.put(`/social/conversations/${conversationId}/read`, { seq: 5 }));
  assert.deepEqual(
    (await summary()).conversations.map((one) => one.conversationId),
    [groupId],
  );
  const since = await overRest(b)({ version: (await summary()).version });
  assert.deepEqual([since.conversations, since.reset], [[], false]);

  const outsider = await buildUser(im);
  for (const id of [conversationId, groupId, "d_1_2", "g_1"]) {
    const { status, code } = await outsider.rest.get(`/offline/${id}`);
    assert.deepEqual([status, code], [404, id.startsWith("g_") ? 4001 : 3009]);
    assert.equal((await outsider.rest.post("/offline/ack", { conversationId: id, seq: 1 })).status, 404);
  }
  assert.deepEqual(await dataOf(outsider.rest.get<Summary>("/offline/summary")), {
    conversations: [],
    unread: 0,
    version: (await overRest(outsider)({})).version,
  });
  for (const query of ["?limit=0", "?limit=101", "?afterSeq=-1", "?afterSeq=x", "?beforeSeq=5"])
    assert.equal((await b.rest.get(`/offline/${conversationId}${query}`)).status, 400, query);
  assert.equal((await b.rest.get("/offline/x")).status, 400);
});

test("one's own words are read whatever became of the cursor, and the cursor is mended", async () => {
  await using lossy = await startIm();
  const { a, b, conversationId } = await buildFriends(lossy);
  const { conversationId: groupId } = await buildGroup(lossy, a, [b]);
  const conversations = lossy.broker.getLocalService("conversation") as unknown as {
    deps: { writer: { sent(moves: unknown): void } };
  };
  const { writer } = conversations.deps;
  const sent = writer.sent.bind(writer);
  writer.sent = () => undefined; // what a crash within the second after sending leaves
  for (const id of [conversationId, groupId]) {
    await say(a, id, "a question");
    await say(b, id, "an answer");
    await say(a, id, "a word more");
  }
  const stored = async () =>
    (
      await lossy.sql.select<{ read_seq: number }>(
        "select read_seq from conversation_member where user_id = :userId and conversation_id = :conversationId",
        { userId: b.userId, conversationId },
      )
    )[0];
  assert.equal(Number((await stored())?.read_seq), 0);
  const cursors = ({ conversations: items }: { conversations: Conversation[] }) =>
    items.map(({ maxSeq, readSeq, unread }) => [maxSeq - readSeq, unread]);
  const { items } = await dataOf(b.rest.get<{ items: Conversation[] }>("/social/conversations"));
  assert.deepEqual(cursors({ conversations: items }), [
    [1, 1],
    [1, 1],
  ]);
  assert.deepEqual(cursors(await overRest(b)({})), [
    [1, 1],
    [1, 1],
  ]);
  const { unread } = await dataOf(b.rest.get<Summary>("/offline/summary"));
  assert.equal(unread, 2);
  writer.sent = sent;
  await overRest(b)({});
  await waitFor(async () => Number((await stored())?.read_seq) === 2, "the cursor to be written");
});

test("an account that is gone syncs no more, and is no gap for those who wrote with it", async () => {
  const { a, b, conversationId } = await buildFriends(im);
  await say(a, conversationId, "goodbye");
  await say(b, conversationId, "farewell");
  const client = new SyncClient(overRest(b));
  await client.sync();
  assert.equal((await a.rest.delete("/users/me")).code, 0);
  await im.settled();
  assert.equal((await a.rest.post("/sync", {})).status, 401);
  assert.equal((await im.api().post("/users/login", { username: a.username, password: PASSWORD })).status, 401);
  await client.sync();
  const [gone, mine] = client.items(conversationId) as Message[];
  assert.deepEqual([gone?.content, typeof gone?.recalledAt, mine?.content], [{}, "number", { text: "farewell" }]);
});
