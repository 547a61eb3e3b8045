import assert from "node:assert/strict";
import { test } from "node:test";
import type { Content, Message, Notification, User } from "../../contracts/entities.ts";
import { MAX_CONTENT_BYTES } from "../../contracts/limits.ts";
import { API_PREFIX } from "../../contracts/routes.ts";
import type { RestAnswer } from "../support/client.ts";
import { befriend, buildGroup, buildUser, clientMsgId, startIm, text, type TestUser } from "../support/im.ts";

const TEXTS = [
  `<script>alert("1")</script><img src=x onerror=alert(1)>`,
  "javascript:alert(1) {{constructor.constructor('x')()}} ${7*7} <!--#exec cmd=\"ls\"-->",
  "\u202Eevil\u202C \u2066\u2069 \u200B\uFEFF",
  "a\u0000b\u0001\u001F\u007F\u0085\u2028\u2029",
  "👩‍👩‍👧‍👦 𠮷 🏴󠁧󠁢󠁥󠁮󠁧󠁿 é é",
  "\ud83d alone, \udc4d alone, \udc4d\ud83d swapped",
  "__proto__ constructor prototype toString",
  `' or 1=1; drop table message; -- " \\ \\\\ \\u0000 %s %00 \r\n\t`,
  " leading and trailing \n",
  "\ufffd\ufffe\uffff",
  "漢".repeat(2_730),
];

/** Contents of other types that hold the same. */
const contents = (words: string): [type: "markdown" | "custom", content: Content][] => [
  ["markdown", { text: words }],
  [
    "custom",
    { kind: "test", data: { words, list: [words, { [`key ${words.length}`]: words }], constructor: 1, toString: null } },
  ],
];

const textOf = (message: Pick<Message, "content">): unknown => message.content["text"];

