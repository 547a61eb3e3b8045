import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { API_PREFIX } from "../../contracts/routes.ts";
import type { Client } from "../support/client.ts";
import { expiringToken } from "../support/expiring-token.ts";
import { buildGroup, buildUser, startIm, text, type Im, type TestUser } from "../support/im.ts";
import { buildFriends, buildUsers } from "../support/people.ts";
import { waitFor } from "../support/wait.ts";
import { conversationOf, fields, handshake, has, names, ok, refused, say, send, type Json, type Page } from "../support/wire.ts";

/** The wire contract, statement by statement: what holds for every answer, and for sockets. */

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

test("every answer is the envelope, with the request's id and the client's language", async () => {
  const [user] = (await buildUsers(im, 1)) as [TestUser];
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

test("lists come in pages of 20 unless told, each item once", async () => {
  const [owner, ...others] = (await buildUsers(im, 23)) as [TestUser, ...TestUser[]];
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

test("the socket's events and their acknowledgements", async () => {
  const { a, b, conversationId } = await buildFriends(im);
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
  const { a, b, conversationId } = await buildFriends(im);
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

test("the handshake refuses with a code; five connections are enough", async () => {
  const [user] = (await buildUsers(im, 1)) as [TestUser];
  for (const token of [undefined, "bad", ""]) {
    const data = await handshake(im, token);
    has(data, "code message");
    assert.equal(data?.code, 1010);
  }
  const clients: Client[] = [];
  for (let i = 0; i < 5; i++) clients.push(await im.connect({ token: user.token }));
  const sixth = await handshake(im, user.token);
  has(sixth, "code message");
  assert.equal(sixth?.code, 1008);
  assert.match(
    (await handshake(im, "bad", undefined, { "Accept-Language": "fr, zh;q=0.8, en;q=0.5" }))?.message ?? "",
    /[\u4e00-\u9fff]/,
  );
  await clients[0]?.close();
  await waitFor(async () => (await handshake(im, user.token)) === undefined);
});

test("a socket is renewed, or ends when its token does", async () => {
  const user = await buildUser(im);
  const other = await user.signIn();
  const fresh = await ok<{ accessToken: string }>(im.api().post("/auth/refresh", { refreshToken: user.refreshToken }));
  const token = expiringToken(im, user.token);
  await using kept = await im.connect({ token });
  await using left = await im.connect({ token });
  assert.equal(await kept.ok("auth:renew", { token: fresh.accessToken }), null);
  assert.equal((await kept.send("auth:renew", { token: other.token })).code, 1009);
  assert.equal((await kept.send("auth:renew", { token: "bad" })).code, 1010);
  const ended = await left.next<Json>("session:ended");
  assert.equal(ended["code"], 1003);
  await left.closed;
  assert.deepEqual([kept.of("session:ended"), kept.socket.connected], [[], true]);
  await refused(im.api(token).get("/users/me"), 401, 1003);
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
