import { afterAll, describe, expect, it } from "vitest";
import { memoryStore, type ImClient } from "../src/index.ts";
import { FaultyProxy } from "./support/faulty-proxy.ts";
import { befriend, makeGroup, online, sharedWorld, waitFor } from "./support/world.ts";

const LIMIT = { timeout: 60_000 };

const world = await sharedWorld();
afterAll(() => world[Symbol.asyncDispose]());

const ids = (client: ImClient): string[] => client.conversations.map(({ conversationId }) => conversationId);

/** Somebody writes to a person, who is to have it. */
async function write(from: ImClient, to: ImClient, conversationId: string, text: string): Promise<void> {
  await from.send({ conversationId, content: { text } });
  await waitFor(() => to.conversation(conversationId)?.lastMessage?.content["text"] === text, `"${text}" to come`);
}

/** Somebody with two devices, and three friends with whom they talk, the last one last. */
async function circle() {
  const me = await world.newcomer();
  const friends = [await world.newcomer(), await world.newcomer(), await world.newcomer()];
  const [a, b, c] = (await Promise.all(friends.map((friend) => befriend(me, friend)))) as [string, string, string];
  for (const [index, friend] of friends.entries()) await write(friend, me, [a, b, c][index]!, `hello ${index}`);
  const second = await world.deviceOf(me);
  return { me, second, friends, a, b, c };
}

describe("the list of conversations", LIMIT, () => {
  it("has pinned ones first and then the newest, without hidden ones until something is said there", async () => {
    const { me, second, friends, a, b, c } = await circle();
    expect(ids(me)).toEqual([c, b, a]);
    expect(ids(second)).toEqual([c, b, a]);
    await me.updateConversation(a, { pinned: true, muted: true });
    expect(ids(me)).toEqual([a, c, b]);
    await waitFor(() => ids(second)[0] === a, "the pin on the other device");
    expect(second.conversation(a)).toMatchObject({ pinned: true, muted: true });
    await second.updateConversation(c, { hidden: true });
    expect(ids(second)).toEqual([a, b]);
    await waitFor(() => ids(me).length === 2, "it to be hidden on the other device");
    expect(me.conversation(c)).toMatchObject({ hidden: true });
    await write(friends[2]!, me, c, "again");
    expect(ids(me)).toEqual([a, c, b]);
    await waitFor(() => ids(second).length === 3, "it to be back on the other device");
    await me.updateConversation(a, { pinned: false });
    await write(friends[1]!, me, b, "news");
    expect(ids(me)).toEqual([b, c, a]);
  });

  it("shows what is on its way as the last message, and a conversation with nothing in it once it has a draft", async () => {
    const [me, friend] = [await world.newcomer(), await world.newcomer()];
    const conversationId = await befriend(me, friend);
    expect(ids(me)).toEqual([]);
    await me.updateConversation(conversationId, { draft: "perhaps" });
    expect(me.conversations).toMatchObject([{ conversationId, draft: "perhaps", lastMessage: null }]);
    const other = await world.deviceOf(me);
    await waitFor(() => other.conversation(conversationId)?.draft === "perhaps", "the draft on the other device", 10_000);
    await me.updateConversation(conversationId, { draft: "" });
    await waitFor(() => other.conversation(conversationId)?.draft === "", "its end", 10_000);
    const { key } = await me.send({ conversationId, content: { text: "said" } });
    expect(me.conversation(conversationId)!.lastMessage).toMatchObject({ key, state: "sending" });
    await waitFor(() => me.conversation(conversationId)!.lastMessage?.seq === 1);
    expect(me.conversation(conversationId)!.lastMessage).toMatchObject({ key });
  });

  it("tells which conversations changed, and each new message of others once", async () => {
    const [me, friend] = [await world.newcomer(), await world.newcomer()];
    const conversationId = await befriend(me, friend);
    const changed = new Set<string>();
    const news: unknown[] = [];
    me.on("conversations", (payload) => payload.changed.forEach((id) => changed.add(id)));
    me.on("message", ({ content }) => news.push(content["text"]));
    await write(friend, me, conversationId, "one");
    await me.send({ conversationId, content: { text: "mine" } });
    await me.stop();
    for (const text of ["two", "three"]) await friend.send({ conversationId, content: { text } });
    await waitFor(() => friend.conversation(conversationId)?.maxSeq === 4);
    await me.start();
    await waitFor(() => news.length === 3, "the news");
    expect(news).toEqual(["one", "two", "three"]);
    expect([...changed]).toEqual([conversationId]);
    const fresh = world.client();
    const history: unknown[] = [];
    fresh.on("message", ({ content }) => history.push(content["text"]));
    await fresh.start();
    const { username } = me.me!;
    await fresh.signIn({ username, password: "lantern-quartz-42" });
    await online(fresh);
    expect(fresh.conversation(conversationId)?.maxSeq).toBe(4);
    expect(history).toEqual([]);
  });
});

