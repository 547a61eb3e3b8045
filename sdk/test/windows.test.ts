import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memoryStore, type ImClient, type MessageWindow } from "../src/index.ts";
import { FaultyProxy } from "./support/faulty-proxy.ts";
import { befriend, makeGroup, sharedWorld, waitFor, type World } from "./support/world.ts";

const LIMIT = { timeout: 90_000 };
const MANY = 1_000;
const AT_ONCE = 50;

let world: World;
let sender: ImClient;
let receiver: ImClient;
/** Has a thousand messages, of which the receiver deleted every hundredth. */
let conversationId: string;

beforeAll(async () => {
  world = await sharedWorld();
  [sender, receiver] = [await world.newcomer(), await world.newcomer()];
  conversationId = await befriend(sender, receiver);
  const send = (text: string): Promise<unknown> =>
    sender.call("message.send", { conversationId, clientMsgId: text.replace(" ", "-"), type: "text", content: { text } });
  for (let sent = 0; sent < MANY; sent += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => send(`message ${sent + index + 1}`)));
  await waitFor(() => receiver.conversation(conversationId)?.maxSeq === MANY, "all to be sent", 60_000);
  for (let seq = 100; seq <= MANY; seq += 100) {
    const { items } = await receiver.call("message.history", { conversationId, aroundSeq: seq, limit: 1 });
    await receiver.deleteForMe((items[0] as { messageId: string }).messageId);
  }
}, 120_000);
afterAll(() => world[Symbol.asyncDispose]());

/** A new device of the receiver, with its window. */
async function fresh(options = {}): Promise<{ client: ImClient; window: MessageWindow }> {
  const client = await world.deviceOf(receiver, options);
  await waitFor(() => client.conversation(conversationId), "the conversation");
  const window = client.messages(conversationId);
  window.onChange(() => checkOrder(window));
  return { client, window };
}

function checkOrder({ items }: MessageWindow): void {
  const seqs = items.map(({ seq }) => seq ?? Infinity);
  expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
}

const seqsOf = ({ items }: MessageWindow): (number | null)[] => items.map(({ seq }) => seq);
const between = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index).filter((seq) => seq % 100 !== 0);

describe("a window on a thousand messages", LIMIT, () => {
  it("goes from the end to the beginning, around what was deleted, and keeps it for when the server is away", async () => {
    await using proxy = await FaultyProxy.start(world.url);
    const store = memoryStore();
    const { client, window } = await fresh({ url: proxy.url, store });
    await window.loadLatest();
    expect(window).toMatchObject({ hasOlder: true, hasNewer: false, loading: null });
    expect(seqsOf(window)).toEqual(between(980, 1_000));
    await window.loadOlder(30);
    expect(seqsOf(window)).toEqual(between(950, 1_000));
    while (window.hasOlder) await window.loadOlder(100);
    expect(seqsOf(window)).toEqual(between(1, 1_000));
    expect(proxy.count("/history?")).toBeLessThan(15);
    await client.stop();

    await proxy[Symbol.asyncDispose]();
    const offline = world.client({ url: proxy.url, store });
    await offline.start();
    const again = offline.messages(conversationId);
    while (again.hasOlder) await again.loadOlder(100);
    expect(seqsOf(again)).toEqual(between(1, 1_000));
    await again.loadAround({ seq: 500 });
    expect(seqsOf(again)).toEqual(between(470, 530));
    await offline.signOut();
  });

  it("jumps into the past, meets the end again, and is live from there", async () => {
    const { client, window } = await fresh();
    await window.loadLatest();
    await window.loadAround({ seq: 300 });
    expect(window).toMatchObject({ hasOlder: true, hasNewer: true });
    expect(seqsOf(window)).toContain(299);
    expect(seqsOf(window)).not.toContain(300);
    const { maxSeq } = client.conversation(conversationId)!;
    await sender.send({ conversationId, content: { text: "while it is away" } });
    await waitFor(() => client.conversation(conversationId)!.maxSeq > maxSeq, "the message");
    expect(seqsOf(window)).not.toContain(maxSeq + 1);
    while (window.hasNewer) await window.loadNewer(100);
    expect(seqsOf(window).at(-1)).toBe(maxSeq + 1);
    await sender.send({ conversationId, content: { text: "live" } });
    await waitFor(() => window.items.at(-1)?.content["text"] === "live", "the next message");
    await window.loadAround({ seq: 1 });
    expect(window).toMatchObject({ hasOlder: false, hasNewer: true });
    await window.loadLatest();
    expect(window.items.at(-1)!.content["text"]).toBe("live");
    await client.signOut();
  });

  it("finds a time, and what was changed or deleted in a stretch that is not kept", async () => {
    const { client, window } = await fresh();
    const { items } = await client.call("message.history", { conversationId, aroundSeq: 555, limit: 1 });
    const found = items[0] as { messageId: string; createdAt: number };
    await window.loadAround({ time: found.createdAt });
    const place = () => window.items.find(({ messageId }) => messageId === found.messageId);
    expect(place()).toBeDefined();
    await sender.edit(found.messageId, "changed");
    await waitFor(() => place()?.content["text"] === "changed", "the change");
    await receiver.deleteForMe(found.messageId);
    await waitFor(() => !place(), "it to go");
    const other = window.items.at(-1)!;
    await client.deleteForMe(other.messageId!);
    expect(window.items).not.toContain(other);
    await client.signOut();
  });

  it("loses and repeats nothing while messages come and pages are loaded", async () => {
    const { client, window } = await fresh();
    await window.loadLatest();
    const before = client.conversation(conversationId)!.maxSeq;
    const sending = Promise.all(
      Array.from({ length: 40 }, (_, index) => sender.send({ conversationId, content: { text: `live ${index}` } })),
    );
    for (let pages = 0; pages < 6; pages++) await window.loadOlder(40);
    await window.loadAround({ seq: before - 10 });
    while (window.hasNewer) await window.loadNewer(7);
    await sending;
    await waitFor(() => client.conversation(conversationId)!.maxSeq === before + 40, "all to come", 20_000);
    while (window.hasNewer) await window.loadNewer(100);
    await waitFor(() => seqsOf(window).at(-1) === before + 40, "the last one");
    expect(seqsOf(window).filter((seq) => seq! > before)).toEqual(Array.from({ length: 40 }, (_, index) => before + 1 + index));
    await client.signOut();
  });
});

