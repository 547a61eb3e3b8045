import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { MAX_BODY_BYTES } from "../../contracts/limits.ts";
import { createEdge, type Answer, type EdgeNode } from "../support/edge.ts";
import { codeOf, fieldsOf, paramsOf } from "../support/edge-answers.ts";

/** Status line and headers of the answer to a raw request. */
async function raw(node: EdgeNode, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(node.url).port), "127.0.0.1");
  socket.end(bytes);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

test("path, query and body become the action's params", async () => {
  await using node = await createEdge();
  const id = "d_1_2";
  assert.deepEqual(paramsOf(await node.ask("GET", "/api/v1/users/42")), { userId: "42" });
  assert.deepEqual(paramsOf(await node.ask("GET", `/api/v1/messages/conversations/${id}/history?beforeSeq=7&limit=5`)), {
    conversationId: id,
    beforeSeq: 7,
    limit: 5,
  });
  assert.deepEqual(paramsOf(await node.ask("GET", "/api/v1/notifications?read=false")), { read: false });
  assert.deepEqual(paramsOf(await node.ask("PUT", `/api/v1/social/conversations/${id}`, { body: { pinned: true } })), {
    conversationId: id,
    pinned: true,
  });
  assert.deepEqual(paramsOf(await node.ask("POST", "/api/v1/auth/logout")), {});
  assert.deepEqual(paramsOf(await node.ask("DELETE", "/api/v1/messages/5/reactions/%F0%9F%91%8D")), {
    messageId: "5",
    emoji: "👍",
  });
});

test("fields that are unknown, given twice or given in the wrong place are named", async () => {
  await using node = await createEdge();
  const refused: [string, string, unknown, string][] = [
    ["GET", "/api/v1/users/me?x=1", undefined, "x"],
    ["GET", "/api/v1/notifications?limit=1&limit=2", undefined, "limit"],
    ["GET", "/api/v1/notifications?limit=0", undefined, "limit"],
    ["GET", "/api/v1/notifications?limit=1.5", undefined, "limit"],
    ["GET", "/api/v1/notifications?limit=", undefined, "limit"],
    ["GET", "/api/v1/notifications?read=yes", undefined, "read"],
    ["GET", "/api/v1/notifications?__proto__=1", undefined, "__proto__"],
    ["GET", "/api/v1/users/42?userId=43", undefined, "userId"],
    ["GET", "/api/v1/users/0", undefined, "userId"],
    ["GET", "/api/v1/users/%00", undefined, "userId"],
    ["POST", "/api/v1/social/conversations?userId=5", {}, "userId"],
    ["POST", "/api/v1/social/conversations", { userId: 5 }, "userId"],
    ["POST", "/api/v1/social/conversations", {}, "userId"],
    ["POST", "/api/v1/social/conversations", { userId: "5", senderId: "1" }, "senderId"],
    ["PUT", "/api/v1/social/friends/5", { userId: "6" }, "userId"],
    ["PUT", "/api/v1/social/friends/5", [], ""],
    ["PUT", "/api/v1/social/friends/5", "1", ""],
    ["PUT", "/api/v1/social/friends/5", '{"remark":"a","remark":"b"}', "remark"],
    ["PUT", "/api/v1/social/friends/5", '{"remark":"a","\\u0072emark":"b"}', "remark"],
    ["POST", "/api/v1/social/conversations", '{"userId":"5","__proto__":{"admin":true}}', "__proto__"],
  ];
  for (const [method, path, body, field] of refused) {
    const answer = await node.ask(method, path, { body });
    assert.deepEqual([...codeOf(answer), ...fieldsOf(answer)], [400, 9001, field], `${method} ${path} ${JSON.stringify(body)}`);
  }
});

