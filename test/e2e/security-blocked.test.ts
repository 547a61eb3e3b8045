import assert from "node:assert/strict";
import { test } from "node:test";
import type { Presence, User } from "../../contracts/entities.ts";
import { directConversationId } from "../../lib/conversation-id.ts";
import type { RestAnswer } from "../support/client.ts";
import { befriend, buildGroup, buildUser, startIm, text, type Im, type TestUser } from "../support/im.ts";
import { sendersSettled } from "../support/tables.ts";

/** Ids of nobody, as long as real ones. */
const NOBODY = "999999999999999999";

const told = ({ status, code, message, data }: RestAnswer<unknown>) => ({ status, code, message, data });

/** What `who` is told when they try to reach `peerId` in every way there is, without ids and times. */
async function attempts(im: Im, who: TestUser, peerId: string): Promise<Record<string, unknown>> {
  const conversationId = directConversationId(who.userId, peerId);
  await using client = await im.connect({ token: who.token });
  return {
    send: told(await who.rest.post("/messages", text(conversationId))),
    sendOnSocket: await client.send("message:send", text(conversationId)),
    open: told(await who.rest.post("/social/conversations", { userId: peerId })),
    presence: (await client.ok<{ items: Presence[] }>("presence:subscribe", { userIds: [peerId] })).items.map(
      ({ userId: _, ...presence }) => presence,
    ),
  };
}

test("a stranger who is blocked is told what those are told who write to strangers or to nobody", async () => {
  await using im = await startIm();
  const [blocker, blocked, stranger] = [await buildUser(im), await buildUser(im), await buildUser(im)];
  await im.connect({ token: blocker.token });
  const before = await attempts(im, blocked, blocker.userId);
  await blocker.rest.put(`/social/blacklist/${blocked.userId}`);
  await im.settled();
  const after = await attempts(im, blocked, blocker.userId);
  assert.deepEqual(after, before);
  assert.deepEqual(after, await attempts(im, stranger, blocker.userId));
  assert.deepEqual(after, await attempts(im, stranger, NOBODY));
  assert.deepEqual((after["send"] as { status: number; code: number }).code, 3002);
});

test("a friend who is blocked is told what strangers are told, and finds their lists as they were", async () => {
  await using im = await startIm();
  const [blocker, blocked, stranger] = [await buildUser(im), await buildUser(im), await buildUser(im)];
  const conversationId = await befriend(im, blocker, blocked);
  await using client = await im.connect({ token: blocked.token });
  await using other = await im.connect({ token: blocker.token });
  const { data: sent } = await blocked.rest.post<{ messageId: string }>("/messages", text(conversationId));
  const { data: got } = await blocker.rest.post<{ messageId: string; seq: number }>("/messages", text(conversationId));
  await client.next("message:persisted"); // told a moment later
  const lists = async (): Promise<unknown> => ({
    friends: (await blocked.rest.get("/social/friends")).data,
    profile: (await blocked.rest.get(`/users/${blocker.userId}`)).data,
    found: (await blocked.rest.get<{ items: User[] }>(`/users/search?keyword=${blocker.username}`)).data,
    requests: (await blocked.rest.get("/social/friends/requests?direction=out")).data,
    notifications: (await blocked.rest.get("/notifications")).data,
    history: (await blocked.rest.get(`/messages/conversations/${conversationId}/history`)).data,
    readers: (await blocked.rest.get(`/messages/${sent.messageId}/readers`)).data,
    conversations: (await blocked.rest.get("/social/conversations")).data,
  });
  await im.settled();
  await sendersSettled(im.sql);
  const before = await lists();
  const heard = client.received.length;
  await blocker.rest.put(`/social/blacklist/${blocked.userId}`);
  await im.settled();
  assert.deepEqual(await attempts(im, blocked, blocker.userId), await attempts(im, stranger, NOBODY));
  const refusals = await Promise.all([
    client.send("typing", { conversationId, kind: "text" }),
    client.send("message:edit", { messageId: sent.messageId, content: { text: "x" } }),
    client.send("message:react", { messageId: got.messageId, emoji: "👍" }),
  ]);
  for (const { code } of refusals) assert.equal(code, 3002);
  assert.equal((await blocker.rest.post("/messages", text(conversationId))).code, 3003);
  assert.deepEqual(await lists(), before);
  assert.deepEqual(
    client.received.slice(heard).map(({ event }) => event),
    [],
  );
  assert.deepEqual(other.of("typing"), []);
});

test("a request of someone who is blocked is answered like any other and reaches nobody", async () => {
  await using im = await startIm();
  const [blocker, blocked, stranger, open] = [await buildUser(im), await buildUser(im), await buildUser(im), await buildUser(im)];
  await blocker.rest.put(`/social/blacklist/${blocked.userId}`);
  const ask = async (from: TestUser, to: TestUser): Promise<unknown> => {
    const { status, code, data } = await from.rest.post<{ requestId: string }>("/social/friends/request", { userId: to.userId });
    return { status, code, fields: Object.keys(data) };
  };
  assert.deepEqual(await ask(blocked, blocker), await ask(stranger, open));
  assert.deepEqual(await blocked.rest.post("/social/friends/request", { userId: blocker.userId }).then(({ code }) => code), 2002);
  await im.settled();
  const { data } = await blocker.rest.get<{ items: unknown[] }>("/social/friends/requests?direction=in");
  assert.deepEqual(data.items, []);
  assert.deepEqual((await blocker.rest.get<{ count: number }>("/notifications/unread-count")).data, { count: 0 });
});

test("someone who is blocked can put nobody into a group", async () => {
  await using im = await startIm();
  const [blocker, blocked] = [await buildUser(im), await buildUser(im)];
  await befriend(im, blocker, blocked);
  await blocker.rest.put(`/social/whitelist/${blocked.userId}`);
  await blocker.rest.put(`/social/blacklist/${blocked.userId}`);
  const { groupId } = await buildGroup(im, blocked);
  const invite = (userIds: string[]) => blocked.rest.post(`/social/groups/${groupId}/members`, { userIds });
  assert.deepEqual(told(await invite([blocker.userId])), told(await invite([NOBODY])));
  assert.deepEqual((await blocker.rest.get<{ items: unknown[] }>("/social/groups/invitations")).data.items, []);
});
