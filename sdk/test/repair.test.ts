import { describe, expect, it } from "vitest";
import { memoryStore, type ImClient } from "../src/index.ts";
import { FaultyProxy } from "./support/faulty-proxy.ts";
import { seededRandom } from "./support/random.ts";
import { allMessages, befriend, makeGroup, online, pictureOf, sharedWorld, waitFor } from "./support/world.ts";

const SEED = 7;
const STEPS = 250;
const FAULTS = { drop: 0.15, double: 0.15, swap: 0.15, cut: 0.03 };

describe("a client whose pushes are lost, doubled and swapped, and whose connection is cut", () => {
  it(`ends with the server's picture, and has sent each message once (seed ${SEED})`, { timeout: 120_000 }, async () => {
    await using world = await sharedWorld();
    const random = seededRandom(SEED);
    await using proxy = await FaultyProxy.start(world.url, random);
    const store = memoryStore();
    const victim = await world.newcomer({ url: proxy.url, store });
    const news: string[] = [];
    victim.on("message", ({ conversationId, seq }) => news.push(`${conversationId} ${seq}`));
    const others = [await world.newcomer(), await world.newcomer(), await world.newcomer()];
    const direct = await Promise.all(others.map((other) => befriend(victim, other)));
    const group = await makeGroup(victim, others);
    const conversations = [...direct, group];
    const second = await world.deviceOf(victim);

    proxy.faults = { ...FAULTS };
    const sent: string[] = [];
    const hasHappened = (): boolean => Math.min(...Object.values(proxy.counted)) > 0;
    for (let step = 0; step < STEPS || !hasHappened(); step++) {
      if (step >= STEPS) victim.reconnect(); // it was away for most of the steps
      await act({ random, step, victim, second, others, conversations, group, sent });
      if (random() < 0.02) proxy.cutAll();
    }
    proxy.faults = { drop: 0, double: 0, swap: 0, cut: 0 };
    // It may be back before anybody looks.
    let isCutSeen = victim.connection.state !== "online";
    victim.on("connection", ({ state }) => (isCutSeen ||= state !== "online"));
    proxy.cutAll();
    victim.reconnect();
    await waitFor(() => isCutSeen, "the cut to be seen");
    await online(victim);
    await waitFor(
      async () => (await Promise.all(conversations.map((id) => unsent(victim, id)))).every((count) => count === 0),
      "everything to be sent",
      30_000,
    );
    await expect
      .poll(
        async () => {
          const fresh = await world.deviceOf(victim, { store: memoryStore() });
          const [mine, theirs] = [await pictureOf(victim), await pictureOf(fresh)];
          await fresh.signOut();
          return [mine, theirs];
        },
        { timeout: 30_000, interval: 500 },
      )
      .toSatisfy(([mine, theirs]) => {
        expect(mine).toEqual(theirs);
        return true;
      });
    // Of those who deleted nothing.
    const readers = [...direct.map((id, index) => [id, others[index]!] as const), [group, others[0]!] as const];
    const receivedIds = async (): Promise<string[]> => {
      const received = (await Promise.all(readers.map(([id, reader]) => allMessages(reader, id)))).flat();
      return received.map(({ clientMsgId }) => clientMsgId).filter((id) => sent.includes(id));
    };
    await waitFor(async () => new Set(await receivedIds()).size === sent.length, "the others to have all", 20_000);
    expect((await receivedIds()).toSorted()).toEqual(sent.toSorted());
    expect(news.length).toBe(new Set(news).size);
    expect(hasHappened()).toBe(true);
  });

  it("keeps the order in which messages were sent, whatever is cut", { timeout: 60_000 }, async () => {
    await using world = await sharedWorld();
    const random = seededRandom(SEED + 1);
    await using proxy = await FaultyProxy.start(world.url, random);
    const [sender, receiver] = [await world.newcomer({ url: proxy.url }), await world.newcomer()];
    const conversationId = await befriend(sender, receiver);
    proxy.faults = { drop: 0, double: 0, swap: 0, cut: 0.2 };
    const wanted = Array.from({ length: 40 }, (_, index) => String(index));
    await Promise.all(wanted.map((text) => sender.send({ conversationId, content: { text } })));
    await waitFor(
      () => {
        sender.reconnect();
        return receiver.conversation(conversationId)?.maxSeq === wanted.length;
      },
      "all to be received",
      50_000,
    );
    const texts = (await allMessages(receiver, conversationId)).map(({ content }) => content["text"]);
    expect(texts).toEqual(wanted);
    expect(proxy.counted.cut).toBeGreaterThan(3);
  });
});

