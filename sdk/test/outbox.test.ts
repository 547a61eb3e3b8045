import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/server-process.ts";
import { memoryStore, type ImClient, type LocalMessage, type MessageWindow } from "../src/index.ts";
import { fileStore } from "../src/node.ts";
import { eventOf, FaultyProxy } from "./support/faulty-proxy.ts";
import { moody } from "./support/moody-store.ts";
import { allMessages, befriend, makeGroup, online, sharedWorld, startWorld, waitFor } from "./support/world.ts";

const LIMIT = { timeout: 60_000 };

const world = await sharedWorld();
afterAll(() => world[Symbol.asyncDispose]());

const textsOf = async (client: ImClient, conversationId: string): Promise<unknown[]> =>
  (await allMessages(client, conversationId)).filter(({ type }) => type === "text").map(({ content }) => content["text"]);

/** Waits until a client has so many messages of a conversation, and gives their texts. */
async function textsWhen(client: ImClient, conversationId: string, maxSeq: number): Promise<unknown[]> {
  await waitFor(() => client.conversation(conversationId)?.maxSeq === maxSeq, `${maxSeq} messages`, 30_000);
  return textsOf(client, conversationId);
}

async function liveWindow(client: ImClient, conversationId: string): Promise<MessageWindow> {
  const window = client.messages(conversationId);
  await window.loadLatest();
  return window;
}

/** The states that a message goes through in a window, each once. */
function statesOf(window: MessageWindow, { key }: LocalMessage): string[] {
  const states: string[] = [];
  const look = (): void => {
    const found = window.items.filter((item) => item.key === key);
    expect(found.length).toBeLessThanOrEqual(1);
    if (found[0] && states.at(-1) !== found[0].state) states.push(found[0].state);
  };
  look();
  window.onChange(look);
  return states;
}

