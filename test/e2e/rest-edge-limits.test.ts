import assert from "node:assert/strict";
import { test } from "node:test";
import { routes } from "../../contracts/routes.ts";
import { sharedHotStore } from "../../mixins/hot-store/index.ts";
import { createEdge, type Answer, type EdgeNode } from "../support/edge.ts";

const limited = (config: object = {}) => createEdge({}, { config: { rateLimits: true, ...config } });
const exportMe = (node: EdgeNode, userId: string): Promise<Answer> => node.ask("GET", "/api/v1/users/me/export", { userId });

/** Statuses of this many requests, one after another. */
async function statuses(times: number, ask: () => Promise<Answer>): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < times; i++) found.push((await ask()).status);
  return found;
}

/** Registrations of one address in a minute. */
const limit = routes.find(({ action }) => action === "user.register")!.perMinute!;

test("a user who asks for a route too often waits, others do not", async () => {
  await using node = await limited();
  assert.deepEqual(await statuses(6, () => exportMe(node, "1")), [200, 200, 200, 200, 200, 429]);
  const answer = await exportMe(node, "1");
  const retryAfterMs = Number(answer.data?.["retryAfterMs"]);
  assert.deepEqual([answer.code, answer.headers.get("retry-after")], [9005, String(Math.ceil(retryAfterMs / 1_000))]);
  assert.ok(retryAfterMs > 0 && retryAfterMs <= 60_000);
  assert.equal((await exportMe(node, "2")).status, 200);
  assert.equal((await node.ask("GET", "/api/v1/users/me")).status, 200);
});

test("an open route is limited by address, and X-Forwarded-For does not help", async () => {
  await using node = await limited();
  let attempt = 0;
  const register = (): Promise<Answer> =>
    node.ask("POST", "/api/v1/users/register", {
      userId: null,
      body: {},
      headers: { "X-Forwarded-For": `198.51.100.${attempt++ % 250}` },
    });
  assert.deepEqual(
    (await statuses(limit + 1, register)).map((status) => status === 429),
    [...Array<boolean>(limit).fill(false), true],
  );
});

test("behind a trusted proxy each client has its own limit", async () => {
  await using node = await limited({ trustedProxies: ["127.0.0.0/8"] });
  const register = (client: string): Promise<Answer> =>
    node.ask("POST", "/api/v1/users/register", { userId: null, body: {}, headers: { "X-Forwarded-For": `10.0.0.1, ${client}` } });
  await statuses(limit, () => register("198.51.100.1"));
  assert.equal((await register("198.51.100.1")).status, 429);
  assert.equal((await register("198.51.100.2")).status, 400);
});

test("an address that sends no good token is limited as well", async () => {
  await using node = await limited();
  const found = new Set<number>();
  for (let i = 0; i < 3_050 && !found.has(429); i += 50) {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () =>
        node.ask("GET", "/api/v1/users/me", { userId: null, headers: { Authorization: "Bearer no" } }),
      ),
    );
    for (const { status } of answers) found.add(status);
  }
  assert.deepEqual([...found].sort(), [401, 429]);
});

test("limits hold while the hot store fails, counted in the process", async () => {
  await using node = await limited();
  const hot = await sharedHotStore.acquire(node.broker);
  hot.limits.consume = () => Promise.reject(new Error("away"));
  assert.deepEqual(await statuses(6, () => exportMe(node, "1")), [200, 200, 200, 200, 200, 429]);
  await sharedHotStore.release(node.broker);
});

test("limits can be off", async () => {
  await using node = await createEdge();
  assert.deepEqual(new Set(await statuses(20, () => exportMe(node, "1"))), new Set([200]));
});
