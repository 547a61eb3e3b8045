import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { Errors, Loggers } from "moleculer";
import { imError } from "../../lib/errors.ts";
import { metricsAddress } from "../../mixins/metrics/index.ts";
import { createEdge, type Answer } from "../support/edge.ts";
import { codeOf, fieldsOf } from "../support/edge-answers.ts";
import { waitFor } from "../support/wait.ts";

test("an answer is an envelope that carries the request's id", async () => {
  await using node = await createEdge();
  const answer = await node.ask("GET", "/api/v1/users/me", { headers: { "X-Request-Id": "my.request-1" } });
  assert.deepEqual(codeOf(answer), [200, 0]);
  assert.equal(answer.message, "ok");
  assert.ok(Math.abs(Date.now() - answer.timestamp) < 10_000);
  assert.deepEqual(
    [answer.requestId, answer.headers.get("x-request-id"), answer.data?.["requestId"]],
    ["my.request-1", "my.request-1", "my.request-1"],
  );
});

test("a request id that could harm a log is replaced", async () => {
  await using node = await createEdge();
  for (const given of ["a b", "x".repeat(65), '"><script>']) {
    const { requestId } = await node.ask("GET", "/api/v1/users/me", {
      headers: { "X-Request-Id": given, "X-Correlation-Id": given },
    });
    assert.match(requestId, /^[0-9a-f-]{36}$/);
  }
});

test("the caller comes from the token, never from the request", async () => {
  await using node = await createEdge();
  const answer = await node.ask("GET", "/api/v1/users/me", { userId: "7" });
  assert.deepEqual((answer.data?.["meta"] as { caller: unknown }).caller, { userId: "7", sessionId: "9", deviceId: "test" });
});

test("who has no good token is told to sign in", async () => {
  await using node = await createEdge();
  const me = (headers: Record<string, string>): Promise<Answer> => node.ask("GET", "/api/v1/users/me", { userId: null, headers });
  const missing = await me({});
  assert.deepEqual([...codeOf(missing), missing.headers.get("www-authenticate")], [401, 1010, "Bearer"]);
  const wrong = await me({ Authorization: "Bearer nobody" });
  assert.deepEqual([...codeOf(wrong), wrong.headers.get("www-authenticate")], [401, 1010, 'Bearer error="invalid_token"']);
  assert.deepEqual(codeOf(await me({ Authorization: "Bearer expired" })), [401, 1003]);
  for (const header of ["Basic dXNlcjoxMjM=", "Bearer", "Bearer a b", "user-1"])
    assert.deepEqual(codeOf(await me({ Authorization: header })), [401, 1010], header);
});

test("a token in the URL is refused", async () => {
  await using node = await createEdge();
  for (const name of ["token", "access_token"]) {
    assert.deepEqual(codeOf(await node.ask("GET", `/api/v1/users/me?${name}=user-1`, { userId: null })), [401, 1010]);
    const answer = await node.ask("GET", `/api/v1/users/me?${name}=user-1`);
    assert.deepEqual([...codeOf(answer), ...fieldsOf(answer)], [400, 9001, name]);
  }
});

test("an unknown path is 404, a wrong method 405 with the right ones", async () => {
  await using node = await createEdge();
  for (const path of [
    "/api/v1/nothing",
    "/api/v1",
    "/api/v2/users/me",
    "/nothing",
    "/api/v1/users/me/",
    "/API/v1/users/me",
    "/api/v1/Users/me",
  ]) {
    assert.deepEqual(codeOf(await node.ask("GET", path)), [404, 9003], path);
  }
  const allowed: [string, string, string][] = [
    ["POST", "/api/v1/users/me", "GET, DELETE"],
    ["PATCH", "/api/v1/users/42", "GET"],
    ["PUT", "/api/v1/social/groups/invitations", "GET"],
    ["DELETE", "/api/v1/social/friends/requests", "GET"],
  ];
  for (const [method, path, allow] of allowed) {
    const answer = await node.ask(method, path);
    assert.deepEqual([...codeOf(answer), answer.headers.get("allow")], [405, 9004, allow], path);
  }
});

