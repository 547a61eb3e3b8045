import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Params } from "../../contracts/index.ts";
import {
  addToGroup,
  befriend,
  buildGroup,
  buildUser,
  clientMsgId,
  startIm,
  text,
  type Im,
  type TestUser,
} from "../support/im.ts";
import { intercept } from "../support/intercept.ts";
import { waitFor } from "../support/wait.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

const card = (conversationId: string, userId: string): Params<"message.send"> => ({
  conversationId,
  clientMsgId: clientMsgId(),
  type: "card",
  content: { userId },
});

/** Holds up every look-up of the user whom a card names. */
function holdCards(named: string) {
  const gate = Promise.withResolvers<void>();
  let asked = 0;
  const end = intercept(im.broker, "user.activeAmong", async (proceed, { userIds }) => {
    if (!userIds.includes(named)) return proceed();
    asked++;
    await gate.promise;
    return proceed();
  });
  return {
    asked: () => asked,
    release() {
      end();
      gate.resolve();
    },
  };
}

/** A group, and people of whom each is refused there in another way. */
async function crowd() {
  const [owner, member, outsider, removed, muted, named] = (await Promise.all(
    Array.from({ length: 6 }, () => buildUser(im)),
  )) as [TestUser, TestUser, TestUser, TestUser, TestUser, TestUser];
  const { groupId, conversationId } = await buildGroup(im, owner, [member, removed, muted]);
  await owner.rest.delete(`/social/groups/${groupId}/members/${removed.userId}`);
  await owner.rest.put(`/social/groups/${groupId}/members/${muted.userId}`, { mutedUntil: Date.now() + 60_000 });
  return { owner, member, outsider, removed, muted, named, groupId, conversationId };
}

describe("those who may not send into a conversation", () => {
  it("hold up nobody in it, whatever they name that must be looked up", async () => {
    const { member, outsider, removed, muted, named, conversationId } = await crowd();
    const cards = holdCards(named.userId);
    const refused = [outsider, removed, muted].map((who) => who.rest.post("/messages", card(conversationId, named.userId)));
    try {
      await waitFor(() => cards.asked() === 3, "the look-ups");
      assert.equal((await member.rest.post("/messages", text(conversationId))).status, 201);
    } finally {
      cards.release();
    }
    assert.deepEqual(
      (await Promise.all(refused)).map(({ code }) => code),
      [4001, 4001, 3007],
    );
  });

  it("hold up nobody in a direct conversation while they are blocked", async () => {
    const [a, b, named] = [await buildUser(im), await buildUser(im), await buildUser(im)];
    const conversationId = await befriend(im, a, b);
    await a.rest.put(`/social/blacklist/${b.userId}`);
    const cards = holdCards(named.userId);
    const refused = b.rest.post("/messages", card(conversationId, named.userId));
    try {
      await waitFor(() => cards.asked() === 1, "the look-up");
      assert.equal((await a.rest.post("/messages", text(conversationId))).code, 3003);
    } finally {
      cards.release();
    }
    assert.equal((await refused).code, 3002);
  });

  it("learn nothing of what is said there: what they quote, forward or share is all the same", async () => {
    const { owner, outsider, conversationId } = await crowd();
    const { data } = await owner.rest.post<{ messageId: string }>("/messages", text(conversationId));
    const forward = { type: "forward", content: { title: "t", items: [data.messageId] } } as const;
    const attempts = [
      text(conversationId),
      text(conversationId, "x", { replyTo: data.messageId }),
      text(conversationId, "x", { replyTo: "1" }),
      text(conversationId, "x", forward),
      card(conversationId, owner.userId),
      card(conversationId, "1"),
    ];
    await using client = await im.connect({ token: outsider.token });
    for (const attempt of attempts) {
      const { status, code } = await outsider.rest.post("/messages", attempt);
      assert.deepEqual([status, code], [404, 4001]);
      assert.equal((await client.send("message:send", attempt)).code, 4001);
    }
  });

  it("are answered again what they were answered when they still could", async () => {
    const { owner, removed, groupId, conversationId } = await crowd();
    await addToGroup(im, owner, groupId, [removed]);
    const [original, shared] = [text(conversationId), card(conversationId, owner.userId)];
    const { data } = await removed.rest.post<{ messageId: string }>("/messages", original);
    const quoting = text(conversationId, "x", { replyTo: data.messageId });
    const sends = [original, shared, quoting];
    const first = [];
    for (const body of sends) first.push((await removed.rest.post("/messages", body)).data);
    await owner.rest.delete(`/social/groups/${groupId}/members/${removed.userId}`);
    await im.settled();
    for (const [i, body] of sends.entries()) assert.deepEqual((await removed.rest.post("/messages", body)).data, first[i]);
    assert.equal((await removed.rest.post("/messages", { ...quoting, content: { text: "y" } })).code, 3006);
  });
});

describe("those who may send", () => {
  it("keep the order of a connection while their right is asked for and what they name is looked up", async () => {
    const { member, named, conversationId } = await crowd();
    await using client = await im.connect({ token: member.token });
    await im.hot.conversations.invalidateMembers(conversationId);
    const cards = holdCards(named.userId);
    const sends = [
      card(conversationId, named.userId),
      text(conversationId),
      card(conversationId, named.userId),
      text(conversationId),
    ].map((body) => client.ok<{ seq: number }>("message:send", body));
    await waitFor(() => cards.asked() === 2, "the look-ups");
    cards.release();
    const seqs = (await Promise.all(sends)).map(({ seq }) => seq);
    assert.deepEqual(
      seqs,
      seqs.toSorted((a, b) => a - b),
    );
  });
});
