import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, request, type IncomingMessage } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { API_PREFIX, routes } from "../../contracts/routes.ts";
import { WEB_PATHS } from "../../contracts/web-paths.ts";
import { createApp } from "../../services/api/app.ts";
import { createWebClient } from "../../services/api/web-client.ts";
import { readWebFiles } from "../../services/api/web-files.ts";
import { temporaryFolder } from "../support/server-process.ts";

const PAGE = "<!doctype html><title>moleculer-im</title>";
const SCRIPT = `export const words = "${"many words ".repeat(200)}";`;
const BROWSER = { Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

interface Site extends AsyncDisposable {
  readonly port: number;
  ask(path: string, headers?: Record<string, string>, method?: string): Promise<Answer>;
}

/** A built client as the build leaves it, with what must not be served beside it. */
async function buildFolder(root: string): Promise<string> {
  const folder = join(root, "client");
  await mkdir(join(folder, "assets"), { recursive: true });
  const files: Record<string, string | Buffer> = {
    "secret.txt": "outside",
    "client/index.html": PAGE,
    "client/favicon.svg": "<svg/>",
    "client/.sources": "hidden",
    "client/assets/main-Bx3k.js": SCRIPT,
    "client/assets/main-Bx3k.js.br": brotliCompressSync(SCRIPT),
    "client/assets/main-Bx3k.js.gz": gzipSync(SCRIPT),
    "client/assets/main-C1.css": "p { margin: 0 }",
    "client/assets/.hidden.js": "hidden",
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(root, name), content);
  await symlink(join(root, "secret.txt"), join(folder, "assets/link.txt"));
  return folder;
}

/** The edge with this client; everything that reaches the gateway is answered 418. */
async function serve(folder: string | null): Promise<Site> {
  const app = createApp({
    routes,
    addressOf: () => "127.0.0.1",
    isAllowedOrigin: () => false,
    limitAddress: async () => undefined,
    documents: (_req, _res, next) => next(),
    webClient: createWebClient(folder === null ? null : await readWebFiles(folder)),
    gateway: (_req, res) => void res.status(418).end(),
    onFinish: () => undefined,
    logger: { error: assert.fail, warn: assert.fail },
  });
  const server = createServer((req, res) => void app(req, res)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    async ask(path, headers = {}, method = "GET") {
      const sent = request({ port, path, method, headers, agent: false });
      sent.end();
      const [response] = (await once(sent, "response")) as [IncomingMessage];
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function sample(): Promise<Site & { folder: string }> {
  const root = await temporaryFolder();
  const folder = await buildFolder(root.path);
  const site = await serve(folder);
  return {
    ...site,
    folder,
    [Symbol.asyncDispose]: async () => {
      await site[Symbol.asyncDispose]();
      await root[Symbol.asyncDispose]();
    },
  };
}

const POLICY = {
  "default-src": "'none'",
  "script-src": "'self'",
  "style-src": "'self'",
  "img-src": "'self' https: data: blob:",
  "font-src": "'self'",
  "connect-src": "'self'",
  "manifest-src": "'self'",
  "worker-src": "'self'",
  "base-uri": "'none'",
  "form-action": "'none'",
  "frame-ancestors": "'none'",
  "require-trusted-types-for": "'script'",
  "trusted-types": "vue",
};

test("the page and its files carry every header that keeps a browser strict", async () => {
  await using site = await sample();
  const paths = ["/", "/chats/d_1_2", "/favicon.svg", "/assets/main-Bx3k.js", "/assets/main-C1.css"];
  for (const path of paths) {
    const { status, headers } = await site.ask(path, BROWSER);
    assert.equal(status, 200, path);
    const policy = String(headers["content-security-policy"])
      .split(";")
      .map((directive) => directive.split(/ (.*)/, 2));
    assert.deepEqual(Object.fromEntries(policy), POLICY, path);
    const expected = {
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
      "x-frame-options": "SAMEORIGIN",
      "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(headers[name], value, `${path} ${name}`);
    assert.match(String(headers["strict-transport-security"]), /^max-age=\d{8}/);
    for (const name of ["x-powered-by", "server", "access-control-allow-origin"]) assert.equal(headers[name], undefined, name);
  }
});

test("each file has its type; those with a hash are kept for ever, the others are asked for again", async () => {
  await using site = await sample();
  const expected: [path: string, type: string, cache: string, body: string][] = [
    ["/", "text/html; charset=utf-8", "no-cache", PAGE],
    ["/favicon.svg", "image/svg+xml", "no-cache", "<svg/>"],
    ["/assets/main-Bx3k.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", SCRIPT],
    ["/assets/main-C1.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable", "p { margin: 0 }"],
  ];
  for (const [path, type, cache, body] of expected) {
    const answer = await site.ask(path);
    assert.deepEqual([answer.headers["content-type"], answer.headers["cache-control"]], [type, cache], path);
    assert.equal(answer.headers["content-encoding"], undefined, path);
    assert.equal(answer.body.toString(), body, path);
    assert.equal(answer.headers["content-length"], String(answer.body.length), path);
  }
});

test("what the build compressed is sent to whom it suits, brotli first, each with a tag of its own", async () => {
  await using site = await sample();
  const path = "/assets/main-Bx3k.js";
  const asked: [accepted: string, encoding: string | undefined, read: (bytes: Buffer) => Buffer][] = [
    ["gzip, deflate, br, zstd", "br", brotliDecompressSync],
    ["gzip, deflate", "gzip", gunzipSync],
    ["br;q=0, gzip", "gzip", gunzipSync],
    ["*", "br", brotliDecompressSync],
    ["deflate", undefined, (bytes) => bytes],
    ["identity", undefined, (bytes) => bytes],
  ];
  const tags = new Set<unknown>();
  for (const [accepted, encoding, read] of asked) {
    const { headers, body } = await site.ask(path, { "Accept-Encoding": accepted });
    assert.equal(headers["content-encoding"], encoding, accepted);
    assert.equal(read(body).toString(), SCRIPT, accepted);
    assert.equal(headers["content-type"], "text/javascript; charset=utf-8");
    assert.match(String(headers["vary"]), /Accept-Encoding/);
    tags.add(headers["etag"]);
  }
  assert.equal(tags.size, 3);
});

test("a browser that has the page already gets 304, and HEAD gets the headers alone", async () => {
  await using site = await sample();
  for (const path of ["/", "/settings/devices", "/assets/main-Bx3k.js"]) {
    const first = await site.ask(path, BROWSER);
    const tag = String(first.headers["etag"]);
    assert.match(tag, /^"[\w-]+"$/);
    const again = await site.ask(path, { ...BROWSER, "If-None-Match": tag });
    assert.deepEqual([again.status, again.body.length, again.headers["etag"]], [304, 0, tag], path);
    const other = await site.ask(path, { ...BROWSER, "If-None-Match": '"other"' });
    assert.equal(other.status, 200, path);
    const head = await site.ask(path, BROWSER, "HEAD");
    assert.deepEqual([head.status, head.body.length], [200, 0], path);
    assert.equal(head.headers["content-length"], first.headers["content-length"], path);
    assert.equal(head.headers["content-security-policy"], first.headers["content-security-policy"], path);
  }
});

test("a browser gets the page at each of the client's paths; programs and other paths get the 404 of before", async () => {
  await using site = await sample();
  const below = ["", "/", "/1", "/d_1_2", "/1/edit", "?code=a&x=/../b"];
  for (const path of WEB_PATHS.flatMap((one) => below.map((rest) => one + rest))) {
    const page = await site.ask(path, BROWSER);
    assert.deepEqual([page.status, page.body.toString()], [200, PAGE], path);
    assert.match(String(page.headers["vary"]), /\bAccept\b/);
    for (const accepted of ["application/json", "*/*"]) {
      const { status, headers } = await site.ask(path, { Accept: accepted });
      assert.deepEqual([status, headers["content-type"]], [404, "application/json; charset=utf-8"], `${path} ${accepted}`);
    }
    assert.equal((await site.ask(path, BROWSER, "POST")).status, 404, path);
  }
  const others = ["/chatsx", "/chat", "/Chats", "/index.html", "/assets", "/assets/", "/admin", "/api", "/api/v1", "/socket.io/"];
  for (const path of [...others, "/docs", "/health", "/metrics", "/openapi.json", "/favicon.ico", "//", "//chats"]) {
    const { status, headers } = await site.ask(path, BROWSER);
    assert.deepEqual([status, headers["content-type"]], [404, "application/json; charset=utf-8"], path);
  }
  for (const method of ["POST", "PUT", "DELETE", "PATCH"]) assert.equal((await site.ask("/", BROWSER, method)).status, 404);
  assert.equal((await site.ask(`${API_PREFIX}/users/me`, BROWSER)).status, 418);
});

/** Sends the path as it is: a client would tidy it up, or refuse it. */
async function raw(port: number, path: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

test("no path leads out of the client's files, to a hidden one or to a list of them", async () => {
  await using site = await sample();
  const paths = [
    "/../secret.txt",
    "/..%2fsecret.txt",
    "/..%2Fsecret.txt",
    "/%2e%2e/secret.txt",
    "/%2e%2e%2fsecret.txt",
    "/assets/../../secret.txt",
    "/assets/..%2f..%2fsecret.txt",
    "/assets/%2e%2e/%2e%2e/secret.txt",
    "/assets/..%5c..%5csecret.txt",
    "/..\\secret.txt",
    "/assets\\..\\..\\secret.txt",
    "/....//secret.txt",
    "//secret.txt",
    "/%00",
    "/index.html%00.js",
    "/assets/main-Bx3k.js%00",
    "/secret.txt%00.html",
    "/chats/..%2f..%2fsecret.txt",
    "/chats/%00",
    "/chats/..\\..\\secret.txt",
    "/.sources",
    "/%2esources",
    "/assets/.hidden.js",
    "/assets/link.txt",
    "/assets/main-Bx3k.js.br",
    "/assets/main-Bx3k.js.gz",
    "/assets/",
    "/assets",
    "/%",
    "/%ff",
    "/__proto__",
    "/constructor",
    "http://x/../secret.txt",
  ];
  for (const path of paths) {
    const answer = await raw(site.port, path);
    assert.match(answer, /^HTTP\/1\.1 40[04] /, path);
    assert.doesNotMatch(answer, /outside|hidden|many words|doctype/, path);
  }
});

test("a build that is replaced while the server runs does not mix with the one that it serves", async () => {
  await using site = await sample();
  await rm(site.folder, { recursive: true });
  assert.equal((await site.ask("/")).body.toString(), PAGE);
  assert.equal((await site.ask("/assets/main-Bx3k.js")).body.toString(), SCRIPT);
});

test("without a build the client's paths say in plain words what to do, and the rest works", async () => {
  await using root = await temporaryFolder();
  assert.equal(await readWebFiles(join(root.path, "nothing")), null);
  assert.equal(await readWebFiles(root.path), null);
  await using site = await serve(null);
  for (const path of ["/", "/sign-in", "/chats/1"]) {
    const { status, headers, body } = await site.ask(path, BROWSER);
    assert.deepEqual([status, headers["content-type"], headers["cache-control"]], [404, "text/plain; charset=utf-8", "no-store"]);
    assert.match(body.toString(), /is not built.*npm start/s);
    assert.match(String(headers["content-security-policy"]), /^default-src 'none';/);
  }
  assert.equal((await site.ask("/assets/x.js")).headers["content-type"], "application/json; charset=utf-8");
  assert.equal((await site.ask(`${API_PREFIX}/users/me`)).status, 418);
});
