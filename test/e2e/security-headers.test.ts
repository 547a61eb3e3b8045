import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_BODY_BYTES } from "../../contracts/limits.ts";
import { NodeLogger } from "../../runtime/node-logger.ts";
import { buildUser, clientMsgId, PASSWORD, startIm } from "../support/im.ts";

test("every answer keeps browsers from taking it for something else, and says nothing of what made it", async () => {
  await using im = await startIm();
  const { token } = await buildUser(im);
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const requests: [status: number, path: string, init?: RequestInit][] = [
    [200, "/api/v1/users/me", { headers }],
    [201, "/api/v1/social/groups", { method: "POST", headers, body: '{"name":"x"}' }],
    [400, "/api/v1/users/search", { headers }],
    [400, "/api/v1/messages", { method: "POST", headers, body: "{" }],
    [401, "/api/v1/users/me"],
    [404, "/api/v1/users/1", { headers }],
    [404, "/nothing"],
    [405, "/api/v1/users/me", { method: "PATCH", headers }],
    [413, "/api/v1/messages", { method: "POST", headers, body: " ".repeat(MAX_BODY_BYTES + 1) }],
    [200, "/openapi.json"],
    [200, "/asyncapi.json"],
    [200, "/docs"],
    [200, "/health/live"],
    [200, "/health/ready"],
  ];
  for (const [status, path, init] of requests) {
    const response = await fetch(im.url + path, init);
    const of = (name: string): string | null => response.headers.get(name);
    assert.equal(response.status, status, path);
    assert.equal(of("x-content-type-options"), "nosniff", path);
    for (const name of ["x-powered-by", "server", "x-aspnet-version", "etag"]) assert.equal(of(name), null, `${path} ${name}`);
    const body = await response.text();
    if (status >= 400) assert.doesNotMatch(body, /node_modules|\.ts\b|\bat \w+ \(|sqlite|select |stack|\/root|\/home/i, path);
    if (path.startsWith("/health")) continue;
    assert.match(of("content-security-policy") ?? "", /default-src 'none'.*frame-ancestors 'none'/, path);
    assert.equal(of("referrer-policy"), "no-referrer", path);
    assert.equal(of("cross-origin-resource-policy"), "same-origin", path);
    assert.match(of("x-request-id") ?? "", /^[\w-]+$/, path);
    if (path.startsWith("/api")) assert.equal(of("cache-control"), "no-store", path);
  }
});

test("a HEAD request gets no body and runs no action", async () => {
  await using im = await startIm();
  const response = await fetch(`${im.url}/api/v1/users/me`, { method: "HEAD" });
  assert.deepEqual([response.status, await response.text()], [405, ""]);
});

test("no log holds a password, a token, a secret or what people write", async () => {
  const lines: string[] = [];
  const logger = new NodeLogger("trace", (entry) => void lines.push(JSON.stringify(entry)));
  await using im = await startIm({ logLevel: "trace" }, { broker: { logger, logLevel: "trace" } });
  const user = await buildUser(im);
  const { jwtSecret } = im.node.config;
  const words = "something that only two should know";
  const { data } = await user.rest.post<{ group: { conversationId: string } }>("/social/groups", { name: "x" });
  const { conversationId } = data.group;
  await using client = await im.connect({ token: user.token });
  const message = { conversationId, clientMsgId: clientMsgId(), type: "text", content: { text: words } };
  await client.ok("message:send", message);
  await client.send("message:send", { ...message, clientMsgId: "?" });
  await client.send("auth:renew", { token: `${user.token}x` });
  await user.rest.post("/messages", { ...message, more: 1 });
  await user.rest.put("/users/me/password", { oldPassword: "wrong-old-password", newPassword: `${PASSWORD}-new` });
  await im.api().post("/users/login", { username: user.username, password: "wrong-password-here" });
  await im.api().post("/auth/refresh", { refreshToken: user.refreshToken });
  await im.api(`${user.token}x`).get("/users/me");
  await im.settled();
  assert.ok(lines.length > 10, String(lines.length));
  const secrets = [PASSWORD, "wrong-old-password", "wrong-password-here", user.token, user.refreshToken, jwtSecret, words];
  for (const secret of secrets)
    assert.deepEqual(
      lines.filter((line) => line.includes(secret)),
      [],
    );
});
