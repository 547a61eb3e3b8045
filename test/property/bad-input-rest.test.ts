import assert from "node:assert/strict";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { test } from "node:test";
import fc from "fast-check";
import { MAX_BODY_BYTES } from "../../contracts/limits.ts";
import { restMatrix } from "../e2e/authorization-matrix.ts";
import { startIm, type Im } from "../support/im.ts";
import { readPublished, type Published, type PublishedRoute } from "../support/published.ts";
import { buildScene, type Role, type Scene } from "../support/scene.ts";
import { assertUnchanged, dumpTables, sendersSettled } from "../support/tables.ts";
import { badTexts, flaws, goodValue, repeatedField, SchemaJudge } from "./bad-input.ts";
import { forAll } from "./for-all.ts";

interface BadRequest {
  readonly aspect: string;
  /** Path and query, as they go over the wire. */
  readonly url: string;
  readonly body: string | null;
  /** What the answer has to name; null: nothing in particular. */
  readonly field: string | null;
}

interface Answer {
  readonly status: number;
  readonly code: number;
  readonly data: { readonly fields?: readonly { field: string; message: string }[] } | null;
}

/** Someone who could do it, were the request not bad. */
function actorOf({ key }: PublishedRoute): Role {
  const outcomes = restMatrix[key]?.outcomes;
  return (["owner", "member", "guest"] as const).find((role) => outcomes?.[role] === "ok") ?? "owner";
}

const queryText = (values: Readonly<Record<string, unknown>>): string =>
  new URLSearchParams(Object.entries(values).map(([name, value]): [string, string] => [name, String(value)])).toString();

/** Requests to one route, each with one thing wrong with it. */
function badRequests(route: PublishedRoute, { names }: Scene, { shapes }: Published): fc.Arbitrary<BadRequest> {
  const given: Record<string, unknown> = { ...restMatrix[route.key]?.params?.(names) };
  const path = (values: Readonly<Record<string, string>> = {}): string =>
    route.path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? encodeURIComponent(String(given[name])));
  const isIn = (place: object) => Object.fromEntries(Object.entries(given).filter(([name]) => name in place));
  const query = isIn(route.query);
  const url = (search: string): string => (search === "" ? path() : `${path()}?${search}`);
  const kinds: fc.Arbitrary<BadRequest>[] = [];

  const body = route.body ? JSON.stringify(isIn(route.body.properties ?? {})) : null;
  for (const [name, schema] of Object.entries(route.inPath)) {
    const bad = [
      ...badTexts(schema)
        .filter((text) => text !== "")
        .map(encodeURIComponent),
      "%ED%A0%80",
      "%",
      "%zz",
    ];
    kinds.push(
      fc.constantFrom(...bad).map((text) => ({ aspect: `path ${name}`, url: path({ [name]: text }), body, field: null })),
    );
  }
  const takesQuery = route.method === "GET" || route.method === "DELETE";
  const unknown = [
    "unknown=1",
    "__proto__=1",
    "constructor=x",
    "a[b]=1",
    "%00=1",
    "userId[]=1",
    "%ED%A0%80=1",
    "role=admin",
    "token=x",
  ];
  kinds.push(
    fc.constantFrom(...unknown).map((extra) => ({
      aspect: "unknown query",
      url: url([queryText(query), extra].filter(Boolean).join("&")),
      body,
      field: null,
    })),
  );
  for (const [name, schema] of Object.entries(route.query)) {
    kinds.push(
      fc.constantFrom(...badTexts(schema)).map((text) => ({
        aspect: `query ${name}`,
        url: url(queryText({ ...query, [name]: text })),
        body,
        field: name,
      })),
      fc.constant({ aspect: "repeated query", url: url(`${name}=1&${name}=1`), body, field: name }),
    );
  }
  if (takesQuery) kinds.push(fc.constantFrom("{}", "[]", '{"limit":1}', "x").map((text) => bodyOf("body where none is", text)));
  else
    kinds.push(
      fc
        .constantFrom("{", "", "{'a':1}", '{"a":1}}', "\u0000", "NaN", '"\\ud800')
        .filter(Boolean)
        .map((text) => bodyOf("no JSON", text)),
    );
  if (route.body) {
    const { body: schema } = route;
    const judge = new SchemaJudge(shapes);
    const good = goodBody(schema, isIn(schema.properties ?? {}), shapes);
    kinds.push(
      good
        .chain((values) => fc.oneof({ weight: 9, arbitrary: flaws(schema, values, judge) }, repeatedField(schema, values)))
        .map(({ aspect, text, field }) => ({ aspect, url: path(), body: text, field })),
    );
  }
  return fc.oneof(...kinds);

  function bodyOf(aspect: string, text: string): BadRequest {
    return { aspect, url: url(queryText(query)), body: text, field: null };
  }
}

