import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Conversation, Message } from "../../contracts/entities.ts";
import { dataOf } from "../support/client.ts";
import { holdMessages } from "../support/faults.ts";
import { addToGroup, befriend, buildGroup, buildUser, startIm, text, type Im, type TestUser } from "../support/im.ts";
import { intercept } from "../support/intercept.ts";
import { waitFor } from "../support/wait.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

const SECRET = "said before they came";

type Sent = Pick<Message, "messageId" | "seq">;
const send = (from: TestUser, conversationId: string, words: string, replyTo?: string): Promise<Sent> =>
  dataOf(from.rest.post("/messages", text(conversationId, words, replyTo === undefined ? {} : { replyTo })));
const historyOf = async (user: TestUser, conversationId: string): Promise<Message[]> =>
  (await dataOf(user.rest.get<{ items: Message[] }>(`/messages/conversations/${conversationId}/history?limit=100`))).items;
const shown = async (user: TestUser, conversationId: string, { messageId }: Sent): Promise<Message> => {
  const found = (await historyOf(user, conversationId)).find((message) => message.messageId === messageId);
  assert.ok(found);
  return found;
};

/** A group of two in which something was said. */
async function group(more: { historyVisible?: boolean } = {}) {
  const [owner, member, newcomer] = [await buildUser(im), await buildUser(im), await buildUser(im)];
  const { groupId, conversationId } = await buildGroup(im, owner, [member], more);
  const said = await send(member, conversationId, SECRET);
  const { messageId, seq } = said;
  const quote = { messageId, seq, senderId: member.userId, type: "text" };
  return {
    owner,
    member,
    newcomer,
    groupId,
    conversationId,
    said,
    withWords: { ...quote, preview: SECRET },
    withheld: { ...quote, preview: "", withheld: true },
  };
}