describe("what is unread", LIMIT, () => {
  it("is counted, with mentions, until it is read on any device, recalled or deleted", async () => {
    const [me, friend, third] = [await world.newcomer(), await world.newcomer(), await world.newcomer()];
    const conversationId = await makeGroup(friend, [me, third]);
    await me.markRead(conversationId);
    await waitFor(() => me.conversation(conversationId)?.unread === 0);
    const second = await world.deviceOf(me);
    const both = [me, second];
    const state = () => both.map((client) => client.conversation(conversationId)!);
    await write(friend, me, conversationId, "one");
    const mention = { conversationId, content: { text: "you" }, mentions: [me.me!.userId] };
    const sent = await friend.send(mention);
    await write(friend, me, conversationId, "three");
    await waitFor(() => state().every(({ unread, mentioned }) => unread === 3 && mentioned), "three and a mention");
    const window = friend.messages(conversationId);
    await window.loadLatest();
    const mentioning = window.items.find(({ key }) => key === sent.key)!;
    await friend.recall(mentioning.messageId!);
    await waitFor(() => state().every(({ unread, mentioned }) => unread === 2 && !mentioned), "one less, and no mention");
    await second.markRead(conversationId);
    expect(second.conversation(conversationId)!.unread).toBe(0);
    await waitFor(() => me.conversation(conversationId)!.unread === 0, "it to be read on the other device");
    await write(third, me, conversationId, "four");
    await waitFor(() => state().every(({ unread }) => unread === 1));
    const last = me.conversation(conversationId)!.lastMessage!;
    await me.deleteForMe(last.messageId!);
    await waitFor(
      () => state().every(({ unread, lastMessage }) => unread === 0 && lastMessage?.seq !== last.seq),
      "it to be gone",
    );
    await me.send({ conversationId, content: { text: "mine" } });
    await waitFor(() => state().every(({ unread, lastMessage }) => unread === 0 && lastMessage?.content["text"] === "mine"));
  });

  it("in part stays unread behind the place that was read", async () => {
    const [me, friend] = [await world.newcomer(), await world.newcomer()];
    const conversationId = await befriend(me, friend);
    for (const text of ["1", "2", "3", "4"]) await write(friend, me, conversationId, text);
    await me.markRead(conversationId, 2);
    expect(me.conversation(conversationId)).toMatchObject({ unread: 2, readSeq: 2 });
    await me.markRead(conversationId, 1);
    expect(me.conversation(conversationId)!.readSeq).toBe(2);
    const { items } = await waitFor(async () => {
      const receipts = await friend.call("conversation.receipts", { conversationId });
      return receipts.items.some(({ userId, readSeq }) => userId === me.me!.userId && readSeq === 2) ? receipts : null;
    }, "the friend to know");
    expect(items).toHaveLength(1);
  });
});

