import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { contracts } from "../../contracts/index.ts";
import { routes } from "../../contracts/routes.ts";
import { createEdge, standInServices, type EdgeNode, type StandIns } from "../support/edge.ts";

interface OpenApi {
  paths: Record<string, Record<string, unknown>>;
}

/** Every action of every contract, counted when it runs. */
function counting(): { standIns: StandIns; ran: string[] } {
  const ran: string[] = [];
  const names = standInServices().flatMap(({ name, actions }) => Object.keys(actions ?? {}).map((action) => `${name}.${action}`));
  const standIns = Object.fromEntries(
    names.filter((name) => name !== "auth.verify").map((name) => [name, () => void ran.push(name)]),
  );
  return { standIns, ran };
}

/** A raw request, so that no client tidies the path up. */
async function statusOf(node: EdgeNode, method: string, path: string): Promise<number> {
  const socket = connect(Number(new URL(node.url).port), "127.0.0.1");
  socket.write(
    `${method} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer user-1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
  );
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Number(/^HTTP\/1\.1 (\d+)/.exec(Buffer.concat(chunks).toString())?.[1]);
}

test("every published path answers with its methods, and no other method does", async () => {
  await using node = await createEdge();
  const { paths } = (await (await fetch(`${node.url}/openapi.json`)).json()) as OpenApi;
  for (const [path, operations] of Object.entries(paths)) {
    const concrete = path.replace(/\{\w+\}/g, "1");
    for (const method of Object.keys(operations)) {
      const status = await statusOf(node, method.toUpperCase(), concrete);
      assert.ok(![404, 405].includes(status) && status < 500, `${method} ${path}: ${status}`);
    }
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"].filter((one) => !(one.toLowerCase() in operations))) {
      const status = await statusOf(node, method, concrete);
      assert.ok([404, 405].includes(status), `${method} ${path}: ${status}`);
      if (path.startsWith("/api/")) assert.equal(status, 405, `${method} ${path}`);
    }
  }
});

test("every alias of the gateway is published", async () => {
  await using node = await createEdge();
  const { paths } = (await (await fetch(`${node.url}/openapi.json`)).json()) as OpenApi;
  const { aliases } = node.broker.getLocalService("api") as unknown as {
    aliases: { method: string; fullPath: string; action: string }[];
  };
  assert.equal(aliases.length, routes.length);
  for (const { method, fullPath, action } of aliases) {
    const published = paths[fullPath.replace(/:(\w+)/g, "{$1}")]?.[method.toLowerCase()] as { operationId: string } | undefined;
    assert.equal(published?.operationId, action);
  }
});

test("each route runs its own action", async () => {
  const { standIns, ran } = counting();
  await using node = await createEdge(standIns);
  for (const { method, path, action } of routes) {
    const concrete = `/api/v1${path
      .replace("{conversationId}", "d_1_2")
      .replace("{deviceId}", "phone")
      .replace(/\{\w+\}/g, "5")}`;
    await node.ask(method, concrete, { body: method === "GET" || method === "DELETE" ? undefined : {} });
    const expected = ran.includes(action) ? [action] : [];
    assert.deepEqual(ran.splice(0), expected, `${method} ${concrete}`);
  }
});

test("internal actions, the node's own and the gateway's cannot be reached in any spelling", async () => {
  const { standIns, ran } = counting();
  await using node = await createEdge(standIns);
  const published = new Set<string>(routes.map(({ action }) => action));
  const internal = Object.entries(contracts)
    .flatMap(([service, actions]) => Object.keys(actions).map((action) => `${service}.${action}`))
    .filter((name) => !published.has(name));
  const hidden = [
    ...internal,
    "$node.list",
    "$node.services",
    "$node.options",
    "~node.list",
    "~node.health",
    "api.rest",
    "api.listAliases",
    "api.addRoute",
  ];
  for (const name of hidden) {
    const [service = "", action = ""] = name.split(".");
    const spellings = [
      `/${name}`,
      `/${service}/${action}`,
      `/api/v1/${name}`,
      `/api/v1/${service}/${action}`,
      `/api/v1//${service}/${action}`,
      `//api/v1/${service}/${action}`,
      `/api/v1/${service}%2e${action}`,
      `/api/v1/${service}%2f${action}`,
      `/api/v1/./${service}/${action}`,
      `/api/v1/users/../${service}/${action}`,
      `/api/v1/users/%2e%2e/${service}/${action}`,
      `/API/V1/${service}/${action}`,
      `/api/v1/${service.toUpperCase()}/${action}`,
      `/api/v1/${service}/${action}/`,
      `/api/v1/${service};/${action}`,
      `/api/v1/${service}\\${action}`,
      `/docs/../api/v1/${service}/${action}`,
      `/docs/${name}`,
      `/docs/assets/../${name}`,
      `http://x/api/v1/${service}/${action}`,
      `*`,
      `/api/v1?action=${name}`,
      `/api/v1/~${service}/${action}`,
    ];
    for (const path of spellings) {
      for (const method of ["GET", "POST"]) {
        const status = await statusOf(node, method, path);
        assert.ok([400, 404, 405].includes(status), `${method} ${path}: ${status}`);
      }
    }
  }
  assert.deepEqual(ran, []);
});

test("metrics are not served on the port of the API", async () => {
  await using node = await createEdge();
  for (const path of ["/metrics", "/api/v1/metrics", "/health", "/health/", "/health/metrics"])
    assert.equal(await statusOf(node, "GET", path), 404, path);
});

test("the page of the documents and all it loads is served from here", async () => {
  await using node = await createEdge();
  for (const path of ["/docs", "/docs/", "/docs/socket"]) {
    const response = await fetch(node.url + path);
    assert.deepEqual([response.status, response.headers.get("content-type")], [200, "text/html; charset=utf-8"], path);
    assert.match(response.headers.get("content-security-policy") ?? "", /script-src 'self';/);
    const html = await response.text();
    assert.ok(!html.includes("<script>"), path);
    for (const [, link = ""] of html.matchAll(/(?:src|href)="([^"#]+)"/g)) {
      assert.match(link, /^\/(?!\/)/);
      assert.equal((await fetch(node.url + link)).status, 200, link);
    }
  }
  const script = await fetch(`${node.url}/docs/assets/swagger-ui-bundle.js`);
  assert.match(script.headers.get("content-type") ?? "", /javascript/);
  assert.ok((await script.text()).length > 500_000);
});

test("the socket page names every event", async () => {
  await using node = await createEdge();
  const html = await (await fetch(`${node.url}/docs/socket`)).text();
  const asyncApi = (await (await fetch(`${node.url}/asyncapi.json`)).json()) as {
    channels: Record<string, { address: string }>;
    servers: { default: { host: string } };
  };
  for (const { address } of Object.values(asyncApi.channels)) assert.ok(html.includes(`<h3>${address} `), address);
  assert.equal(`http://${asyncApi.servers.default.host}`, node.url);
});

test("no other file of a package is served", async () => {
  await using node = await createEdge();
  for (const path of [
    "/docs/assets/package.json",
    "/docs/assets/index.html",
    "/docs/assets/swagger-ui.css.map",
    "/docs/assets/%2e%2e/package.json",
    "/docs/assets/..%2fpackage.json",
    "/docs/assets/../../package.json",
  ]) {
    assert.equal(await statusOf(node, "GET", path), 404, path);
  }
});