describe("a message", LIMIT, () => {
  it("is in the store before it is sent", async () => {
    await using proxy = await FaultyProxy.start(world.url);
    const store = memoryStore();
    const [sender, receiver] = [await world.newcomer({ url: proxy.url, store }), await world.newcomer()];
    const conversationId = await befriend(sender, receiver);
    const stored: Promise<unknown[]>[] = [];
    proxy.fromClient = (frame) => {
      if (eventOf(frame)?.name === "message:send") stored.push(store.list("outbox"));
      return frame;
    };
    const { clientMsgId } = await sender.send({ conversationId, content: { text: "first here" } });
    expect(await store.get("outbox", [clientMsgId])).toMatchObject({ draft: { content: { text: "first here" } } });
    await waitFor(() => stored.length > 0, "the frame");
    expect(await stored[0]).toMatchObject([{ clientMsgId, draft: { conversationId, content: { text: "first here" } } }]);
    await waitFor(() => receiver.conversation(conversationId)?.maxSeq === 1);
    await expect.poll(() => store.list("outbox")).toEqual([]);
  });

  it("goes from sending to read, a step at a time", async () => {
    await using proxy = await FaultyProxy.start(world.url);
    const [sender, receiver] = [await world.newcomer({ url: proxy.url }), await world.newcomer()];
    const conversationId = await befriend(sender, receiver);
    const window = await liveWindow(sender, conversationId);
    const store = memoryStore();
    const again = await world.deviceOf(receiver, { store });
    await Promise.all([receiver.stop(), again.stop()]);
    const held: (() => void)[] = [];
    proxy.fromClient = (frame, { toServer }) => {
      if (eventOf(frame)?.name !== "message:send") return frame;
      held.push(() => toServer(frame));
      return null;
    };
    const message = await sender.send({ conversationId, content: { text: "watched" } });
    const states = statesOf(window, message);
    expect(states).toEqual(["sending"]);
    await waitFor(() => held.length > 0);
    held[0]!();
    await waitFor(() => states.includes("persisted"), "it to be persisted");
    expect(["sending,accepted,persisted", "sending,persisted"]).toContain(states.join());
    await again.start();
    await waitFor(() => states.includes("delivered"), "it to be delivered");
    await again.markRead(conversationId);
    await waitFor(() => states.includes("read"), "it to be read");
    expect(states.slice(-3)).toEqual(["persisted", "delivered", "read"]);
    expect(window.items).toMatchObject([{ seq: 1, clientMsgId: message.clientMsgId, key: message.key }]);
  });

  it("is known to be persisted, delivered and read, though nobody heard of it", async () => {
    await using proxy = await FaultyProxy.start(world.url);
    const [sender, receiver] = [await world.newcomer({ url: proxy.url }), await world.newcomer()];
    const conversationId = await befriend(sender, receiver);
    await sender.send({ conversationId, content: { text: "one" } });
    await waitFor(() => receiver.conversation(conversationId)?.maxSeq === 1);
    await receiver.stop();
    proxy.faults = { ...proxy.faults, drop: 1 };
    const receiptAnswers = (): number => proxy.answered.filter((asked) => asked.includes("/receipts")).length;
    const window = await liveWindow(sender, conversationId);
    await sender.send({ conversationId, content: { text: "two" } });
    await waitFor(() => window.items.at(-1)?.state === "accepted", "it to be accepted");
    await waitFor(() => proxy.counted.dropped > 0, "a push to be lost");
    proxy.faults = { ...proxy.faults, drop: 0 };
    await waitFor(() => proxy.answered.length === proxy.requests.length, "all to be answered");
    const answered = receiptAnswers();
    proxy.cutAll();
    await waitFor(() => window.items.at(-1)?.state === "persisted", "it to be persisted", 20_000);
    // Who comes back asks for receipts, which may be later than that, and would hear of the reading then.
    await waitFor(() => receiptAnswers() > answered, "the receipts of before", 10_000);
    proxy.faults = { ...proxy.faults, drop: 1 };
    await receiver.start();
    await online(receiver);
    await receiver.markRead(conversationId);
    const dropped = proxy.counted.dropped;
    await waitFor(() => proxy.counted.dropped > dropped, "the receipt to be lost");
    await waitFor(async () => {
      const { items } = await sender.call("conversation.receipts", { conversationId });
      return items.some(({ readSeq }) => readSeq === 2);
    });
    expect(window.items.at(-1)?.state).toBe("persisted");
    proxy.faults = { ...proxy.faults, drop: 0 };
    proxy.cutAll();
    await waitFor(() => window.items.at(-1)?.state === "read", "it to be read", 20_000);
  });

  it("whose answer was lost is there once", async () => {
    await using proxy = await FaultyProxy.start(world.url);
    const [sender, receiver] = [await world.newcomer({ url: proxy.url }), await world.newcomer()];
    const conversationId = await befriend(sender, receiver);
    const window = await liveWindow(sender, conversationId);
    let lost = 0;
    const sent: string[] = [];
    proxy.fromClient = (frame) => {
      if (eventOf(frame)?.name === "message:send") sent.push(frame);
      return frame;
    };
    proxy.fromServer = (frame, connection) => {
      if (!frame.startsWith("43") || !frame.includes('"messageId"') || lost === 2) return frame;
      lost++;
      connection.cut();
      return null;
    };
    const states = statesOf(window, await sender.send({ conversationId, content: { text: "once" } }));
    await waitFor(() => states.includes("persisted"), "the server's word", 20_000);
    expect(sent.length).toBeGreaterThan(1);
    expect(lost).toBe(2);
    expect(await textsWhen(receiver, conversationId, 1)).toEqual(["once"]);
    expect(window.items).toHaveLength(1);
  });

  it("that was refused has failed with the server's code, and the rest goes on", async () => {
    const [sender, receiver] = [await world.newcomer(), await world.newcomer()];
    const conversationId = await befriend(sender, receiver);
    const failed: LocalMessage[] = [];
    sender.on("failed", (message) => failed.push(message));
    const window = await liveWindow(sender, conversationId);
    const large = await sender.send({ conversationId, content: { text: "x".repeat(9_000) } });
    await sender.send({ conversationId, content: { text: "small" } });
    expect(await textsWhen(receiver, conversationId, 1)).toEqual(["small"]);
    expect(failed).toMatchObject([{ key: large.key, state: "failed", failure: { code: 3014 } }]);
    await waitFor(() => window.items[0]?.seq === 1, "the answer");
    expect(window.items).toHaveLength(2);
    expect(window.items.map(({ state }) => state).at(-1)).toBe("failed");
    await sender.discard(large.clientMsgId);
    expect(window.items).toHaveLength(1);

    await receiver.call("friend.block", { userId: sender.me!.userId });
    await sender.send({ conversationId, content: { text: "blocked" } });
    await waitFor(() => failed.length === 2, "the refusal");
    await sender.call("friend.block", { userId: receiver.me!.userId });
    await sender.send({ conversationId, content: { text: "blocking" } });
    await waitFor(() => failed.length === 3, "the refusal");
    expect(failed.slice(1).map(({ failure }) => failure?.code)).toEqual([3002, 3003]);
  });

  it("to a group where one is muted fails, can be tried again, and goes to the end then", async () => {
    const [owner, member, other] = [await world.newcomer(), await world.newcomer(), await world.newcomer()];
    const conversationId = await makeGroup(owner, [member, other]);
    const groupId = conversationId.slice(2);
    const before = owner.conversation(conversationId)!.maxSeq;
    await owner.call("group.muteAll", { groupId, all: true });
    const failed: LocalMessage[] = [];
    member.on("failed", (message) => failed.push(message));
    const silenced = await member.send({ conversationId, content: { text: "silenced" } });
    await waitFor(() => failed.length === 1, "the refusal");
    expect(failed[0]!.failure?.code).toBe(3007);
    await owner.call("group.muteAll", { groupId, all: false });
    await member.send({ conversationId, content: { text: "heard" } });
    await waitFor(async () => (await textsOf(owner, conversationId)).includes("heard"));
    await member.retry(silenced.clientMsgId);
    await waitFor(async () => (await textsOf(owner, conversationId)).length === 2);
    expect(await textsOf(owner, conversationId)).toEqual(["heard", "silenced"]);
    expect(owner.conversation(conversationId)!.maxSeq).toBeGreaterThan(before);
    const window = await liveWindow(member, conversationId);
    expect(window.items.filter(({ key }) => key === silenced.key)).toHaveLength(1);
  });

  it("waits as long as the server asks, whatever else is sent and however often the connection comes back", async () => {
    await using proxy = await FaultyProxy.start(world.url);
    const [sender, receiver] = [await world.newcomer({ url: proxy.url }), await world.newcomer()];
    const conversationId = await befriend(sender, receiver);
    const at: number[] = [];
    proxy.fromClient = (frame, { toClient }) => {
      const event = eventOf(frame);
      if (event?.name !== "message:send") return frame;
      at.push(performance.now());
      if (at.length > 1) return frame;
      const data = { retryable: true, retryAfterMs: 2_000 };
      toClient(`43${event.id}${JSON.stringify([{ code: 9005, message: "too fast", data }])}`);
      return null;
    };
    await sender.send({ conversationId, content: { text: "one" } });
    await waitFor(() => at.length === 1);
    await sender.send({ conversationId, content: { text: "two" } });
    proxy.cutAll();
    await waitFor(() => sender.connection.state !== "online");
    sender.reconnect();
    await online(sender);
    await sender.send({ conversationId, content: { text: "three" } });
    expect(await textsWhen(receiver, conversationId, 3)).toEqual(["one", "two", "three"]);
    expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(1_990);
  });
});