describe("the words of a message that is quoted", () => {
  it("are in no answer to those who came after it, and in all to those who can see it", async () => {
    const { owner, member, newcomer, groupId, conversationId, said, withWords, withheld } = await group();
    await addToGroup(im, owner, groupId, [newcomer]);
    const reply = await send(owner, conversationId, "indeed", said.messageId);
    assert.deepEqual((await shown(member, conversationId, reply)).replyTo, withWords);
    assert.deepEqual((await shown(newcomer, conversationId, reply)).replyTo, withheld);
    for (const who of [member, newcomer]) {
      const { items } = await dataOf(who.rest.get<{ items: Conversation[] }>("/social/conversations"));
      assert.deepEqual(items[0]?.lastMessage?.replyTo, who === member ? withWords : withheld);
      const reacted = await dataOf(who.rest.post<Message>(`/messages/${reply.messageId}/reactions`, { emoji: "👍" }));
      assert.deepEqual(reacted.replyTo, who === member ? withWords : withheld);
    }
    const own = await send(newcomer, conversationId, "what was it?", reply.messageId);
    assert.equal((await shown(newcomer, conversationId, own)).replyTo?.preview, "indeed");
    for (const path of [
      `/messages/conversations/${conversationId}/history?aroundSeq=${reply.seq}`,
      "/social/conversations",
      "/users/me/export",
    ])
      assert.doesNotMatch(JSON.stringify((await newcomer.rest.get(path)).data), new RegExp(SECRET), path);
  });

  it("are shown to newcomers where they see the whole history", async () => {
    const { owner, newcomer, groupId, conversationId, said, withWords } = await group({ historyVisible: true });
    await using client = await im.connect({ token: newcomer.token });
    await addToGroup(im, owner, groupId, [newcomer]);
    const reply = await send(owner, conversationId, "indeed", said.messageId);
    assert.deepEqual((await shown(newcomer, conversationId, reply)).replyTo, withWords);
    const pushed = await client.next<Message>("message:new", ({ messageId }) => messageId === reply.messageId);
    assert.deepEqual(pushed.replyTo, withWords);
  });

  it("are withheld from who has cleared them away, in a direct conversation too", async () => {
    const [a, b] = [await buildUser(im), await buildUser(im)];
    const conversationId = await befriend(im, a, b);
    const said = await send(a, conversationId, SECRET);
    await dataOf(b.rest.delete(`/social/conversations/${conversationId}/messages`));
    const reply = await send(a, conversationId, "as I said", said.messageId);
    assert.equal((await shown(a, conversationId, reply)).replyTo?.preview, SECRET);
    assert.deepEqual((await shown(b, conversationId, reply)).replyTo?.withheld, true);
  });

  it("are pushed while everybody can see them, and to nobody once somebody cannot", async () => {
    const { owner, member, newcomer, groupId, conversationId, said, withWords, withheld } = await group();
    await using ofMember = await im.connect({ token: member.token });
    await using ofNewcomer = await im.connect({ token: newcomer.token });
    const first = await send(owner, conversationId, "indeed", said.messageId);
    const isOf =
      ({ messageId }: Sent) =>
      (message: Message): boolean =>
        message.messageId === messageId;
    assert.deepEqual((await ofMember.next<Message>("message:new", isOf(first))).replyTo, withWords);
    await addToGroup(im, owner, groupId, [newcomer]);
    const second = await send(owner, conversationId, "indeed, indeed", said.messageId);
    for (const client of [ofMember, ofNewcomer])
      assert.deepEqual((await client.next<Message>("message:new", isOf(second))).replyTo, withheld);
    const react = (to: Sent) => dataOf(member.rest.post(`/messages/${to.messageId}/reactions`, { emoji: "👍" }));
    await react(second);
    for (const client of [ofMember, ofNewcomer])
      assert.deepEqual((await client.next<Message>("message:updated", isOf(second))).replyTo, withheld);
    await react(first);
    assert.deepEqual((await ofMember.next<Message>("message:updated", isOf(first))).replyTo, withWords);
    assert.doesNotMatch(JSON.stringify(ofNewcomer.received), new RegExp(SECRET));
  });

  it("are not pushed to somebody who comes while the quote is on its way", async () => {
    const { owner, member, newcomer, groupId, conversationId, said } = await group();
    await using ofNewcomer = await im.connect({ token: newcomer.token });
    await newcomer.rest.put(`/social/whitelist/${owner.userId}`);
    const hold = holdMessages(im.sql);
    const quoting = send(member, conversationId, "indeed", said.messageId);
    await hold.held;
    let isInRoom = false;
    const end = intercept(im.broker, "socket.join", async (proceed) => {
      await proceed();
      isInRoom = true;
    });
    const joining = addToGroup(im, owner, groupId, [newcomer]);
    await waitFor(() => isInRoom, "the newcomer to be in the room");
    end();
    hold.release();
    const { messageId } = await quoting;
    await joining;
    const pushed = await ofNewcomer.next<Message>("message:new", (message) => message.messageId === messageId);
    assert.equal(pushed.replyTo?.withheld, true);
    assert.doesNotMatch(JSON.stringify(ofNewcomer.received), new RegExp(SECRET));
  });

  it("are pushed as they are at that time: not when they were recalled while the quote was on its way", async () => {
    const { owner, member, conversationId, said } = await group();
    await using client = await im.connect({ token: owner.token });
    const hold = holdMessages(im.sql);
    const quoting = send(member, conversationId, "indeed", said.messageId);
    await hold.held;
    await dataOf(member.rest.post(`/messages/${said.messageId}/recall`));
    hold.release();
    const { messageId } = await quoting;
    const pushed = await client.next<Message>("message:new", (message) => message.messageId === messageId);
    assert.deepEqual([pushed.replyTo?.messageId, pushed.replyTo?.preview], [said.messageId, ""]);
  });

  it("do not travel with the message that quotes them", async () => {
    const { owner, conversationId, said } = await group();
    const { messageId } = await send(owner, conversationId, "indeed", said.messageId);
    const found = await im.hot.conversations.find(messageId);
    assert.doesNotMatch(JSON.stringify(found), new RegExp(SECRET));
  });
});

describe("a message that quotes another", () => {
  it("is pushed in its place among those of its conversation, however long the look-up takes", async () => {
    const { owner, member, conversationId, said } = await group();
    await using client = await im.connect({ token: member.token });
    const gate = Promise.withResolvers<void>();
    const end = intercept(im.broker, "conversation.blindTo", async (proceed) => {
      await gate.promise;
      return proceed();
    });
    const sent = [
      await send(owner, conversationId, "before"),
      await send(owner, conversationId, "quote", said.messageId),
      await send(owner, conversationId, "behind"),
    ];
    end();
    gate.resolve();
    for (const { seq } of sent) assert.equal((await client.next<Message>("message:new")).seq, seq);
  });

  it("is pushed without words when it cannot be found out who may see them", async () => {
    const { owner, member, conversationId, said, withheld } = await group();
    await using client = await im.connect({ token: member.token });
    const end = intercept(im.broker, "conversation.blindTo", () => Promise.reject(new Error("away")));
    await send(owner, conversationId, "quote", said.messageId);
    assert.deepEqual((await client.next<Message>("message:new")).replyTo, withheld);
    end();
  });
});
