import { afterAll, describe, expect, it, vi } from "vitest";
import type { SessionRecord } from "../src/core/records.ts";
import { memoryStore, StoreError, type ImClient, type Store } from "../src/index.ts";
import { FaultyProxy } from "./support/faulty-proxy.ts";
import { allMessages, befriend, online, sharedWorld, waitFor } from "./support/world.ts";

const LIMIT = { timeout: 60_000 };

const world = await sharedWorld();
afterAll(() => world[Symbol.asyncDispose]());

const textsOf = async (client: ImClient, conversationId: string): Promise<unknown[]> =>
  (await allMessages(client, conversationId)).map(({ content }) => content["text"]);

/** A tab of a new user, who has a friend, with as many more tabs on the same store. */
async function openTabs(more: number) {
  const proxy = await FaultyProxy.start(world.url);
  const store = memoryStore();
  const options = { url: proxy.url, store, tabs: true };
  const leader = await world.newcomer(options);
  const others = Array.from({ length: more }, () => world.client(options));
  for (const tab of others) await tab.start();
  const friend = await world.newcomer();
  const conversationId = await befriend(leader, friend);
  for (const tab of others) await waitFor(() => tab.conversation(conversationId), "the conversation in each tab");
  return { proxy, store, options, leader, others, friend, conversationId };
}

/** Takes the lock of a store's tabs away from whoever has it, as a browser does with a tab that died. */
async function killLeader(store: Store): Promise<void> {
  await navigator.locks.request(`moleculer-im:${store.name}`, { steal: true }, () => undefined);
}