describe("what is on its way", LIMIT, () => {
  it("survives the client and the server: all arrive once, in order", async () => {
    await using own = await startWorld();
    await using folder = await temporaryFolder();
    const file = path.join(folder.path, "im.log");
    const [first, receiver] = [await own.newcomer({ store: fileStore(file) }), await own.newcomer()];
    const conversationId = await befriend(first, receiver);
    await waitFor(() => first.conversation(conversationId));
    const wanted = Array.from({ length: 12 }, (_, index) => `message ${index}`);
    const send = async (client: ImClient, from: number, to: number): Promise<void> => {
      for (const text of wanted.slice(from, to)) await client.send({ conversationId, content: { text } });
    };
    await send(first, 0, 3);
    await own.kill();
    await send(first, 3, 6);
    await first.stop();
    const second = own.client({ store: fileStore(file) });
    await second.start();
    expect(second.conversation(conversationId)?.lastMessage).toMatchObject({ content: { text: "message 5" }, state: "sending" });
    await send(second, 6, 8);
    await own.restart();
    await send(second, 8, 10);
    await own.kill();
    await own.restart();
    for (const client of [second, receiver]) client.reconnect(); // or they come later, as their tries have failed more often
    await send(second, 10, 12);
    expect(await textsWhen(receiver, conversationId, 12)).toEqual(wanted);
    await waitFor(async () => (await allMessages(second, conversationId)).every(({ seq }) => seq !== null), "no more waiting");
    expect(await textsOf(second, conversationId)).toEqual(wanted);
  });

  it("keeps the order of 50 that are sent at one time, in each of two conversations", async () => {
    const [sender, a, b] = [await world.newcomer(), await world.newcomer(), await world.newcomer()];
    const conversations = [await befriend(sender, a), await befriend(sender, b)];
    const wanted = Array.from({ length: 50 }, (_, index) => String(index));
    await Promise.all(
      wanted.flatMap((text) => conversations.map((conversationId) => sender.send({ conversationId, content: { text } }))),
    );
    expect(await textsWhen(a, conversations[0]!, 50)).toEqual(wanted);
    expect(await textsWhen(b, conversations[1]!, 50)).toEqual(wanted);
    await waitFor(async () => (await allMessages(sender, conversations[0]!)).every(({ seq }) => seq !== null));
    expect(await textsOf(sender, conversations[0]!)).toEqual(wanted);
  });

  it("is nowhere when the store refuses it", async () => {
    const { store, refuse } = moody();
    const [sender, receiver] = [await world.newcomer({ store }), await world.newcomer()];
    const conversationId = await befriend(sender, receiver);
    const window = await liveWindow(sender, conversationId);
    refuse.all = true;
    await expect(sender.send({ conversationId, content: { text: "no room" } })).rejects.toThrow("no room left");
    expect(window.items).toEqual([]);
    expect(sender.conversation(conversationId)?.lastMessage).toBeNull();
    refuse.all = false;
    await sender.send({ conversationId, content: { text: "room" } });
    expect(await textsWhen(receiver, conversationId, 1)).toEqual(["room"]);
  });

  it("does not stay there for ever when the store refuses once what the server answered", async () => {
    const { store, refuse } = moody();
    const [sender, receiver] = [await world.newcomer({ store }), await world.newcomer()];
    const conversationId = await befriend(sender, receiver);
    const window = await liveWindow(sender, conversationId);
    refuse.messages = 2;
    await sender.send({ conversationId, content: { text: "kept at last" } });
    await waitFor(() => window.items.at(-1)?.seq === 1, "the answer to be kept", 10_000);
    expect(refuse.messages).toBe(0);
    expect(await textsWhen(receiver, conversationId, 1)).toEqual(["kept at last"]);
    expect(await store.list("outbox")).toEqual([]);
  });
});
