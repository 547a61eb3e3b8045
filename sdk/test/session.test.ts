import { afterAll, describe, expect, it } from "vitest";
import type { SessionRecord } from "../src/core/records.ts";
import { memoryStore, type Store } from "../src/index.ts";
import { FaultyProxy } from "./support/faulty-proxy.ts";
import { codeOf, signedOut } from "./support/outcomes.ts";
import { befriend, online, PASSWORD, sharedWorld, startWorld, waitFor } from "./support/world.ts";

const LIMIT = { timeout: 60_000 };
const REFRESH = "POST /api/v1/auth/refresh";

/** Tokens of the strict one live for eight seconds. */
const [world, strict] = await Promise.all([sharedWorld(), startWorld({ IM_ACCESS_TOKEN_TTL_S: "8" })]);
afterAll(() => Promise.all([world, strict].map((one) => one[Symbol.asyncDispose]())));

/** Gives the session of a stopped client a token that the server does not take. */
async function spoilToken(store: Store, change: Partial<SessionRecord>): Promise<void> {
  const session = (await store.get("meta", ["session"])) as SessionRecord;
  await store.write([{ table: "meta", key: ["session"], put: { ...session, ...change } }]);
}

describe("signing in", LIMIT, () => {
  it("refuses a wrong password with 1002 and stays signed out", async () => {
    const known = await world.newcomer();
    const client = world.client();
    await client.start();
    const wrong = client.signIn({ username: known.me!.username, password: "not-my-password-7" });
    expect(await codeOf(wrong)).toBe(1002);
    expect(client.me).toBeNull();
    expect(client.connection.state).toBe("signed-out");
  });

  it("makes an account, signs in, and goes on after a restart without the server being asked for a password", async () => {
    await using proxy = await FaultyProxy.start(world.url);
    const store = memoryStore();
    const client = await world.newcomer({ url: proxy.url, store });
    await client.stop();
    const again = world.client({ url: proxy.url, store });
    const sessions: unknown[] = [];
    again.on("session", ({ me }) => sessions.push(me?.userId));
    await again.start();
    await online(again);
    expect(again.me).toEqual(client.me);
    expect(sessions).toEqual([client.me!.userId]);
    expect(proxy.count("/users/login")).toBe(1);
    expect(proxy.count(REFRESH)).toBe(0);
  });

  it("can be done again by who is signed in: the session is replaced, and the connection comes back", async () => {
    const client = await world.newcomer();
    await client.signIn({ username: client.me!.username, password: PASSWORD });
    await online(client);
    await client.call("user.me");
    expect(client.me).not.toBeNull();
  });

  it("can be started again after it was stopped", async () => {
    const client = await world.newcomer();
    await client.stop();
    expect(client.connection.state).toBe("offline");
    await client.start();
    await online(client);
    await client.call("user.me");
  });

  it("can be started again after a start that failed", async () => {
    const store = memoryStore();
    const { open } = store;
    let isBroken = true;
    store.open = () => (isBroken ? Promise.reject(new Error("no room")) : open.call(store));
    const client = world.client({ store });
    await expect(client.start()).rejects.toThrow("no room");
    isBroken = false;
    await client.start();
    expect(client.connection.state).toBe("signed-out");
  });
});

describe.concurrent("tokens", LIMIT, () => {
  it("are renewed before they expire, and the socket goes on", async () => {
    await using proxy = await FaultyProxy.start(strict.url);
    const client = await strict.newcomer({ url: proxy.url });
    const since = Date.now();
    const states: string[] = [];
    client.on("connection", ({ state }) => states.push(state));
    await waitFor(() => proxy.count(REFRESH) >= 1 && Date.now() - since > 9_000, "the first token to expire", 20_000);
    expect(client.connection.state).toBe("online");
    expect(states).toEqual([]);
    expect(proxy.upgrades).toBe(1);
    await client.call("user.me");
  });

  it("are renewed once for 20 calls and a socket whose token is refused", async () => {
    await using proxy = await FaultyProxy.start(world.url);
    const store = memoryStore();
    await (await world.newcomer({ url: proxy.url, store })).stop();
    await spoilToken(store, { accessToken: "of-a-key-that-was-replaced" });
    const client = world.client({ url: proxy.url, store });
    await client.start();
    const calls = Array.from({ length: 20 }, () => client.call("user.me"));
    await Promise.all(calls);
    await online(client);
    expect(proxy.count(REFRESH)).toBe(1);
  });

  it("are renewed once for two tabs", async () => {
    await using proxy = await FaultyProxy.start(world.url);
    const store = memoryStore();
    await (await world.newcomer({ url: proxy.url, store })).stop();
    await spoilToken(store, { expiresAt: Date.now() - 1 });
    const tabs = [1, 2].map(() => world.client({ url: proxy.url, store, tabs: true }));
    await Promise.all(tabs.map((tab) => tab.start()));
    await Promise.all(tabs.flatMap((tab) => Array.from({ length: 5 }, () => tab.call("user.me"))));
    await Promise.all(tabs.map(online));
    expect(proxy.count(REFRESH)).toBe(1);
    expect(proxy.upgrades).toBe(2); // one before, one for both
  });

  it("whose renewal was not answered end the session: the server takes the second use for a theft", async () => {
    await using proxy = await FaultyProxy.start(world.url);
    const store = memoryStore();
    const other = await world.newcomer();
    const first = await world.newcomer({ url: proxy.url, store });
    const conversationId = await befriend(first, other);
    await waitFor(() => first.conversation(conversationId));
    await first.stop();
    await spoilToken(store, { expiresAt: Date.now() - 1 });
    let lost = 0;
    proxy.onAnswer = (asked) => !asked.includes("auth/refresh") || ++lost > 1;
    const client = world.client({ url: proxy.url, store });
    const ended = signedOut(client);
    await client.start();
    await waitFor(() => ended.reason, "the end of the session", 20_000);
    expect(ended.reason).toBe("session_ended");
    expect(client.connection.state).toBe("signed-out");
    await client.signIn({ username: first.me!.username, password: PASSWORD });
    await online(client);
    expect(client.conversation(conversationId)).not.toBeNull();
  });
});