test("OPTIONS never runs an action, and foreign pages get no permission", async () => {
  let calls = 0;
  await using node = await createEdge(
    { "user.register": () => ++calls },
    { config: { corsOrigins: ["https://chat.example.com"] } },
  );
  const preflight = (origin: string): Promise<Response> =>
    fetch(`${node.url}/api/v1/users/register`, {
      method: "OPTIONS",
      headers: { Origin: origin, "Access-Control-Request-Method": "POST" },
    });
  const own = await preflight("https://chat.example.com");
  assert.deepEqual([own.status, own.headers.get("access-control-allow-origin")], [204, "https://chat.example.com"]);
  assert.match(own.headers.get("access-control-allow-headers") ?? "", /Authorization/);
  assert.equal((await preflight(node.url)).headers.get("access-control-allow-origin"), node.url);
  for (const origin of ["https://evil.example.com", "null", "https://chat.example.com.evil.com"]) {
    const foreign = await preflight(origin);
    assert.deepEqual([foreign.status, foreign.headers.get("access-control-allow-origin")], [204, null], origin);
  }
  assert.equal(calls, 0);
});

test("answers carry the headers that keep browsers from mistakes", async () => {
  await using node = await createEdge();
  const { headers } = await node.ask("GET", "/api/v1/users/me");
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.equal(
    headers.get("content-security-policy"),
    "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
  );
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(headers.get("x-powered-by"), null);
  assert.equal(headers.get("content-type"), "application/json; charset=utf-8");
});

test("an error speaks the language of the client", async () => {
  await using node = await createEdge();
  const message = async (language: string): Promise<string> =>
    (await node.ask("GET", "/api/v1/nothing", { headers: { "Accept-Language": language } })).message;
  assert.match(await message("zh-CN,zh;q=0.9,en;q=0.8"), /接口不存在/);
  assert.match(await message("en;q=0.9, zh;q=0.5"), /There is nothing/);
  assert.match(await message("fr"), /There is nothing/);
});

test("headers that would make a cache answer do not", async () => {
  await using node = await createEdge();
  const answer = await node.ask("GET", "/api/v1/users/me", {
    headers: { "If-None-Match": "*", "If-Modified-Since": new Date().toUTCString() },
  });
  assert.equal(answer.status, 200);
});

test("a message sent again is 200, the first time 201", async () => {
  let sends = 0;
  await using node = await createEdge({
    "message.send": (ctx) => {
      if (sends++ > 0) ctx.meta.repeated = true;
      return { messageId: "1", conversationId: "d_1_2", seq: 1, createdAt: 1 };
    },
  });
  const body = { conversationId: "d_1_2", clientMsgId: "a", type: "text", content: { text: "x" } };
  assert.equal((await node.ask("POST", "/api/v1/messages", { body })).status, 201);
  assert.equal((await node.ask("POST", "/api/v1/messages", { body })).status, 200);
});

test("an answer without anything to say has null as its data", async () => {
  await using node = await createEdge({ "auth.logout": () => undefined, "friend.block": () => null });
  assert.equal((await node.ask("POST", "/api/v1/auth/logout")).data, null);
  assert.equal((await node.ask("PUT", "/api/v1/social/blacklist/5")).data, null);
});

