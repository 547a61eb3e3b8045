import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { backoffMs } from "../src/backoff.ts";
import type { SessionRecord } from "../src/core/records.ts";
import { memoryStore, type Connection, type ImClient, type ImError, type SignOutReason, type Store } from "../src/index.ts";
import { FaultyProxy } from "./support/faulty-proxy.ts";
import { befriend, online, PASSWORD, sharedWorld, startWorld, waitFor, type World } from "./support/world.ts";

const LIMIT = { timeout: 60_000 };
const REFRESH = "POST /api/v1/auth/refresh";

let world: World;
/** Its tokens live for eight seconds, and each user has one connection. */
let strict: World;
beforeAll(async () => {
  [world, strict] = await Promise.all([
    sharedWorld(),
    startWorld({ IM_ACCESS_TOKEN_TTL_S: "8", IM_MAX_CONNECTIONS_PER_USER: "1" }),
  ]);
}, 60_000);
afterAll(() => Promise.all([world, strict].map((one) => one[Symbol.asyncDispose]())));

/** The codes that a call is refused with. */
const codeOf = (call: Promise<unknown>): Promise<number> =>
  call.then(
    () => expect.fail("nothing was refused"),
    (error: unknown) => (error as ImError).code,
  );

/** Why a client was signed out, once it was. */
function signedOut(client: ImClient): { reason: SignOutReason | null } {
  const seen = { reason: null as SignOutReason | null };
  client.on("session", ({ me, reason }) => {
    if (!me) seen.reason = reason;
  });
  return seen;
}

/** How the connection stood when the server had refused it, and how long the next try was away then. */
function refused(client: ImClient): { connection: Connection | null; waitMs: number } {
  const seen = { connection: null as Connection | null, waitMs: 0 };
  client.on("connection", (connection) => {
    if (connection.refusal) Object.assign(seen, { connection, waitMs: (connection.retryAt ?? 0) - Date.now() });
  });
  return seen;
}

const everythingIn = async (store: Store): Promise<string> => {
  await store.open();
  const tables = ["meta", "conversations", "messages", "outbox", "friends", "groups"] as const;
  return JSON.stringify(await Promise.all(tables.map((table) => store.list(table))));
};

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

describe("signing out", LIMIT, () => {
  it("forgets the store and is heard in the other tab", async () => {
    const store = memoryStore();
    const other = await world.newcomer();
    const tab = await world.newcomer({ store, tabs: true });
    const second = world.client({ store, tabs: true });
    await second.start();
    const conversationId = await befriend(tab, other);
    await tab.send({ conversationId, content: { text: "kept nowhere" } });
    await waitFor(() => second.conversation(conversationId)?.maxSeq === 1, "the message in both tabs");
    const window = second.messages(conversationId);
    await window.loadLatest();
    const ended = signedOut(second);
    await tab.signOut();
    await waitFor(() => ended.reason, "the other tab to be signed out");
    expect(ended.reason).toBe("signed_out");
    for (const one of [tab, second]) {
      expect(one.me).toBeNull();
      expect(one.conversations).toEqual([]);
      expect(one.friends).toEqual([]);
      expect(one.connection.state).toBe("signed-out");
    }
    expect(window.items).toEqual([]);
    const kept = await everythingIn(store);
    expect(kept).not.toContain("kept nowhere");
    expect(kept).not.toContain(other.me!.userId);
    expect(await codeOf(tab.call("user.me"))).toBe(1004);
  });

  it("happens here though the server cannot be reached", async () => {
    const proxy = await FaultyProxy.start(world.url);
    const store = memoryStore();
    const client = await world.newcomer({ url: proxy.url, store });
    await proxy.down();
    await client.signOut();
    expect(client.me).toBeNull();
    expect(await everythingIn(store)).not.toContain("accessToken");
  });

  it("of all devices does not happen here alone when the server cannot be reached", async () => {
    const proxy = await FaultyProxy.start(world.url);
    const client = await world.newcomer({ url: proxy.url });
    await proxy.down();
    expect(await codeOf(client.signOut({ all: true }))).toBe(0);
    expect(client.me).not.toBeNull();
  });

  it("tells the server's reason, and keeps the store and what is on its way for the same user", async () => {
    await using proxy = await FaultyProxy.start(world.url);
    const store = memoryStore();
    const other = await world.newcomer();
    const client = await world.newcomer({ url: proxy.url, store });
    const conversationId = await befriend(client, other);
    await other.send({ conversationId, content: { text: "before" } });
    await waitFor(() => client.conversation(conversationId)?.maxSeq === 1);
    const ended = signedOut(client);
    const second = await world.deviceOf(client);
    proxy.fromClient = (frame) => (frame.includes("message:send") ? null : frame);
    await client.send({ conversationId, content: { text: "on its way" } });
    await second.call("auth.endDevice", { deviceId: client.deviceId! });
    await waitFor(() => ended.reason, "the end");
    expect(ended.reason).toBe("removed");
    expect(client.conversations).toEqual([]);
    expect(client.friends).toEqual([]);

    const restarted = world.client({ url: proxy.url, store });
    await client.stop();
    await restarted.start();
    expect(restarted.me).toBeNull();
    expect(restarted.conversations).toEqual([]);
    proxy.fromClient = (frame) => frame;
    await restarted.signIn({ username: second.me!.username, password: PASSWORD });
    expect(restarted.conversation(conversationId)?.lastMessage?.content).toEqual({ text: "on its way" });
    await waitFor(() => other.conversation(conversationId)?.maxSeq === 2, "the message to be sent", 20_000);
  });

  it("on all devices and a changed password are heard as what they are", async () => {
    const first = await world.newcomer();
    const [second, third] = [await world.deviceOf(first), await world.deviceOf(first)];
    const seen = [first, second, third].map(signedOut);
    const newPassword = "quartz-lantern-77-blue";
    await third.call("user.changePassword", { oldPassword: PASSWORD, newPassword });
    await waitFor(() => seen[0]!.reason && seen[1]!.reason, "the others to end", 10_000);
    expect(seen.map(({ reason }) => reason)).toEqual(["password_changed", "password_changed", null]);
    await first.signIn({ username: third.me!.username, password: newPassword });
    await online(first);
    await third.signOut({ all: true });
    await waitFor(() => seen[0]!.reason === "logout" && seen[2]!.reason, "all to end");
    expect(seen[2]!.reason).toBe("signed_out");
  });
});