describe("a window", LIMIT, () => {
  it("is empty after its conversation was cleared, follows what comes, and shows nothing of before", async () => {
    const [a, b] = [await world.newcomer(), await world.newcomer()];
    const id = await befriend(a, b);
    for (let index = 0; index < 30; index++) await a.send({ conversationId: id, content: { text: `old ${index}` } });
    await waitFor(() => b.conversation(id)?.maxSeq === 30);
    const second = await world.deviceOf(b);
    const windows = [b, second].map((client) => client.messages(id));
    await Promise.all(windows.map((window) => window.loadLatest()));
    await b.clearConversation(id);
    await waitFor(() => windows.every(({ items, hasOlder }) => items.length === 0 && !hasOlder), "both to be empty");
    await a.send({ conversationId: id, content: { text: "new" } });
    await waitFor(() => windows.every(({ items }) => items.length === 1), "the new one in both");
    for (const window of windows) {
      await window.loadOlder();
      await window.loadAround({ seq: 3 });
      expect(window.items.map(({ content }) => content["text"])).toEqual(["new"]);
      expect(window).toMatchObject({ hasOlder: false, hasNewer: false });
    }
  });

  it("of a group begins where its user came in", async () => {
    const [owner, member] = [await world.newcomer(), await world.newcomer()];
    const id = await makeGroup(owner, [member]);
    for (let index = 0; index < 30; index++) await owner.send({ conversationId: id, content: { text: `before ${index}` } });
    await waitFor(() => member.conversation(id)!.maxSeq >= 30);
    const late = await world.newcomer();
    await late.call("friend.allow", { userId: owner.me!.userId });
    await owner.call("group.invite", { groupId: id.slice(2), userIds: [late.me!.userId] });
    await waitFor(() => late.conversation(id), "the newcomer to have the conversation", 10_000);
    const window = late.messages(id);
    await owner.send({ conversationId: id, content: { text: "welcome" } });
    await waitFor(() => late.conversation(id)?.lastMessage?.content["text"] === "welcome");
    await window.loadLatest();
    while (window.hasOlder) await window.loadOlder();
    expect(window.items.map(({ content }) => content["text"])).not.toContain("before 29");
    expect(window.items.at(-1)!.content["text"]).toBe("welcome");
    await window.loadAround({ seq: 2 });
    expect(window.items.map(({ content }) => content["text"])).not.toContain("before 1");
    expect(window.hasOlder).toBe(false);
  });

  it("has the messages of a thread in their places, and its summary at their root", async () => {
    const [a, b] = [await world.newcomer(), await world.newcomer()];
    const id = await befriend(a, b);
    const window = b.messages(id);
    const own = a.messages(id);
    await Promise.all([window.loadLatest(), own.loadLatest()]);
    await a.send({ conversationId: id, content: { text: "root" } });
    await waitFor(() => window.items.length === 1 && own.items[0]?.messageId, "the root");
    const threadId = window.items[0]!.messageId!;
    await a.send({ conversationId: id, content: { text: "in the thread" }, threadId });
    await a.send({ conversationId: id, content: { text: "an answer" }, replyTo: threadId });
    await a.send({ conversationId: id, content: { text: "outside" } });
    await waitFor(() => window.items.length === 4, "all");
    expect(window.items.map(({ threadId: of }) => of === threadId)).toEqual([false, true, false, false]);
    expect(window.items[2]!.replyTo).toMatchObject({ messageId: threadId, preview: "root" });
    await waitFor(() => own.items.every(({ seq }) => seq !== null), "the sender to have them");
    expect(own.items.map(({ key }) => key)).toEqual(window.items.map(({ key }) => key));
    await waitFor(() => own.items[2]!.replyTo?.preview === "root", "what only the server knows");
  });

  it("of a conversation that nobody knows yet waits for it", async () => {
    const [a, b] = [await world.newcomer(), await world.newcomer()];
    const ids = [a.me!.userId, b.me!.userId].sort((one, other) => (BigInt(one) < BigInt(other) ? -1 : 1));
    const window = b.messages(`d_${ids.join("_")}`);
    await window.loadLatest();
    await window.loadOlder();
    expect(window.items).toEqual([]);
    const id = await befriend(a, b);
    expect(window.conversationId).toBe(id);
    await a.send({ conversationId: id, content: { text: "first" } });
    await waitFor(() => window.items.length === 1, "the first message");
    expect(window.hasNewer).toBe(false);
  });
});