/** What the matrix sends, with some of the optional fields beside it. */
function goodBody(
  { properties = {}, required = [] }: NonNullable<PublishedRoute["body"]>,
  given: Readonly<Record<string, unknown>>,
  shapes: Published["shapes"],
): fc.Arbitrary<Record<string, unknown>> {
  const optional = Object.entries(properties).filter(([name]) => !required.includes(name) && !(name in given));
  return fc
    .record(Object.fromEntries(optional.map(([name, schema]) => [name, goodValue(schema, shapes)])), { requiredKeys: [] })
    .map((more) => ({ ...more, ...given }));
}

async function send({ url }: Im, token: string, { method }: PublishedRoute, bad: BadRequest): Promise<Answer> {
  const { status, text } = await request(`${url}/api/v1${bad.url}`, method, token, bad.body);
  return { ...(JSON.parse(text) as Omit<Answer, "status">), status };
}

async function request(
  url: string,
  method: string,
  token: string,
  body: string | null,
): Promise<{ status: number; text: string }> {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  if (method !== "GET" || body === null) {
    const response = await fetch(url, { method, headers, ...(body !== null && { body }) });
    return { status: response.status, text: await response.text() };
  }
  // fetch sends no body with GET.
  const { request: httpRequest } = await import("node:http");
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { method, headers: { ...headers, "Content-Length": Buffer.byteLength(body) } }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on("error", reject).end(body);
  });
}

function assertRefused({ status, code, data }: Answer, bad: BadRequest, key: string): void {
  const told = `${key}, ${bad.aspect}: ${bad.url.slice(0, 200)} ${bad.body?.slice(0, 200)} gave ${status} ${JSON.stringify(data)?.slice(0, 300)}`;
  assert.ok(status >= 400 && status < 500 && status !== 401, told);
  if (code !== 9001) return;
  assert.ok(data?.fields && data.fields.length > 0, told);
  for (const { field, message } of data.fields) assert.ok(typeof field === "string" && message !== "", told);
  if (bad.field !== null)
    assert.ok(
      data.fields.some(({ field }) => field.startsWith(bad.field?.slice(0, 100) ?? "")),
      told,
    );
}

test("whatever is wrong with a request to any route, it is refused with a reason and nothing is written", async () => {
  await using im = await startIm();
  const scene = await buildScene(im);
  await sendersSettled(im.sql);
  const published = await readPublished(im);
  for (const route of published.routes) {
    const before = await dumpTables(im.sql);
    const { token } = scene.people[actorOf(route)];
    await forAll(badRequests(route, scene, published), { runs: 30 }, async (bad) =>
      assertRefused(await send(im, token, route, bad), bad, route.key),
    );
    await assertUnchanged(im.sql, before, route.key);
  }
  assert.equal((await scene.people.owner.rest.get("/users/me")).code, 0);
});

test("the largest bodies hold nobody else up", async (t) => {
  await using im = await startIm();
  const { people, names } = await buildScene(im);
  await sendersSettled(im.sql);
  const routes = (await readPublished(im)).routes.filter(({ action }) =>
    ["user.register", "message.send", "group.invite", "group.updateMember"].includes(action),
  );
  const before = await dumpTables(im.sql);
  const times = (count: number, item: (index: number) => string): string =>
    Array.from({ length: count }, (_, at) => item(at)).join();
  const bodies = [
    `{"unknown":[${times(300_000, () => "[]")}]}`,
    `{"unknown":[${times(300_000, () => "{}")}]}`,
    `{${times(60_000, (at) => `"field${at}":0`)}}`,
    `{${times(9_000, (at) => `"${"x".repeat(80)}${at}":0`)}}`,
    `{"userIds":[${times(50_000, (at) => `"${1e15 + at}"`)}]}`,
    `{"userIds":[${times(9_000, (at) => `"${1e15 + at}"`)}]}`,
    `{"text":"${'\\"'.repeat(500_000)}"}`,
    `{"content":{"text":"${"漢".repeat(340_000)}"}}`,
    `${"[".repeat(9_000)}${"]".repeat(9_000)}`,
  ];
  const delay = monitorEventLoopDelay({ resolution: 5 });
  for (const route of routes) {
    const bad = { aspect: "large", url: route.path.replace("{groupId}", names.groupId).replace(/\{\w+\}/g, "1"), field: null };
    for (const body of bodies) {
      assert.ok(Buffer.byteLength(body) <= MAX_BODY_BYTES);
      delay.enable();
      const answer = send(im, people.owner.token, route, { ...bad, body });
      assert.equal((await fetch(`${im.url}/health/live`)).status, 200);
      assertRefused(await answer, { ...bad, body: null }, route.key);
      delay.disable();
    }
  }
  t.diagnostic(`the event loop was held up for ${Math.round(delay.max / 1e6)} ms at most`);
  await assertUnchanged(im.sql, before);
});
