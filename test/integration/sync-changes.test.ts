import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Message } from "../../contracts/entities.ts";
import { clear } from "../support/conversations.ts";
import { addToGroup, buildUser, startIm, type Im } from "../support/im.ts";
import { edit, react, recall, send } from "../support/messages.ts";
import { buildFriends } from "../support/people.ts";
import { idsOf } from "../support/sync-client.ts";
import { syncOn } from "../support/sync-pair.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

const { pull, clientOf, say, settled, buildPair } = syncOn(() => im);

describe("changes of messages while a client was away", () => {
  it("come once for each message and kind, in the newest state, for those that it has and those that it never had", async () => {
    const { a, b, direct } = await buildPair();
    const had = await send(im, a, direct, "old");
    const [gone, shown] = [await send(im, a, direct, "gone"), await send(im, a, direct, "shown")];
    await settled(a);
    const client = clientOf(b);
    await client.sync();
    await edit(im, a, had, "newer");
    await edit(im, a, had, "newest");
    await react(im, a, had, "👍");
    await recall(im, a, gone);
    await im.node.as(b.userId, "message.deleteForMe", { messageId: shown.messageId });
    const never = await send(im, a, direct, "never had");
    await edit(im, a, never, "changed before it came");
    const [answer] = await client.sync();
    assert.deepEqual(
      answer!.changes.map(({ type, messageId, message }) => [type, messageId, message?.content ?? null]),
      [
        ["edited", had.messageId, { text: "newest" }],
        ["reacted", had.messageId, { text: "newest" }],
        ["recalled", gone.messageId, {}],
        ["deleted", shown.messageId, null],
        ["edited", never.messageId, { text: "changed before it came" }],
      ],
    );
    const reacted = answer!.changes[1]!.message;
    assert.deepEqual(reacted?.reactions, [{ emoji: "👍", count: 1, userIds: [a.userId], mine: false }]);
    const { items } = await im.node.as(b.userId, "message.history", { conversationId: direct, limit: 100 });
    assert.deepEqual(client.items(direct), items);
    const [quiet] = await client.sync();
    assert.deepEqual(quiet!.changes, []);
  });

  it("come a page at a time, with the first pages of conversations", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sent = [];
    for (let i = 0; i < 230; i++) sent.push(await send(im, a, conversationId, `words ${i}`));
    const client = clientOf(b);
    await client.sync();
    for (const one of sent) await edit(im, a, one, "changed");
    const pages = await client.sync({ limit: 1 });
    assert.deepEqual(
      pages.map(({ changes }) => changes.length),
      [200, 30],
    );
    assert.deepEqual(
      pages.flatMap(({ changes }) => changes.map(({ messageId }) => messageId)),
      sent.map(({ messageId }) => messageId),
    );
  });

  it("are not those of what somebody else deleted for themselves", async () => {
    const { a, b, direct } = await buildPair();
    const sent = await send(im, a, direct);
    const client = clientOf(b);
    await client.sync();
    await im.node.as(a.userId, "message.deleteForMe", { messageId: sent.messageId });
    const [answer] = await client.sync();
    assert.deepEqual(answer!.changes, []);
    assert.deepEqual((await pull(a, { version: client.version! })).reset, true, "a version of somebody else");
  });
});

describe("members that come and go", () => {
  it("who was removed keeps what they could see, hears that they are out, and of nothing after that", async () => {
    const { a, b, group, groupId } = await buildPair();
    const client = clientOf(b);
    await client.sync();
    await say(a, group, 2);
    await im.node.as(a.userId, "group.removeMember", { groupId, userId: b.userId });
    await im.settled();
    const secret = await send(im, a, group, "after");
    await edit(im, a, secret, "after, changed");
    const [answer] = await client.sync();
    assert.deepEqual([answer!.removed, idsOf([answer!])], [[group], [group]]);
    assert.equal(answer!.conversations[0]!.group, undefined);
    const { maxSeq, items } = answer!.messages[group]!;
    assert.equal((items.at(-1) as Message).content["event"], "member.removed");
    assert.equal(items.at(-1)?.seq, maxSeq);
    assert.ok(!JSON.stringify(answer).includes("after"));
    await say(a, group, 2);
    const [quiet] = await client.sync();
    assert.deepEqual([quiet!.conversations, quiet!.removed, quiet!.changes], [[], [], []]);
    const fresh = await pull(b);
    assert.ok(fresh.removed.includes(group) && !JSON.stringify(fresh).includes("after"));
  });

  it("who is let in again sees what is shown to newcomers, and nothing that was said in between", async () => {
    const { a, b, group, groupId } = await buildPair();
    const client = clientOf(b);
    await client.sync();
    await im.node.as(a.userId, "group.removeMember", { groupId, userId: b.userId });
    await im.settled();
    await send(im, a, group, "in between");
    await addToGroup(im, a, groupId, [b]);
    await send(im, a, group, "welcome");
    const [answer] = await client.sync();
    assert.deepEqual([idsOf([answer!]), answer!.removed], [[group], []]);
    assert.ok(!JSON.stringify(answer).includes("in between"));
    const { items, minSeq } = await im.node.as(b.userId, "message.history", { conversationId: group, limit: 100 });
    assert.deepEqual(client.items(group), items);
    assert.equal(client.kept.get(group)!.isMember, true);
    assert.equal(answer!.messages[group]!.minSeq, minSeq);
  });

  it("a newcomer gets no change of a message from before their time", async () => {
    const { a, group, groupId } = await buildPair();
    const old = await send(im, a, group, "before");
    const c = await buildUser(im);
    const client = clientOf(c);
    await client.sync();
    await addToGroup(im, a, groupId, [c]);
    await edit(im, a, old, "before, changed");
    const [answer] = await client.sync();
    assert.deepEqual([idsOf([answer!]), answer!.changes], [[group], []]);
    assert.ok(!JSON.stringify(answer).includes("before"));
  });

  it("an outsider who names conversations of others hears nothing of them", async () => {
    const { direct, group } = await buildPair();
    const answer = await pull(await buildUser(im), { conversations: { [direct]: 0, [group]: 2, g_5: null, d_5_6: 0 } });
    assert.deepEqual([answer.conversations, answer.messages, answer.changes], [[], {}, []]);
  });
});

describe("a history that was cleared", () => {
  it("goes from the other devices too", async () => {
    const { a, b, direct } = await buildPair();
    const client = clientOf(b);
    await client.sync();
    await clear(im, b, direct);
    const [answer] = await client.sync();
    assert.deepEqual([answer!.messages[direct]!.items, answer!.messages[direct]!.minSeq], [[], 4]);
    assert.equal(answer!.conversations[0]!.lastMessage, null);
    assert.deepEqual(client.seqs(direct), []);
    await say(a, direct, 1);
    await client.sync();
    assert.deepEqual(client.seqs(direct), [4]);
  });
});
