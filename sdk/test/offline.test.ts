import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../test/support/server-process.ts";
import type { ConversationRecord } from "../src/core/records.ts";
import { memoryStore, type Store } from "../src/index.ts";
import { FaultyProxy } from "./support/faulty-proxy.ts";
import { allMessages, befriend, makeGroup, online, sharedWorld, waitFor, type World } from "./support/world.ts";

const LIMIT = { timeout: 60_000 };

/** Somebody whose server goes away, and a friend. */
async function apart(world: World, store: Store = memoryStore()) {
  const proxy = await FaultyProxy.start(world.url);
  const [me, friend] = [await world.newcomer({ url: proxy.url, store }), await world.newcomer()];
  const conversationId = await befriend(me, friend);
  for (const text of ["one", "two", "three"]) await friend.send({ conversationId, content: { text } });
  await waitFor(() => me.conversation(conversationId)?.unread === 3, "three messages");
  return { proxy, me, friend, conversationId, store };
}

describe("without the server", LIMIT, () => {
  it("what was read and drafted is kept, through a restart, and told when it is back", async () => {
    await using world = await sharedWorld();
    const { proxy, me, friend, conversationId, store } = await apart(world);
    await proxy[Symbol.asyncDispose]();
    await waitFor(() => me.connection.state !== "online", "the end of the connection");
    await me.markRead(conversationId);
    await me.updateConversation(conversationId, { draft: "for later" });
    expect(me.conversation(conversationId)).toMatchObject({ unread: 0, draft: "for later" });
    await me.stop();

    const again = world.client({ url: world.url, store });
    const second = await world.deviceOf(me);
    expect(second.conversation(conversationId)).toMatchObject({ unread: 3, draft: "" });
    await again.start();
    expect(again.conversation(conversationId)).toMatchObject({ unread: 0, draft: "for later" });
    await online(again);
    await waitFor(() => second.conversation(conversationId)?.unread === 0, "it to be told as read", 10_000);
    await waitFor(() => second.conversation(conversationId)?.draft === "for later", "the draft to be told", 10_000);
    await waitFor(async () => {
      const { items } = await friend.call("conversation.receipts", { conversationId });
      return items.some(({ readSeq }) => readSeq === 3);
    }, "the friend to know");
    expect(again.conversation(conversationId)).toMatchObject({ unread: 0, draft: "for later" });
  });

  it("what only the server can do is refused with code 0, and shown as it was", async () => {
    await using world = await sharedWorld();
    const { proxy, me, conversationId } = await apart(world);
    await proxy[Symbol.asyncDispose]();
    const [message] = await allMessages(me, conversationId);
    const { messageId } = message!;
    for (const deed of [
      () => me.updateConversation(conversationId, { pinned: true, muted: true }),
      () => me.updateConversation(conversationId, { hidden: true, draft: "kept" }),
      () => me.recall(messageId!),
      () => me.deleteForMe(messageId!),
      () => me.react(messageId!, "👍"),
      () => me.clearConversation(conversationId),
      () => me.openDirect("1"),
    ])
      await expect(deed()).rejects.toMatchObject({ name: "ImError", code: 0, isRetryable: true });
    expect(me.conversation(conversationId)).toMatchObject({ pinned: false, muted: false, hidden: false, draft: "kept" });
    expect((await allMessages(me, conversationId)).map(({ content }) => content["text"])).toEqual(["one", "two", "three"]);
  });

  it("a stopped client lets its process end, and one that never started too", async () => {
    await using world = await sharedWorld();
    const known = await world.newcomer();
    const script = `
      import { createClient, memoryStore } from "./sdk/src/index.ts";
      createClient({ url: "${world.url}" });
      const store = memoryStore();
      for (const tabs of [false, true]) {
        const client = createClient({ url: "${world.url}", store, tabs });
        await client.start();
        await client.signIn({ username: "${known.me!.username}", password: "lantern-quartz-42" });
        await client.send({ conversationId: "d_1_2", content: { text: "to nobody" } });
        await client.call("user.me");
        await client.stop();
      }
      console.log("stopped");`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    let written = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (written += text));
    await waitFor(() => written.includes("stopped"), "the clients to stop", 20_000);
    const stoppedAt = performance.now();
    const [code] = (await exited) as [number];
    expect(code).toBe(0);
    expect(performance.now() - stoppedAt).toBeLessThan(3_000);
  });
});

describe("a server that does not know the client's version", LIMIT, () => {
  it("is begun anew: what it has not goes, what it has comes, what is not told yet stays, and nothing of it is news", async () => {
    await using world = await sharedWorld();
    const { proxy, me, friend, conversationId, store } = await apart(world);
    await using _ = proxy;
    const group = await makeGroup(friend, [me]);
    proxy.fromClient = (frame) => (frame.includes("message:send") ? null : frame);
    const message = await me.send({ conversationId, content: { text: "on its way" } });
    await me.stop();
    const record = (await store.get("conversations", [conversationId])) as ConversationRecord;
    const { conversation } = record;
    const ghost = { ...record, conversation: { ...conversation, conversationId: "d_1_2" } };
    const untold = {
      ...record,
      untoldDraft: "unsaid",
      conversation: { ...conversation, draft: "unsaid", readSeq: 2, unread: 1 },
    };
    await store.write([
      { table: "meta", key: ["version"], put: "s1.of-another.server" },
      { table: "conversations", key: ["d_1_2"], put: ghost },
      { table: "conversations", key: [conversationId], put: untold },
      { table: "friends", key: ["1"], put: { user: { userId: "1" } } },
    ]);
    await friend.send({ conversationId, content: { text: "four" } });
    await waitFor(() => friend.conversation(conversationId)?.maxSeq === 4);

    const again = world.client({ url: proxy.url, store });
    const news: unknown[] = [];
    again.on("message", ({ content }) => news.push(content["text"]));
    await again.start();
    const window = again.messages(conversationId);
    await window.loadLatest();
    expect(again.conversation("d_1_2")).not.toBeNull();
    await online(again);
    await waitFor(() => again.friends.length === 1 && again.friends[0]!.user.userId === friend.me!.userId, "the friends");
    expect(again.conversation("d_1_2")).toBeNull();
    expect(again.conversation(group)).not.toBeNull();
    await waitFor(() => window.items.length === 5, "what the server has, and what is on its way");
    expect(window.items.map(({ content }) => content["text"])).toEqual(["one", "two", "three", "four", "on its way"]);
    expect(window.items.at(-1)!.key).toBe(message.key);
    expect(news).toEqual([]);
    expect(again.conversation(conversationId)).toMatchObject({ draft: "unsaid", readSeq: 2, unread: 2 });
    await waitFor(
      async () => {
        const { items } = await again.call("conversation.list", {});
        return items.some(({ draft, readSeq }) => draft === "unsaid" && readSeq === 2);
      },
      "what was not told yet to be told",
      10_000,
    );
    proxy.fromClient = (frame) => frame;
    proxy.cutAll();
    await waitFor(() => friend.conversation(conversationId)?.maxSeq === 5, "it to be sent", 20_000);
    expect((await allMessages(friend, conversationId)).at(-1)!.content["text"]).toBe("on its way");
  });
});
