import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { backoffMs } from "../src/backoff.ts";
import { memoryStore, type Connection, type ImClient } from "../src/index.ts";
import { FaultyProxy } from "./support/faulty-proxy.ts";
import { befriend, online, PASSWORD, sharedWorld, startWorld, waitFor } from "./support/world.ts";

const LIMIT = { timeout: 60_000 };
const REFRESH = "POST /api/v1/auth/refresh";

/** Each user of the strict one has one connection. */
const [world, strict] = await Promise.all([sharedWorld(), startWorld({ IM_MAX_CONNECTIONS_PER_USER: "1" })]);
afterAll(() => Promise.all([world, strict].map((one) => one[Symbol.asyncDispose]())));

/** How the connection stood when the server had refused it, and how long the next try was away then. */
function refused(client: ImClient): { connection: Connection | null; waitMs: number } {
  const seen = { connection: null as Connection | null, waitMs: 0 };
  client.on("connection", (connection) => {
    if (connection.refusal) Object.assign(seen, { connection, waitMs: (connection.retryAt ?? 0) - Date.now() });
  });
  return seen;
}

describe("the connection", LIMIT, () => {
  it("starts without the server, with the list that is stored, and says when it tries next", async () => {
    await using proxy = await FaultyProxy.start(world.url);
    const store = memoryStore();
    const [first, other] = [await world.newcomer({ url: proxy.url, store }), await world.newcomer()];
    const conversationId = await befriend(first, other);
    await other.send({ conversationId, content: { text: "hello" } });
    await waitFor(() => first.conversation(conversationId)?.unread === 1 && first.friends.length === 1, "all to be stored");
    await first.stop();
    await proxy.down();
    const client = world.client({ url: proxy.url, store });
    await client.start();
    expect(client.conversations.map(({ lastMessage }) => lastMessage?.content)).toEqual([{ text: "hello" }]);
    expect(client.friends).toHaveLength(1);
    const window = client.messages(conversationId);
    await window.loadLatest();
    expect(window.items).toHaveLength(1);
    await waitFor(() => client.connection.state === "offline", "a try that failed");
    expect(client.connection.retryAt).toBeGreaterThan(Date.now() - 1_000);
    await proxy.up();
    await online(client);
  });

  it("goes through its states as events", async () => {
    await using proxy = await FaultyProxy.start(world.url);
    const client = await world.newcomer({ url: proxy.url });
    const states: string[] = [];
    client.on("connection", ({ state }) => states.push(state));
    await proxy.down();
    await waitFor(() => states.includes("offline"));
    await proxy.up();
    client.reconnect();
    await online(client);
    expect(states[0]).toBe("offline");
    expect(states.slice(-3)).toEqual(["connecting", "syncing", "online"]);
  });

  it("that is one too many waits, says why, and comes when there is room", async () => {
    const first = await strict.newcomer();
    const second = strict.client();
    const seen = refused(second);
    await second.start();
    await second.signIn({ username: first.me!.username, password: PASSWORD });
    await waitFor(() => seen.connection, "the refusal");
    expect(seen.connection).toMatchObject({ state: "offline", refusal: { code: 1008 } });
    expect(seen.waitMs).toBeGreaterThan(8_000);
    await first.stop();
    await waitFor(
      async () => {
        second.reconnect();
        return second.connection.state === "online";
      },
      "room for it",
      20_000,
    );
  });

  it("waits as long as the server asks", async () => {
    await using proxy = await FaultyProxy.start(world.url);
    proxy.fromServer = (frame) => (frame.startsWith("40") ? refusal(9005, { retryable: true, retryAfterMs: 90_000 }) : frame);
    const known = await world.newcomer();
    const client = world.client({ url: proxy.url });
    const seen = refused(client);
    await client.start();
    await client.signIn({ username: known.me!.username, password: PASSWORD });
    await waitFor(() => seen.connection, "the refusal");
    expect(seen.waitMs).toBeGreaterThan(88_000);
  });

  it("does not ask for tokens without end where a fresh one is refused too", async () => {
    await using proxy = await FaultyProxy.start(world.url);
    proxy.fromServer = (frame) => (frame.startsWith("40") ? refusal(1003) : frame);
    const known = await world.newcomer();
    const client = world.client({ url: proxy.url });
    const seen = refused(client);
    await client.start();
    await client.signIn({ username: known.me!.username, password: PASSWORD });
    await waitFor(() => seen.connection?.refusal?.code === 1003, "the refusal to be told");
    expect(proxy.count(REFRESH)).toBeLessThanOrEqual(2);
    expect(seen.waitMs).toBeGreaterThan(0);
  });
});

describe("the wait before a try", () => {
  it("grows, differs, ends at half a minute, and is never shorter than the server asked", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.nat({ max: 100_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (tries, asked, part) => {
          const ms = backoffMs(tries, asked, () => part);
          expect(ms).toBeGreaterThanOrEqual(asked + 250);
          expect(ms).toBeLessThanOrEqual(asked + 30_000);
          expect(backoffMs(tries + 1, asked, () => part)).toBeGreaterThanOrEqual(ms);
        },
      ),
    );
    expect(backoffMs(1, 0, () => 1)).toBe(1_000);
    expect(backoffMs(1, 0, () => 0)).toBe(250);
  });
});

/** Socket.IO's answer to a connection that is not let in. */
const refusal = (code: number, data?: object): string =>
  `44${JSON.stringify({ message: "refused", data: { code, message: "refused", ...(data && { data }) } })}`;
