import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import type { ServiceSchema } from "moleculer";
import { drain } from "../../mixins/drain.ts";
import { registerProbe } from "../../mixins/health/index.ts";
import { provideHttpServer, withHttp, type HttpHost, type HttpMount, type HttpVars } from "../../mixins/http/index.ts";
import { createNode, type TestNode } from "../support/node.ts";
import { waitFor } from "../support/wait.ts";

/** A service that mounts the given things. */
const user = (name: string, ...mounts: HttpMount[]): ServiceSchema => ({
  name,
  mixins: [withHttp()],
  async started() {
    for (const mount of mounts) (this as unknown as HttpVars).http.mount(mount);
  },
});
const answering = (path: string, text: string): HttpMount => ({ path, request: (_req, res) => void res.end(text) });
const hostOf = (node: TestNode): HttpHost => (node.broker.getLocalService("one") as unknown as HttpVars).http;
const urlOf = (host: HttpHost): string => `http://127.0.0.1:${host.address().port}`;

/** What the server answers to raw bytes. */
async function answerTo(host: HttpHost, bytes: string): Promise<string> {
  const socket = connect(host.address().port, "127.0.0.1");
  socket.end(bytes);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

test("two services share one server, each answers its own paths", async () => {
  await using node = await createNode([user("one", answering("/", "rest")), user("two", answering("/socket.io", "socket"))]);
  const url = urlOf(hostOf(node));
  assert.equal(await (await fetch(`${url}/anything`)).text(), "rest");
  assert.equal(await (await fetch(`${url}/socket.io/?x=1`)).text(), "socket");
  assert.equal(await (await fetch(`${url}/socket.iox`)).text(), "rest");
});

test("answers 503 with Retry-After while nothing is mounted, and the probes at once", async () => {
  await using node = await createNode([user("one")]);
  const url = urlOf(hostOf(node));
  const answer = await fetch(`${url}/api/v1/users/me`, { headers: { "X-Request-Id": "abc" } });
  assert.equal(answer.status, 503);
  assert.equal(answer.headers.get("retry-after"), "1");
  assert.deepEqual([answer.headers.get("x-request-id"), ((await answer.json()) as { code: number }).code], ["abc", 9006]);
  assert.equal((await fetch(`${url}/health/live`)).status, 200);
});

test("readiness names the part that is down", async () => {
  await using node = await createNode([user("one")]);
  const url = urlOf(hostOf(node));
  assert.equal((await fetch(`${url}/health/ready`)).status, 200);
  registerProbe(node.broker, "hotStore", async () => undefined);
  const remove = registerProbe(node.broker, "database", () => Promise.reject(new Error("/secret/path is away")));
  const answer = await fetch(`${url}/health/ready`);
  assert.equal(answer.status, 503);
  assert.deepEqual(await answer.json(), {
    status: "unavailable",
    down: ["database"],
    parts: { node: "up", hotStore: "up", database: "down" },
  });
  remove();
  assert.equal((await fetch(`${url}/health/ready`)).status, 200);
});

test("a part that never answers counts as down", async () => {
  await using node = await createNode([user("one")]);
  registerProbe(node.broker, "messageLog", () => new Promise(() => undefined));
  assert.equal((await fetch(`${urlOf(hostOf(node))}/health/ready`)).status, 503);
});

test("a taken port is one clear line", async () => {
  await using node = await createNode([user("one")]);
  const { port } = hostOf(node).address();
  await assert.rejects(createNode([user("one")], { config: { port } }), (error: Error) => {
    assert.equal(error.message, `Port ${port} on 127.0.0.1 is taken; set IM_PORT to another`);
    return true;
  });
});

test("bytes that are no HTTP, and headers that are too large, are answered with an envelope", async () => {
  await using node = await createNode([user("one", answering("/", "ok"))]);
  const bad = await answerTo(hostOf(node), "GET / HTTP/1.1\r\nHost: x\r\nBad\u0000Header: 1\r\n\r\n");
  assert.match(bad, /^HTTP\/1\.1 400 Bad Request\r\n[^]*"code":9008/);
  const large = await answerTo(hostOf(node), `GET / HTTP/1.1\r\nHost: x\r\nX: ${"a".repeat(20_000)}\r\n\r\n`);
  assert.match(large, /^HTTP\/1\.1 431 [^]*"code":9007/);
});

test("an upgrade that nobody takes is answered as the plain request it is", async () => {
  await using node = await createNode([user("one", answering("/", "plain"))]);
  const answer = await answerTo(hostOf(node), "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n");
  assert.match(answer, /^HTTP\/1\.1 200 OK[^]*plain$/);
});

test("an upgrade goes to the mount of its path", async () => {
  const socketMount: HttpMount = {
    path: "/socket.io",
    request: (_req, res) => void res.end(),
    upgrade: (_req, socket) =>
      void socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
  };
  await using node = await createNode([user("one", answering("/", "plain"), socketMount)]);
  const upgradeAt = (path: string): Promise<string> =>
    answerTo(hostOf(node), `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n`);
  assert.match(await upgradeAt("/socket.io/?EIO=4"), /^HTTP\/1\.1 101 /);
  assert.match(await upgradeAt("/other"), /^HTTP\/1\.1 200 /);
});

test("a handler that throws costs its own request only", async () => {
  const mount: HttpMount = {
    path: "/",
    request: () => {
      throw new Error("/secret/path");
    },
  };
  await using node = await createNode([user("one", mount)]);
  const answer = await fetch(urlOf(hostOf(node)));
  assert.equal(answer.status, 500);
  assert.doesNotMatch(await answer.text(), /secret/);
});

test("draining lets a running request finish, takes no new one, and frees the port", async () => {
  let finish: () => void = () => undefined;
  let arrived = 0;
  const slow: HttpMount = {
    path: "/",
    request: (_req, res) => {
      arrived++;
      finish = () => res.end("done");
    },
  };
  const node = await createNode([user("one", slow)]);
  const { port } = hostOf(node).address();
  const running = fetch(`http://127.0.0.1:${port}/`);
  await waitFor(() => arrived === 1);
  const drained = drain(node.broker, 5_000);
  await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
  finish();
  assert.equal(await (await running).text(), "done");
  await drained;
  await node.stop();
  const next = createServer().listen(port, "127.0.0.1");
  await once(next, "listening");
  next.close();
});

test("a server that was handed in keeps its own paths and is given back as it was", async () => {
  const server = createServer((_req, res) => void res.end("owner's"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const text = async (path: string): Promise<string> => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  const giving: ServiceSchema = {
    name: "giving",
    created() {
      provideHttpServer(this.broker, server);
    },
  };
  const node = await createNode([giving, user("one", answering("/", "ours"))]);
  assert.deepEqual(
    [await text("/api/v1/users/me"), await text("/docs/"), await text("/"), await text("/api/v2")],
    ["ours", "ours", "owner's", "owner's"],
  );
  await node.stop();
  assert.equal(server.listening, true);
  assert.equal(await text("/docs/"), "owner's");
  assert.deepEqual([server.listenerCount("request"), server.listenerCount("upgrade")], [1, 0]);
  server.close();
  server.closeAllConnections();
});

test("a client that goes away mid-request does not hold up a stop", async () => {
  let arrived = false;
  const node = await createNode([user("one", { path: "/", request: () => void (arrived = true) })]);
  const { port } = hostOf(node).address();
  const req = httpRequest({ port, host: "127.0.0.1" }).on("error", () => undefined);
  req.end();
  await waitFor(() => arrived);
  req.destroy();
  const began = performance.now();
  await node.stop();
  assert.ok(performance.now() - began < 5_000);
});