async function unsent(client: ImClient, conversationId: string): Promise<number> {
  return (await allMessages(client, conversationId)).filter(({ state }) => state === "sending" || state === "failed").length;
}

interface Stage {
  readonly random: () => number;
  readonly step: number;
  readonly victim: ImClient;
  /** Another device of the same user. */
  readonly second: ImClient;
  readonly others: readonly ImClient[];
  readonly conversations: readonly string[];
  readonly group: string;
  /** What the victim has sent. */
  readonly sent: string[];
}

/** One thing that somebody does. What the rules refuse is refused. */
async function act(stage: Stage): Promise<void> {
  const { random, step, victim, second, others, conversations, group, sent } = stage;
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const conversationId = pick(conversations);
  const index = conversations.indexOf(conversationId);
  const other = conversationId === group ? pick(others) : others[index]!;
  const theirs = async () => pick(await newestOf(other, conversationId));
  const deeds: (() => Promise<unknown>)[] = [
    ...Array<() => Promise<unknown>>(6).fill(() => other.send({ conversationId, content: { text: `theirs ${step}` } })),
    ...Array<() => Promise<unknown>>(4).fill(async () => {
      const { clientMsgId } = await victim.send({ conversationId, content: { text: `mine ${step}` } });
      sent.push(clientMsgId);
    }),
    () => second.send({ conversationId, content: { text: `from my other device ${step}` } }),
    async () => {
      const quoted = await theirs();
      if (quoted?.messageId)
        await other.send({ conversationId, content: { text: `quoting ${step}` }, replyTo: quoted.messageId });
    },
    async () => {
      const message = await theirs();
      if (message?.messageId && message.senderId === other.me!.userId) await other.edit(message.messageId, `edited ${step}`);
    },
    async () => {
      const message = await theirs();
      if (message?.messageId && message.senderId === other.me!.userId) await other.recall(message.messageId);
    },
    async () => {
      const message = await theirs();
      if (message?.messageId) await other.react(message.messageId, pick(["👍", "🎉"]), random() < 0.3);
    },
    async () => {
      const message = pick(await newestOf(second, conversationId));
      if (message?.messageId)
        await (random() < 0.5 ? second.react(message.messageId, "👀") : second.deleteForMe(message.messageId));
    },
    () => victim.markRead(conversationId),
    () => second.markRead(conversationId),
    () => second.updateConversation(conversationId, { pinned: random() < 0.5, muted: random() < 0.5 }),
    () => victim.call("friend.update", { userId: others[0]!.me!.userId, remark: `remark ${step}` }),
    () => other.call("user.updateProfile", { nickname: `name ${step}` }),
    () => others[0]!.call("group.update", { groupId: group.slice(2), name: `group ${step}` }),
    async () => {
      if (step % 5 === 0) await second.clearConversation(conversationId);
    },
  ];
  await pick(deeds)().catch((error: unknown) => {
    if (!(error instanceof Error) || error.name !== "ImError") throw error;
  });
}

async function newestOf(client: ImClient, conversationId: string) {
  const window = client.messages(conversationId);
  try {
    await window.loadLatest();
    return window.items.slice(-12);
  } finally {
    window.close();
  }
}