/** The bytes of an answer, before anything reads them as JSON. */
async function rawHistory(url: string, { token }: TestUser, conversationId: string): Promise<{ headers: Headers; body: string }> {
  const response = await fetch(`${url}${API_PREFIX}/messages/conversations/${conversationId}/history?limit=100`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  return { headers: response.headers, body: await response.text() };
}

test("whatever stands in a text comes back as it was: pushed, read, edited, forwarded, quoted", async () => {
  await using im = await startIm();
  const [ann, bob] = [await buildUser(im), await buildUser(im)];
  const conversationId = await befriend(im, ann, bob);
  const [sender, receiver] = [await im.connect({ token: ann.token }), await im.connect({ token: bob.token })];
  for (const words of TEXTS) {
    const { messageId } = await sender.ok<{ messageId: string }>("message:send", text(conversationId, words));
    assert.equal(textOf(await receiver.next<Message>("message:new", (message) => message.messageId === messageId)), words);
    const edited = `${words} (edited)`.slice(0, 2_730);
    assert.equal(textOf(await sender.ok<Message>("message:edit", { messageId, content: { text: edited } })), edited);
    assert.equal(textOf(await receiver.next<Message>("message:updated", (message) => message.messageId === messageId)), edited);
    const again = await ann.rest.put<Message>(`/messages/${messageId}/edit`, { content: { text: words } });
    assert.equal(textOf(again.data), words);
    const forward = { type: "forward" as const, content: { title: "Forwarded", items: [messageId] } };
    await sender.ok("message:send", { conversationId, clientMsgId: clientMsgId(), ...forward });
    const { content } = await receiver.next<Message>("message:new", ({ type }) => type === "forward");
    assert.equal((content["items"] as { content: Content }[])[0]?.content["text"], words);
    for (const [type, other] of contents(words)) {
      if (Buffer.byteLength(JSON.stringify(other)) > MAX_CONTENT_BYTES) continue;
      const sent = await ann.rest.post<{ messageId: string }>("/messages", {
        conversationId,
        clientMsgId: clientMsgId(),
        type,
        content: other,
      });
      assert.equal(sent.code, 0, JSON.stringify(sent.data));
      const pushed = await receiver.next<Message>("message:new", (message) => message.messageId === sent.data.messageId);
      assert.deepEqual(pushed.content, other);
    }
    const { headers, body } = await rawHistory(im.url, bob, conversationId);
    assert.ok(body.includes(`{"text":${JSON.stringify(words)}}`), JSON.stringify(words).slice(0, 80));
    assert.equal(headers.get("content-type"), "application/json; charset=utf-8");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
  }
});

test("names hold no control characters and no half characters", async () => {
  await using im = await startIm();
  const ann = await buildUser(im);
  const { groupId } = await buildGroup(im, ann);
  for (const bad of ["a\u0000b", "\ud800", "\udc00x", "line\nbreak", "bell\u0007", "del\u007f", ""]) {
    const refused: [string, Promise<RestAnswer<unknown>>][] = [
      ["nickname", ann.rest.put("/users/me/profile", { nickname: bad })],
      ["name", ann.rest.post("/social/groups", { name: bad })],
      ["name", ann.rest.put(`/social/groups/${groupId}`, { name: bad })],
      ["username", im.api().post("/users/register", { username: bad, password: "correct-horse-battery" })],
      ["deviceId", im.api().post("/users/login", { username: ann.username, password: "x", deviceId: bad })],
      ["clientMsgId", ann.rest.post("/messages", text(`g_${groupId}`, "x", { clientMsgId: bad }))],
    ];
    if (bad !== "")
      refused.push(
        ["nickname", ann.rest.put(`/social/groups/${groupId}/members/${ann.userId}`, { nickname: bad })],
        ["region", ann.rest.put("/users/me/profile", { region: bad })],
      );
    if (!["", "line\nbreak"].includes(bad)) refused.push(["signature", ann.rest.put("/users/me/profile", { signature: bad })]);
    for (const [field, work] of refused) {
      const { status, data } = (await work) as RestAnswer<{ fields: { field: string }[] }>;
      assert.deepEqual([status, data.fields[0]?.field], [400, field], JSON.stringify(bad));
    }
  }
  for (const good of [`<b>${"n".repeat(10)}</b>`, "' or '1'='1", "\u202Ertl", "👩‍👩‍👧", "%_*", "𠮷".repeat(64)]) {
    const { data } = await ann.rest.put<User>("/users/me/profile", { nickname: good });
    assert.equal(data.nickname, good);
    assert.equal((await ann.rest.get<User>("/users/me")).data.nickname, good);
  }
});

test("a harmful name of a field is refused wherever it stands", async () => {
  await using im = await startIm();
  const ann = await buildUser(im);
  const { conversationId } = await buildGroup(im, ann);
  const custom = (data: string): string =>
    `{"conversationId":"${conversationId}","clientMsgId":"${clientMsgId()}","type":"custom","content":{"kind":"x","data":${data}}}`;
  const client = await im.connect({ token: ann.token });
  for (const data of [
    '{"__proto__":{"admin":true}}',
    '{"a":[{"__proto__":1}]}',
    '{"\\u0000":1}',
    '{"\\ud800":1}',
    '{"a\\nb":1}',
  ]) {
    const answer = await ann.rest.post<{ fields: unknown[] }>("/messages", undefined, { raw: custom(data) });
    assert.deepEqual([answer.status, answer.data.fields.length], [400, 1], data);
    assert.equal((await client.send("message:send", JSON.parse(custom(data)))).code, 9001, data);
  }
  assert.equal(({} as { admin?: boolean }).admin, undefined);
});

test("operators and wildcards are letters like others", async () => {
  await using im = await startIm();
  const [ann, under, other] = [await buildUser(im), await buildUser(im, "a_b.c-d"), await buildUser(im, "axb.c-d")];
  const found = async (keyword: string): Promise<string[]> => {
    const { status, data } = await ann.rest.get<{ items: User[] }>(`/users/search?keyword=${encodeURIComponent(keyword)}`);
    assert.equal(status, 200, keyword);
    return data.items.map(({ userId }) => userId);
  };
  assert.deepEqual([await found("a_b.c-d"), await found("axb.c-d")], [[under.userId], [other.userId]]);
  const none = [
    "%",
    "_",
    "a%",
    "a?b.c-d",
    "a*",
    "axb.c-_",
    ".*",
    "^a",
    "[a-z]+",
    "' or '1'='1",
    `" or "" = "`,
    "\\",
    "a_b.c-d'--",
    "{$ne:1}",
    "*",
  ];
  for (const keyword of none) assert.deepEqual(await found(keyword), [], keyword);

  const bad = ["1' or '1'='1", "1 or 1=1", "%", "1;drop table user", "(select 1)", "[object Object]", "{}", "$ne", "1%00"];
  for (const path of ["/notifications", "/social/conversations", "/social/blacklist", "/social/groups/invitations"]) {
    for (const cursor of [...bad, "abc", "-1"]) {
      const { status } = await ann.rest.get(`${path}?cursor=${encodeURIComponent(cursor)}`);
      assert.equal(status, 400, `${path} ${cursor}`);
    }
  }
  for (const id of bad)
    for (const path of [
      `/users/${encodeURIComponent(id)}`,
      `/social/groups/${encodeURIComponent(id)}`,
      `/messages/${encodeURIComponent(id)}/readers`,
    ])
      assert.equal((await ann.rest.get(path)).status, 400, path);
  for (const query of ["keyword[$ne]=1", "keyword[]=a", "keyword=a&keyword=b", "keyword.length=1"])
    assert.equal((await ann.rest.get(`/users/search?${query}`)).status, 400, query);
});

test("remarks, tags, drafts and reactions are kept letter by letter", async () => {
  await using im = await startIm();
  const [ann, bob] = [await buildUser(im), await buildUser(im)];
  const conversationId = await befriend(im, ann, bob);
  const { data: sent } = await ann.rest.post<{ messageId: string }>("/messages", text(conversationId));
  const words = ["%", "_", "' or 1=1 --", '"', "\\", "<b>", "${x}", ":name", "?", "$1", "'; drop table user;"];
  for (const emoji of words) await ann.rest.post(`/messages/${sent.messageId}/reactions`, { emoji });
  const { data } = await ann.rest.delete<Message>(`/messages/${sent.messageId}/reactions/${encodeURIComponent("%")}`);
  assert.deepEqual(data.reactions?.map(({ emoji }) => emoji).sort(), words.filter((emoji) => emoji !== "%").sort());
  for (const remark of words) {
    const friend = { remark, tags: words };
    const { data: changed } = await ann.rest.put<typeof friend>(`/social/friends/${bob.userId}`, friend);
    assert.deepEqual([changed.remark, changed.tags], [remark, words]);
    const { data: kept } = await ann.rest.put<{ draft: string }>(`/social/conversations/${conversationId}`, { draft: remark });
    assert.equal(kept.draft, remark);
  }
});

test("what a notification says of somebody stands in it as they wrote it", async () => {
  await using im = await startIm();
  const [ann, bob] = [await buildUser(im), await buildUser(im)];
  const name = `<script>alert("x")</script>`;
  await ann.rest.put("/users/me/profile", { nickname: name });
  const message = `{0} %s $& ' " \\ ${name}`;
  await ann.rest.post("/social/friends/request", { userId: bob.userId, message });
  await im.settled();
  const { data } = await bob.rest.get<{ items: Notification[] }>("/notifications");
  assert.ok(data.items[0]?.text.includes(name), data.items[0]?.text);
  const { data: requests } = await bob.rest.get<{ items: { message: string }[] }>("/social/friends/requests?direction=in");
  assert.equal(requests.items[0]?.message, message);
});
