import { afterAll, describe, expect, it } from "vitest";
import { memoryStore, type Store } from "../src/index.ts";
import { FaultyProxy } from "./support/faulty-proxy.ts";
import { codeOf, signedOut } from "./support/outcomes.ts";
import { befriend, online, PASSWORD, sharedWorld, waitFor } from "./support/world.ts";

const LIMIT = { timeout: 60_000 };

const world = await sharedWorld();
afterAll(() => world[Symbol.asyncDispose]());

const everythingIn = async (store: Store): Promise<string> => {
  await store.open();
  const tables = ["meta", "conversations", "messages", "outbox", "friends", "groups"] as const;
  return JSON.stringify(await Promise.all(tables.map((table) => store.list(table))));
};

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
