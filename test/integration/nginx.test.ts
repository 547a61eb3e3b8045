import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { openNameServer } from "../support/dns.ts";
import { canResolve, startNginx } from "../support/nginx.ts";
import type { Proxy } from "../support/nginx.ts";
import { freePort } from "../support/server-process.ts";
import { ask, openGateway, openSocket } from "../support/stand-in-gateway.ts";
import { toolFor } from "../support/tools.ts";
import { waitFor } from "../support/wait.ts";

const nginx = await toolFor("nginx");
const skip = nginx.skip || (process.platform !== "linux" && "other systems have no second loopback address");
const isOld =
  skip === false && !(await canResolve(nginx.file)) && "nginx follows its gateways from 1.27.3 on, and this one is older";

const FIRST = "127.0.0.2";
const SECOND = "127.0.0.3";
const TRIES = 40;
/** Whose home is where depends on the port of the gateways: a dozen had one and the same now and then. */
const POLLING = 40;

interface Scene extends AsyncDisposable {
  readonly proxy: Proxy;
  readonly port: number;
  readonly first: AsyncDisposable;
}

/** Nginx before two gateways. */
async function openScene(): Promise<Scene> {
  await using opened = new AsyncDisposableStack();
  const port = await freePort();
  const first = opened.use(await openGateway(FIRST, port));
  opened.use(await openGateway(SECOND, port));
  const proxy = opened.use(await startNginx(nginx.file, { addresses: [FIRST, SECOND], port, nameServerPort: null }));
  const all = opened.move();
  return { proxy, port, first, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function gatewaysOf(count: number, one: () => Promise<string>): Promise<string[]> {
  const gateways = new Set<string>();
  for (let i = 0; i < count; i++) gateways.add(await one());
  return [...gateways].sort();
}

async function gatewayOfSocket(url: string, from?: string): Promise<string> {
  await using opened = await openSocket(url, from);
  return opened.seen.gateway;
}

describe("nginx before the gateways", { skip }, () => {
  it("shares REST among them, and tells them who asks, not what the client says of itself", async () => {
    await using scene = await openScene();
    const { url, port } = scene.proxy;
    assert.deepEqual(await gatewaysOf(4, async () => (await ask(`${url}/api/v1/users/me`)).gateway), [FIRST, SECOND]);
    const headers = { "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", Upgrade: "h2c", Connection: "upgrade" };
    const seen = await ask(`${url}/api/v1/users/me`, { from: "127.0.0.9", headers });
    assert.equal(seen.headers["x-forwarded-for"], "127.0.0.9");
    assert.equal(seen.headers["x-forwarded-proto"], "http");
    assert.equal(seen.headers.host, `127.0.0.1:${port}`);
    assert.equal(seen.headers.upgrade, undefined);
  });

  it("lets a WebSocket through, both ways", async () => {
    await using scene = await openScene();
    await using opened = await openSocket(`${scene.proxy.url}/socket.io/?EIO=4&transport=websocket`);
    assert.equal(opened.seen.headers["x-forwarded-for"], "127.0.0.1");
    opened.socket.send("ping");
    const [answer] = (await once(opened.socket, "message")) as [Buffer];
    assert.equal(answer.toString(), "ping");
  });

  it("shares WebSockets among the gateways, also those of one address", async () => {
    await using scene = await openScene();
    const one = (): Promise<string> => gatewayOfSocket(`${scene.proxy.url}/socket.io/?EIO=4&transport=websocket`);
    assert.deepEqual(await gatewaysOf(TRIES, one), [FIRST, SECOND]);
  });

  it("keeps a client that polls at its gateway, through its upgrade too", async () => {
    await using scene = await openScene();
    const base = `${scene.proxy.url}/socket.io/?EIO=4&transport=`;
    const homes = new Set<string>();
    for (let host = 1; host <= POLLING; host++) {
      const from = `127.0.1.${host}`;
      const poll = async (query: string): Promise<string> => (await ask(`${base}polling${query}`, { from })).gateway;
      const home = await poll("");
      assert.deepEqual(await gatewaysOf(5, () => poll("&sid=abc")), [home]);
      assert.equal(await gatewayOfSocket(`${base}websocket&sid=abc`, from), home);
      homes.add(home);
    }
    assert.deepEqual([...homes].sort(), [FIRST, SECOND]);
  });

  it("passes over a gateway that is gone", async () => {
    await using scene = await openScene();
    await scene.first[Symbol.asyncDispose]();
    assert.deepEqual(await gatewaysOf(6, async () => (await ask(`${scene.proxy.url}/health/ready`)).gateway), [SECOND]);
    assert.deepEqual(await gatewaysOf(TRIES, () => gatewayOfSocket(`${scene.proxy.url}/socket.io/?EIO=4`)), [SECOND]);
  });

  it("follows the gateways as they become more and fewer", { skip: isOld }, async () => {
    const third = "127.0.0.4";
    const port = await freePort();
    await using opened = new AsyncDisposableStack();
    for (const address of [FIRST, SECOND, third]) opened.use(await openGateway(address, port));
    const names = opened.use(await openNameServer(FIRST, SECOND));
    const proxy = opened.use(await startNginx(nginx.file, { addresses: [], port, nameServerPort: names.port }));
    const isServedBy = async (...expected: string[]): Promise<boolean> => {
      const found = await gatewaysOf(TRIES, () => gatewayOfSocket(`${proxy.url}/socket.io/?EIO=4`).catch(() => "none"));
      return found.join() === expected.join();
    };
    await waitFor(() => isServedBy(FIRST, SECOND), "two gateways", 20_000);
    names.addresses = [FIRST, SECOND, third];
    await waitFor(() => isServedBy(FIRST, SECOND, third), "the third gateway", 20_000);
    names.addresses = [third];
    await waitFor(() => isServedBy(third), "the third gateway alone", 20_000);
  });
});