describe("a group", LIMIT, () => {
  it("that was left can be read and is followed no more, until one comes back", async () => {
    const [owner, member, other] = [await world.newcomer(), await world.newcomer(), await world.newcomer()];
    const conversationId = await makeGroup(owner, [member, other]);
    const groupId = conversationId.slice(2);
    await write(owner, member, conversationId, "before");
    const second = await world.deviceOf(member, { store: memoryStore() });
    const both = [member, second];
    await waitFor(() => both.every((client) => client.groups.length === 1), "the group in the rosters");
    await owner.call("group.removeMember", { groupId, userId: member.me!.userId });
    await waitFor(() => both.every((client) => client.conversation(conversationId)?.active === false), "both to be out", 10_000);
    await waitFor(() => both.every((client) => client.groups.length === 0), "the group to leave the rosters", 10_000);
    await write(owner, other, conversationId, "behind the back");
    const window = member.messages(conversationId);
    await window.loadLatest();
    expect(window.items.map(({ content }) => content["text"])).toContain("before");
    expect(window.items.map(({ content }) => content["text"])).not.toContain("behind the back");
    const failed: number[] = [];
    member.on("failed", ({ failure }) => failed.push(failure!.code));
    await member.send({ conversationId, content: { text: "from outside" } });
    await waitFor(() => failed.length === 1, "the refusal");
    expect(failed).toEqual([4001]);
    expect(member.conversation(conversationId)!.lastMessage).toMatchObject({
      content: { text: "from outside" },
      state: "failed",
    });
    await owner.call("group.invite", { groupId, userIds: [member.me!.userId] });
    await waitFor(() => both.every((client) => client.conversation(conversationId)?.active === true), "both to be back", 10_000);
    await write(owner, member, conversationId, "welcome back");
    await waitFor(() => both.every((client) => client.groups.length === 1), "the group to be back", 10_000);
    expect(window.items.map(({ content }) => content["text"])).not.toContain("behind the back");
  });

  it("is renamed in the roster and in the list, and who leaves it oneself is out", async () => {
    const [owner, member] = [await world.newcomer(), await world.newcomer()];
    const conversationId = await makeGroup(owner, [member]);
    const groupId = conversationId.slice(2);
    const changed: string[] = [];
    member.on("group", (payload) => changed.push(payload.groupId));
    await owner.call("group.update", { groupId, name: "Renamed" });
    await waitFor(() => member.groups[0]?.name === "Renamed", "the roster", 10_000);
    await waitFor(() => member.conversation(conversationId)?.group?.name === "Renamed", "the list", 10_000);
    await waitFor(() => changed.includes(groupId), "the event", 10_000);
    await member.call("group.removeMember", { groupId, userId: member.me!.userId });
    await waitFor(() => member.conversation(conversationId)?.active === false, "to be out", 10_000);
  });
});

describe("friends", LIMIT, () => {
  it("come, are renamed, and go, in the roster and in the list", async () => {
    const [me, friend] = [await world.newcomer(), await world.newcomer()];
    let requests = 0;
    friend.on("requests", () => requests++);
    const conversationId = await befriend(me, friend);
    await waitFor(() => me.friends.length === 1 && friend.friends.length === 1, "both to have a friend", 10_000);
    expect(requests).toBeGreaterThan(0);
    await write(friend, me, conversationId, "hi");
    await friend.call("user.updateProfile", { nickname: "Renamed" });
    await waitFor(() => me.friends[0]?.user.nickname === "Renamed", "the roster", 10_000);
    expect(me.conversation(conversationId)?.peer?.nickname).toBe("Renamed");
    await waitFor(() => friend.me!.nickname === "Renamed", "their own profile");
    await me.call("friend.remove", { userId: friend.me!.userId });
    await waitFor(() => me.friends.length === 0 && friend.friends.length === 0, "nobody to have a friend", 10_000);
    expect(me.conversation(conversationId)).not.toBeNull();
  });

  it("come though the answer that names them was lost", async () => {
    await using proxy = await FaultyProxy.start(world.url);
    const [me, friend] = [await world.newcomer({ url: proxy.url }), await world.newcomer()];
    let lost = 0;
    proxy.onAnswer = (asked) => !asked.includes("GET /api/v1/social/friends") || ++lost > 2;
    await befriend(me, friend);
    await waitFor(() => me.friends.length === 1, "the friend", 15_000);
    expect(lost).toBeGreaterThan(2);
    expect(me.connection.state).toBe("online");
  });
});