describe("another user on the same store", LIMIT, () => {
  it("sees nothing of the first", async () => {
    const store = memoryStore();
    const friend = await world.newcomer();
    const first = await world.newcomer({ store });
    const conversationId = await befriend(first, friend);
    await first.send({ conversationId, content: { text: "a secret" } });
    await waitFor(() => friend.conversation(conversationId)?.maxSeq === 1);
    await first.updateConversation(conversationId, { draft: "an unsaid secret" });
    const window = first.messages(conversationId);
    await window.loadLatest();
    const second = await world.newcomer();
    const changed: string[][] = [];
    first.on("conversations", ({ changed: ids }) => changed.push([...ids]));
    await first.signIn({ username: second.me!.username, password: PASSWORD });
    expect(first.me!.userId).toBe(second.me!.userId);
    await online(first);
    expect(first.conversations).toEqual([]);
    expect(first.conversation(conversationId)).toBeNull();
    expect(first.friends).toEqual([]);
    expect(window.items).toEqual([]);
    const kept = await everythingIn(store);
    expect(kept).not.toContain("secret");
    expect(kept).not.toContain(friend.me!.userId);
  });

  it("is not given what was asked for the first and is answered late", async () => {
    await using proxy = await FaultyProxy.start(world.url);
    const store = memoryStore();
    const [friend, second] = [await world.newcomer(), await world.newcomer()];
    const first = await world.newcomer({ url: proxy.url, store });
    const release = proxy.hold("GET /api/v1/social/friends");
    const asked = proxy.count("/social/friends");
    const conversationId = await befriend(first, friend);
    await waitFor(() => proxy.count("/social/friends") > asked, "the friends to be asked for");
    const opening = first.openDirect(friend.me!.userId).catch(() => null);
    const profile = first.call("user.me").catch(() => null);
    await first.signIn({ username: second.me!.username, password: PASSWORD });
    await online(first);
    release();
    await Promise.all([opening, profile]);
    await first.call("friend.list");
    expect(first.me!.userId).toBe(second.me!.userId);
    expect(first.friends).toEqual([]);
    expect(first.conversation(conversationId)).toBeNull();
    expect(await everythingIn(store)).not.toContain(friend.me!.userId);
  });
});

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
