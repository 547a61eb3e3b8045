import assert from "node:assert/strict";
import { test } from "node:test";
import { Type } from "typebox";
import { routes } from "../../contracts/routes.ts";
import { isImError } from "../../lib/errors.ts";
import { parseJson } from "../../lib/json.ts";
import { languageOf } from "../../lib/language.ts";
import { createOriginCheck } from "../../lib/origins.ts";
import { createRateLimiter } from "../../lib/rate-limits.ts";
import { requestIdOf } from "../../lib/request-id.ts";
import { coerce, mergeParams, parseQuery } from "../../services/api/params.ts";
import { compileRoutes } from "../../services/api/route-table.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const isInvalid = (field: string) => (error: unknown) =>
  isImError(error, "VALIDATION") && (error.data as { fields: { field: string }[] }).fields[0]?.field === field;

test("texts become what the schema asks for, or stay what they are", () => {
  const schema = Type.Object({
    count: Type.Integer(),
    share: Type.Optional(Type.Number()),
    on: Type.Boolean(),
    until: Type.Union([Type.Integer(), Type.Null()]),
    ids: Type.Array(Type.Integer()),
    name: Type.String(),
  });
  const values = { count: "-5", share: "0.5", on: "true", until: "7", ids: "1,2,x", name: "12" };
  assert.deepEqual(coerce(values, schema), { count: -5, share: 0.5, on: true, until: 7, ids: [1, 2, "x"], name: "12" });
  for (const odd of ["", " 1", "1e3", "0x10", "1.5", "NaN", "12345678901234567"])
    assert.deepEqual(coerce({ count: odd }, schema), { count: odd });
  for (const odd of ["", "1", "TRUE", "yes"]) assert.deepEqual(coerce({ on: odd }, schema), { on: odd });
  assert.deepEqual(coerce({ constructor: "1", toString: "2" }, schema), { constructor: "1", toString: "2" });
});

test("a query gives each field once", () => {
  assert.deepEqual({ ...parseQuery("a=1&b=%20x+y&c") }, { a: "1", b: " x y", c: "" });
  assert.throws(() => parseQuery("a=1&b=2&a=1"), isInvalid("a"));
  assert.throws(() => parseQuery("__proto__=1"), isInvalid("__proto__"));
  assert.throws(() => parseQuery("a%00=1"), isInvalid("a\\u0000"));
});

test("what stands in the path cannot be given again", () => {
  assert.deepEqual(mergeParams({ userId: "1" }, { remark: "x" }), { remark: "x", userId: "1" });
  assert.throws(() => mergeParams({ userId: "1" }, { userId: "1" }), isInvalid("userId"));
});

test("JSON that says a thing twice is refused, in texts it may", () => {
  assert.deepEqual(parseJson(bytes('{"a":{"x":1},"b":[{"x":1},{"x":2}],"c":"{\\"a\\":1,\\"a\\":2}"}')), {
    a: { x: 1 },
    b: [{ x: 1 }, { x: 2 }],
    c: '{"a":1,"a":2}',
  });
  assert.throws(() => parseJson(bytes('{"a":{"x":1,"y":{},"x":2}}')), isInvalid("x"));
  assert.throws(() => parseJson(bytes('{"a" : 1, "\\u0061" : 2}')), isInvalid("a"));
  assert.equal((parseJson(bytes(JSON.stringify({ text: '\\"'.repeat(200_000) }))) as { text: string }).text.length, 400_000);
  for (const text of ["", "{", "[1,]", "{a:1}", "undefined"])
    assert.throws(
      () => parseJson(bytes(text)),
      (error) => isImError(error, "MALFORMED_REQUEST"),
      text,
    );
  assert.throws(
    () => parseJson(new Uint8Array([0x22, 0xff, 0x22])),
    (error) => isImError(error, "MALFORMED_REQUEST"),
  );
});

test("every route is found by its own path, before one with params", () => {
  const match = compileRoutes(routes);
  for (const route of routes) {
    const found = match(`/api/v1${route.path.replace(/\{\w+\}/g, "1")}`);
    assert.equal(found?.methods.get(route.method)?.action, route.action, `${route.method} ${route.path}`);
  }
  assert.deepEqual(match("/api/v1/social/groups/7/members/8")?.pathParams, { groupId: "7", userId: "8" });
  for (const path of [
    "/api/v1/users/",
    "/api/v1/users//",
    "/api/v1//users/me",
    "/api/v1/users/1/",
    "/users/me",
    "/API/v1/users/me",
  ])
    assert.equal(match(path), null, path);
});

test("the client's favourite among our languages is known, if it names one", () => {
  const cases: [string | undefined, string | undefined][] = [
    [undefined, undefined],
    ["", undefined],
    ["zh", "zh"],
    ["zh-Hans-CN", "zh"],
    ["fr,zh;q=0.5", "zh"],
    ["en;q=0.4,zh;q=0.5", "zh"],
    ["zh;q=0", undefined],
    ["en,fr", "en"],
    ["zh;q=x", undefined],
    ["*", undefined],
  ];
  for (const [header, language] of cases) assert.equal(languageOf(header), language, header);
});

test("only own and configured pages may talk to the server", () => {
  const isAllowed = createOriginCheck(["https://chat.example.com"]);
  assert.equal(isAllowed(undefined, "im.example.com"), true);
  assert.equal(isAllowed("https://chat.example.com", "im.example.com"), true);
  assert.equal(isAllowed("https://im.example.com", "im.example.com"), true);
  assert.equal(isAllowed("http://im.example.com:3000", "IM.example.com:3000"), true);
  for (const origin of ["https://evil.com", "null", "", "https://im.example.com.evil.com", "http://im.example.com:81"]) {
    assert.equal(isAllowed(origin, "im.example.com"), false, origin);
  }
  assert.equal(isAllowed("https://im.example.com", undefined), false);
});

test("a request id is taken over only when it is harmless", () => {
  assert.equal(requestIdOf("A-z_0.9:"), "A-z_0.9:");
  for (const given of [undefined, "", "a b", "a\n", ["a"], "x".repeat(65)]) assert.match(requestIdOf(given), /^[0-9a-f-]{36}$/);
});

test("limits say how long to wait, are counted here while the shared counter fails, and can be off", async () => {
  const used: string[] = [];
  const counter = (name: string, answer: () => Promise<number>) => ({
    consume: async (key: string) => {
      used.push(`${name}:${key}`);
      return answer();
    },
  });
  const waiting = createRateLimiter({
    enabled: true,
    shared: counter("shared", async () => 1_200.5),
    local: counter("local", async () => 0),
  });
  await assert.rejects(
    waiting.check("k", 1),
    (error) => isImError(error, "RATE_LIMITED") && (error.data as { retryAfterMs: number }).retryAfterMs === 1_201,
  );
  const alone = createRateLimiter({
    enabled: true,
    shared: counter("shared", () => Promise.reject(new Error("away"))),
    local: counter("local", async () => 0),
  });
  await alone.check("k", 1);
  const off = createRateLimiter({
    enabled: false,
    shared: counter("shared", async () => 1),
    local: counter("local", async () => 1),
  });
  await off.check("k", 1);
  assert.deepEqual(used, ["shared:k", "shared:k", "local:k"]);
});
