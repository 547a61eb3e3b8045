import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, test } from "node:test";
import { io as connect, type Socket } from "socket.io-client";
import { buildConfig } from "../../config/build-config.ts";
import { addressOf, listen } from "../../mixins/http/listen.ts";
import { closeGateway, deliver, openGateway } from "../../services/socket/gateway.ts";
import { openGatewayAdapter } from "../../services/socket/redis-adapter.ts";
import type { ImServer } from "../../services/socket/types.ts";
import { ownServers, reasonToSkip, serversFor } from "../support/servers.ts";
import { waitFor } from "../support/wait.ts";

interface Gateway extends AsyncDisposable {
  readonly io: ImServer;
  readonly log: string[];
  /** Whom pushes were lost to, as far as the gateway knows. */
  readonly losses: ("here" | "others")[];
  /** A client in these rooms, and the texts that it got. */
  join(...rooms: string[]): Promise<{ socket: Socket; got: string[] }>;
  push(room: string, text: string): void;
}

/** A gateway without accounts: whoever connects is let in. */
async function startGateway(redisUrl: string): Promise<Gateway> {
  const config = buildConfig({ port: 0 });
  const log: string[] = [];
  const note = (...parts: unknown[]): void => void log.push(parts.map(String).join(" "));
  const losses: Gateway["losses"] = [];
  const watch = { toHere: () => void losses.push("here"), toOthers: () => void losses.push("others") };
  const adapter = openGatewayAdapter(redisUrl, { info: note, warn: note }, watch);
  const { io, engine } = openGateway(config, adapter.adapter);
  const server = createServer();
  engine.attach(server, { path: "/socket.io" });
  await listen(server, { host: "127.0.0.1", port: 0, portName: "port" });
  const clients: Socket[] = [];
  return {
    io,
    log,
    losses,
    async join(...rooms) {
      const socket = connect(`http://127.0.0.1:${addressOf(server).port}`, { transports: ["websocket"], forceNew: true });
      clients.push(socket);
      const got: string[] = [];
      socket.on("text", (text: string) => got.push(text));
      await waitFor(() => socket.connected, "the client to connect");
      await io.of("/").sockets.get(socket.id!)!.join(rooms);
      return { socket, got };
    },
    push: (room, text) => void deliver(io, [{ room, event: "text", payload: text }] as never, false),
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.disconnect();
      await closeGateway(io, engine);
      adapter.close();
      server.close();
    },
  };
}

/** Pushes until a push arrives, since a subscription takes a moment. */
async function untilJoined(from: Gateway, room: string, got: readonly string[]): Promise<void> {
  await waitFor(() => {
    from.push(room, "hello");
    return got.includes("hello");
  }, `a push into ${room} to cross`);
}

/** Redis can be reached by both, though nothing was pushed yet. */
const joined = (...gateways: Gateway[]): Promise<unknown> =>
  waitFor(() => gateways.every(({ losses }) => losses.includes("here")), "the gateways to be joined");

const redis = await serversFor("redis");
const room = (): string => `u:${String(Math.random()).slice(2).padEnd(18, "1").slice(0, 18)}`;

describe("gateways joined by Redis", { skip: redis.skip }, () => {
  test("a push reaches the room on both gateways, once, in order, and nobody else", async () => {
    await using one = await startGateway(redis.url);
    await using two = await startGateway(redis.url);
    const [here, there] = [room(), room()];
    const [a, b, c] = [await one.join(here), await two.join(here), await two.join(there)];
    await untilJoined(one, here, b.got);
    const count = 200;
    for (let i = 0; i < count; i++) one.push(here, String(i));
    const numbers = (got: readonly string[]): number[] => got.filter((text) => text !== "hello").map(Number);
    await waitFor(() => numbers(b.got).length >= count && numbers(a.got).length >= count, "all pushes");
    assert.deepEqual(numbers(b.got), [...Array(count).keys()]);
    assert.deepEqual(numbers(a.got), [...Array(count).keys()]);
    assert.deepEqual(c.got, []);
  });

  test("a gateway that closes cuts its own connections alone", async () => {
    await using one = await startGateway(redis.url);
    const shared = room();
    const a = await one.join(shared);
    {
      await using two = await startGateway(redis.url);
      const b = await two.join(shared);
      await untilJoined(two, shared, a.got);
      assert.ok(b.socket.connected);
    }
    one.push(shared, "after");
    await waitFor(() => a.got.includes("after"), "its own push");
    assert.ok(a.socket.connected);
  });
});

describe("gateways whose Redis fails", { skip: await reasonToSkip("redis") }, () => {
  test("pushes reach the own connections meanwhile, and all again afterwards; one line says so", async () => {
    await using servers = await ownServers("redis");
    await using one = await startGateway(servers.redis.url);
    await using two = await startGateway(servers.redis.url);
    const shared = room();
    const [a, b] = [await one.join(shared), await two.join(shared)];
    await untilJoined(one, shared, b.got);
    await servers.redis.kill();
    await waitFor(() => one.log.length > 0, "the outage to be told");
    one.push(shared, "during");
    await waitFor(() => a.got.includes("during"), "the push to the own connection");
    const late = await two.join(room());
    await servers.redis.restart();
    b.got.length = 0;
    await untilJoined(one, shared, b.got);
    await untilJoined(one, [...two.io.of("/").sockets.get(late.socket.id!)!.rooms][1]!, late.got);
    assert.equal(one.log.filter((line) => line.includes("not joined")).length, 1, one.log.join("\n"));
    await waitFor(() => one.log.some((line) => line.includes("joined again")), "the end to be told");
  });

  test("each gateway learns that pushes to it were lost, and from it if it pushed, when they arrive again", async () => {
    await using servers = await ownServers("redis");
    await using one = await startGateway(servers.redis.url);
    await using two = await startGateway(servers.redis.url);
    const shared = room();
    const [a, b] = [await one.join(shared), await two.join(shared)];
    await joined(one, two);
    for (const { losses } of [one, two]) losses.length = 0;
    await servers.redis.kill();
    await waitFor(() => one.log.length > 0 && two.log.length > 0, "the outage to be told");
    one.push(shared, "lost");
    await waitFor(() => a.got.includes("lost"), "the push to the own connection");
    assert.deepEqual([one.losses, two.losses], [[], []]);
    await servers.redis.restart();
    await waitFor(() => one.losses.length + two.losses.length === 3, "the losses to be told", 15_000);
    assert.deepEqual([one.losses.toSorted(), two.losses], [["here", "others"], ["here"]]);
    b.got.length = 0;
    one.push(shared, "again");
    await waitFor(() => b.got.includes("again"), "a push right after that to cross");
  });

  test("a frozen Redis holds nobody up", async () => {
    await using servers = await ownServers("redis");
    await using one = await startGateway(servers.redis.url);
    await using two = await startGateway(servers.redis.url);
    const shared = room();
    const [a, b] = [await one.join(shared), await two.join(shared)];
    await untilJoined(one, shared, b.got);
    await servers.redis.pause();
    for (let i = 0; i < 100; i++) one.push(shared, `frozen ${i}`);
    await waitFor(() => a.got.filter((text) => text.startsWith("frozen")).length === 100, "the pushes to the own connection");
    await servers.redis.resume();
    b.got.length = 0;
    await untilJoined(two, shared, a.got);
    await untilJoined(one, shared, b.got);
  });
});