test("errors of actions keep their code, status and data; others tell nothing", async () => {
  const failures: Record<string, unknown> = {
    "1": imError("GROUP_NOT_FOUND"),
    "2": new Error("SELECT secret FROM /srv/im.sqlite"),
    "3": new Errors.RequestTimeoutError({ action: "user.get", nodeID: "n" }),
    "4": imError("SEND_FAILED"),
    "5": "not even an error",
    "6": new Errors.MoleculerError("boom", 418, "TEAPOT", { path: "/srv" }),
    "7": imError("QUOTA_EXCEEDED", { retryAfterMs: 61_500 }),
    "8": undefined,
  };
  await using node = await createEdge({ "user.get": (ctx) => Promise.reject(failures[String(ctx.params["userId"])] as Error) });
  const get = (id: string): Promise<Answer> => node.ask("GET", `/api/v1/users/${id}`);
  assert.deepEqual(codeOf(await get("1")), [404, 4001]);
  for (const id of ["2", "5", "6"]) {
    const answer = await get(id);
    assert.deepEqual([...codeOf(answer), answer.data], [500, 9000, null], id);
    assert.doesNotMatch(JSON.stringify(answer), /secret|srv|boom/);
  }
  for (const [id, status, code, wait] of [
    ["3", 503, 9006, "1"],
    ["4", 503, 3001, "1"],
    ["7", 429, 9009, "62"],
  ] as const) {
    const answer = await get(id);
    assert.deepEqual([...codeOf(answer), answer.headers.get("retry-after")], [status, code, wait], id);
  }
  assert.equal((await get("8")).status, 500);
  assert.equal((await node.ask("GET", "/api/v1/users/me")).status, 200);
});

test("what nobody expected is logged once, with its request and without what the client sent", async () => {
  const logged: unknown[][] = [];
  class ListLogger extends Loggers.Base<Loggers.Base.LoggerOptions> {
    override getLogHandler(): Loggers.Base.LogHandler {
      return (type, args) => void (type === "error" && logged.push(args));
    }
  }
  const standIns = {
    "user.search": () => Promise.reject(new Error("broken")),
    "user.get": () => Promise.reject(imError("USER_NOT_FOUND")),
  };
  await using node = await createEdge(standIns, { broker: { logger: new ListLogger({}) } });
  const { requestId } = await node.ask("GET", "/api/v1/users/search?keyword=confidential");
  await node.ask("GET", "/api/v1/users/5");
  assert.equal(logged.length, 1);
  assert.equal((logged[0]?.[1] as { requestId: string }).requestId, requestId);
  assert.doesNotMatch(
    JSON.stringify([logged[0]?.[0], (logged[0]?.[1] as { error: Error }).error.message]),
    /confidential|user-1/,
  );
});

test("requests are counted by route, whatever stands in the path", async () => {
  await using node = await createEdge();
  await node.ask("GET", "/api/v1/users/5");
  await node.ask("GET", "/api/v1/users/6");
  await node.ask("GET", "/api/v1/nothing");
  const text = await (await fetch(`http://127.0.0.1:${metricsAddress(node.broker)?.port ?? 0}/metrics`)).text();
  assert.match(text, /^im_http_requests_total\{route="\/api\/v1\/users\/\{userId\}",method="GET",status="200",[^}]*\} 2$/m);
  assert.match(text, /^im_http_requests_total\{route="other",method="GET",status="404",[^}]*\} 1$/m);
});

test("a service that is missing is 503 with Retry-After", async () => {
  await using node = await createEdge({}, { services: ["auth"] });
  const answer = await node.ask("GET", "/api/v1/users/me");
  assert.deepEqual([...codeOf(answer), answer.headers.get("retry-after")], [503, 9006, "1"]);
});

test("a running request is answered before the node stops", async () => {
  let isRunning = false;
  let finish: (value: unknown) => void = () => undefined;
  const node = await createEdge({
    "user.me": () => {
      isRunning = true;
      return new Promise((resolve) => (finish = resolve));
    },
  });
  const asked = node.ask("GET", "/api/v1/users/me");
  await waitFor(() => isRunning);
  const stopped = node.stop();
  await waitFor(async () => {
    try {
      await fetch(`${node.url}/api/v1/users/me`);
      return false;
    } catch {
      return true;
    }
  }, "the port to close");
  finish({ done: true });
  assert.deepEqual((await asked).data, { done: true });
  await stopped;
});

test("the process survives clients that leave in the middle", async () => {
  await using node = await createEdge();
  for (const bytes of [
    "POST /api/v1/users/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    "GET /api/v1",
    "\r\n\r\n\u0000",
  ]) {
    const socket = connect(Number(new URL(node.url).port), "127.0.0.1").on("error", () => undefined);
    await new Promise((resolve) => socket.write(bytes, resolve));
    socket.destroy();
  }
  assert.equal((await node.ask("GET", "/api/v1/users/me")).status, 200);
});