describe("tabs that share a store", LIMIT, () => {
  it("have one socket, and all show the same", async () => {
    const { proxy, leader, others, friend, conversationId } = await openTabs(2);
    await using _ = proxy;
    const tabs = [leader, ...others];
    await Promise.all(tabs.map(online));
    expect(proxy.upgrades).toBe(1);
    for (const tab of tabs) expect(tab.me).toEqual(leader.me);
    const windows = tabs.map((tab) => tab.messages(conversationId));
    await Promise.all(windows.map((window) => window.loadLatest()));
    const news = tabs.map((tab) => {
      const seen: unknown[] = [];
      tab.on("message", ({ content }) => seen.push(content["text"]));
      return seen;
    });
    await friend.send({ conversationId, content: { text: "to all" } });
    await waitFor(() => windows.every(({ items }) => items.length === 1), "the message in each window");
    expect(news).toEqual([["to all"], ["to all"], ["to all"]]);
    for (const tab of tabs) expect(tab.conversation(conversationId)?.unread).toBe(1);
    await others[0]!.markRead(conversationId);
    await waitFor(() => tabs.every((tab) => tab.conversation(conversationId)?.unread === 0), "it to be read in each tab");
    await waitFor(() => tabs.every((tab) => tab.friends.length === 1));
    expect(proxy.connections).toBe(1);
  });

  it("send each in its order, also those that do not hold the socket", async () => {
    const { proxy, leader, others, friend, conversationId } = await openTabs(1);
    await using _ = proxy;
    const [follower] = others;
    const send = (tab: ImClient, name: string): Promise<unknown> =>
      Promise.all(Array.from({ length: 10 }, (__, index) => tab.send({ conversationId, content: { text: `${name} ${index}` } })));
    await Promise.all([send(leader, "a"), send(follower!, "b")]);
    await waitFor(() => friend.conversation(conversationId)?.maxSeq === 20, "all to arrive");
    const texts = (await textsOf(friend, conversationId)) as string[];
    for (const name of ["a", "b"])
      expect(texts.filter((text) => text.startsWith(name))).toEqual(Array.from({ length: 10 }, (__, i) => `${name} ${i}`));
    for (const tab of [leader, follower!]) {
      await waitFor(async () => (await allMessages(tab, conversationId)).every(({ seq }) => seq !== null));
      expect(await textsOf(tab, conversationId)).toEqual(texts);
    }
  });

  it("go on when the one that holds the socket is closed", async () => {
    const { proxy, leader, others, friend, conversationId } = await openTabs(2);
    await using _ = proxy;
    const windows = others.map((tab) => tab.messages(conversationId));
    await Promise.all(windows.map((window) => window.loadLatest()));
    const seen: boolean[] = [];
    others[1]!.watchPresence([friend.me!.userId]);
    others[1]!.on("presence", ({ online: isOnline }) => seen.push(isOnline));
    await waitFor(() => others[1]!.presenceOf(friend.me!.userId)?.online, "the friend to be seen");
    proxy.fromClient = (frame) => (frame.includes("message:send") ? null : frame);
    const message = await others[0]!.send({ conversationId, content: { text: "not sent by the first" } });
    const stopped = leader.stop();
    proxy.fromClient = (frame) => frame;
    const asked = others[0]!.send({ conversationId, content: { text: "asked meanwhile" } });
    await stopped;
    await asked;
    await Promise.all(others.map(online));
    await waitFor(() => friend.conversation(conversationId)?.maxSeq === 2, "the messages", 20_000);
    expect(await textsOf(friend, conversationId)).toEqual(["not sent by the first", "asked meanwhile"]);
    await waitFor(() => windows.every(({ items }) => items.length === 2 && items.every(({ seq }) => seq !== null)));
    expect(windows[1]!.items[0]!.key).toBe(message.key);
    await friend.send({ conversationId, content: { text: "to the new one" } });
    await waitFor(() => windows.every(({ items }) => items.length === 3), "what comes later");
    seen.length = 0;
    await friend.stop();
    await waitFor(() => seen.includes(false), "the friend to go", 20_000);
    expect(proxy.connections).toBe(1);
  });

  it("go on when the one that holds the socket dies, which stands in line again", async () => {
    const { proxy, store, leader, others, friend, conversationId } = await openTabs(1);
    await using _ = proxy;
    const [follower] = others;
    await killLeader(store);
    const states: string[] = [];
    for (const tab of [leader, follower!]) tab.on("connection", ({ state }) => states.push(state));
    await follower!.send({ conversationId, content: { text: "after the death" } });
    await leader.send({ conversationId, content: { text: "of the dead" } });
    await waitFor(() => friend.conversation(conversationId)?.maxSeq === 2, "both", 20_000);
    await waitFor(() => proxy.connections === 1, "one socket", 10_000);
    await follower!.stop();
    await leader.send({ conversationId, content: { text: "leads again" } });
    await waitFor(() => friend.conversation(conversationId)?.maxSeq === 3, "the one that led before to lead", 20_000);
    expect(proxy.connections).toBe(1);
  });

  it("stay signed in when the one that holds the socket is closed while its tokens are renewed", async () => {
    const { proxy, store, options, leader, others } = await openTabs(1);
    await using _ = proxy;
    await Promise.all([leader, ...others].map((tab) => tab.stop()));
    const session = (await store.get("meta", ["session"])) as SessionRecord;
    await store.write([{ table: "meta", key: ["session"], put: { ...session, expiresAt: Date.now() - 1 } }]);
    const release = proxy.hold("auth/refresh");
    const [first, second] = [world.client(options), world.client(options)];
    await first.start();
    await waitFor(() => proxy.count("auth/refresh") === 1, "the renewal");
    await second.start();
    const stopped = first.stop();
    const call = second.call("user.me");
    release();
    await stopped;
    await online(second);
    await call;
    expect(proxy.count("auth/refresh")).toBe(1);
    expect(second.me).not.toBeNull();
  });

  it("show presence in a tab that watches whom another one watches already", async () => {
    const { proxy, leader, others, friend } = await openTabs(1);
    await using _ = proxy;
    const { userId } = friend.me!;
    leader.watchPresence([userId]);
    await waitFor(() => leader.presenceOf(userId)?.online, "the friend to be seen");
    const end = others[0]!.watchPresence([userId]);
    await waitFor(() => others[0]!.presenceOf(userId)?.online, "the friend to be seen in the other tab");
    end();
    expect(others[0]!.presenceOf(userId)).toBeNull();
    expect(leader.presenceOf(userId)?.online).toBe(true);
  });

  it("lose nothing that is told while a new one reads the store", async () => {
    const { proxy, store, options, friend, conversationId } = await openTabs(0);
    await using _ = proxy;
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    let waiting = 0;
    const slow: Store = {
      ...options.store,
      name: store.name,
      open: () => store.open(),
      get: (table, key) => store.get(table, key),
      write: (operations) => store.write(operations),
      close: () => store.close(),
      list: async (table, range) => {
        const found = await store.list(table, range);
        if (table === "conversations") {
          waiting++;
          await released;
        }
        return found;
      },
    };
    const tab = world.client({ ...options, store: slow });
    const news: unknown[] = [];
    tab.on("message", ({ content }) => news.push(content["text"]));
    const started = tab.start();
    await waitFor(() => waiting > 0, "the new tab to read");
    for (const text of ["one", "two"]) await friend.send({ conversationId, content: { text } });
    await waitFor(async () => (await store.list("messages")).length === 2, "the messages to be stored");
    release();
    await started;
    await waitFor(() => tab.conversation(conversationId)?.unread === 2, "what came meanwhile");
    await waitFor(() => news.length === 2);
    expect(news).toEqual(["one", "two"]);
    expect(await textsOf(tab, conversationId)).toEqual(["one", "two"]);
  });

  it("leave the lead to another one when they cannot open what is stored", async () => {
    const store = memoryStore();
    const broken: Store = {
      name: store.name,
      open: () => store.open(),
      get: (table, key) => store.get(table, key),
      write: (operations) => store.write(operations),
      close: () => store.close(),
      list: () => Promise.reject(new StoreError("broken")),
    };
    const first = world.client({ store: broken, tabs: true });
    await expect(first.start()).rejects.toThrow("broken");
    const second = await world.newcomer({ store, tabs: true });
    expect(second.connection.state).toBe("online");
  });

  it("answer no more once they are stopped, and hold no lock", async () => {
    const { proxy, store, leader, others } = await openTabs(1);
    await using _ = proxy;
    await others[0]!.stop();
    await leader.stop();
    await expect(leader.call("user.me")).rejects.toMatchObject({ code: 0 });
    leader.reconnect();
    leader.typing("d_1_2", "text");
    leader.watchPresence(["1"])();
    const { held = [], pending = [] } = await navigator.locks.query();
    expect([...held, ...pending].filter(({ name }) => name?.includes(store.name))).toEqual([]);
    await waitFor(() => proxy.connections === 0, "the socket to be closed");
  });

  it("keep a listener that throws to itself", async () => {
    const { proxy, leader, friend, conversationId } = await openTabs(0);
    await using _ = proxy;
    const reported = vi.fn();
    process.on("uncaughtException", reported);
    const others = process.listeners("uncaughtException").filter((listener) => listener !== reported);
    for (const listener of others) process.off("uncaughtException", listener);
    try {
      const window = leader.messages(conversationId);
      await window.loadLatest();
      window.onChange(() => {
        throw new Error("of the application");
      });
      const message = await leader.send({ conversationId, content: { text: "sent all the same" } });
      expect(message.state).toBe("sending");
      await waitFor(() => friend.conversation(conversationId)?.maxSeq === 1);
      expect(reported).toHaveBeenCalled();
      window.close();
    } finally {
      for (const listener of others) process.on("uncaughtException", listener);
      process.off("uncaughtException", reported);
    }
  });
});