test("deep JSON, and harmful names inside a content, are refused", async () => {
  await using node = await createEdge();
  const send = (content: string): Promise<Answer> =>
    node.ask("POST", "/api/v1/messages", {
      body: `{"conversationId":"d_1_2","clientMsgId":"a","type":"custom","content":${content}}`,
    });
  assert.deepEqual(codeOf(await send('{"kind":"k","data":{"a":[1,{"b":2}]}}')), [201, 0]);
  for (const content of [
    "[".repeat(20) + "]".repeat(20),
    `${'{"a":'.repeat(20)}1${"}".repeat(20)}`,
    '{"a":{"__proto__":1}}',
    '{"a\\u0000":1}',
    '{"\\ud800":1}',
    '{"a":[{"x":1,"x":2}]}',
  ]) {
    assert.deepEqual(codeOf(await send(content)), [400, 9001], content);
  }
});

test("texts pass through unchanged, whatever they hold", async () => {
  await using node = await createEdge();
  const text = '<script>alert(1)</script> \u202Eabc \u0000 __proto__ 👩‍👩‍👧 \\u2028\u2028 {"a":1,"a":2}';
  const body = { conversationId: "d_1_2", clientMsgId: "a", type: "text", content: { text } };
  assert.deepEqual(paramsOf(await node.ask("POST", "/api/v1/messages", { body })), body);
  const surrogate = await node.ask("POST", "/api/v1/messages", {
    body: JSON.stringify({ ...body, content: { text: "\ud800" } }),
  });
  assert.equal((paramsOf(surrogate) as typeof body).content.text, "\ud800");
});

test("bodies that are no JSON over HTTP are refused as such", async () => {
  await using node = await createEdge();
  const post = (body: string, headers: Record<string, string> = {}): Promise<Answer> =>
    node.ask("POST", "/api/v1/auth/logout", { body, headers });
  for (const body of ["{", "{'a':1}", "nothing", '{"a":1}}', "\u0000"])
    assert.deepEqual(codeOf(await post(body)), [400, 9008], body);
  for (const type of [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "application/jsonp",
  ]) {
    assert.deepEqual(codeOf(await post("{}", { "Content-Type": type })), [400, 9008], type);
  }
  assert.deepEqual(codeOf(await post("{}", { "Content-Type": "application/json; charset=UTF-8" })), [200, 0]);
  assert.deepEqual(codeOf(await post("{}", { "Content-Encoding": "gzip" })), [400, 9008]);
  const auth = "Authorization: Bearer user-1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n";
  assert.match(
    await raw(
      node,
      `POST /api/v1/auth/logout HTTP/1.1\r\n${auth}Content-Length: 8\r\n\r\n{"a":"\xff\xfe`.replace(
        "Content-Length: 8",
        "Content-Length: 10",
      ),
    ),
    /^HTTP\/1\.1 400 /,
  );
  assert.match(
    await raw(node, `GET /api/v1/users/me HTTP/1.1\r\n${auth}Content-Length: 2\r\n\r\n{}`),
    /^HTTP\/1\.1 400 [^]*"field":"body"/,
  );
});

test("a body that is too large is 413, sent at once or in pieces", async () => {
  await using node = await createEdge();
  const large = JSON.stringify({ all: true, x: "a".repeat(MAX_BODY_BYTES) });
  assert.deepEqual(codeOf(await node.ask("POST", "/api/v1/auth/logout", { body: large })), [413, 9007]);
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const req = httpRequest(`${node.url}/api/v1/auth/logout`, {
      method: "POST",
      headers: { Authorization: "Bearer user-1", "Content-Type": "application/json" },
    });
    req.on("response", (res) => resolve(res.resume().statusCode)).on("error", reject);
    for (let sent = 0; sent <= MAX_BODY_BYTES; sent += 65_536) req.write("a".repeat(65_536));
    req.end();
  });
  assert.equal(status, 413);
});

test("URLs that cannot be decoded, and raw NULs, are 400", async () => {
  await using node = await createEdge();
  for (const path of ["/api/v1/users/%", "/api/v1/users/%E0%A4%A", "/api/v1/users/search?keyword=%ff", "/docs/%"]) {
    assert.deepEqual(codeOf(await node.ask("GET", path)), [400, 9008], path);
  }
  assert.match(await raw(node, "GET /api/v1/users/\u0000 HTTP/1.1\r\nHost: x\r\n\r\n"), /^HTTP\/1\.1 400 [^]*"code":9008/);
});
