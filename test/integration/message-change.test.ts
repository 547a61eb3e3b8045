import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Message } from "../../contracts/entities.ts";
import { errorType } from "../support/accounts.ts";
import { addToGroup, buildUser, clientMsgId, startIm, type Im, type TestUser } from "../support/im.ts";
import { edit, react, recall, rowsOf, send, shown, unreact, type Sent } from "../support/messages.ts";
import { buildCrew, buildFriends } from "../support/people.ts";
import { newId } from "../support/records.ts";
import { waitFor } from "../support/wait.ts";

const RECALL_LIMIT_MS = 60_000;
const EDIT_LIMIT_MS = 90_000;

let im: Im;
before(async () => void (im = await startIm({ recallLimitMs: RECALL_LIMIT_MS, editLimitMs: EDIT_LIMIT_MS })));
after(() => im.stop());

/** Makes a message older than it is. */
const age = ({ messageId }: Sent, ms: number) =>
  im.sql.execute("update message set created_at = created_at - :ms where message_id = :messageId", { ms, messageId });

describe("recall", () => {
  it("takes the words away everywhere and keeps the place, and repeating it changes nothing", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sent = await send(im, a, conversationId, "secret words", { mentions: [b.userId] });
    await edit(im, a, sent, "secret words again");
    await react(im, b, sent, "👍");
    const reply = await send(im, b, conversationId, "what?", { replyTo: sent.messageId });
    assert.equal((await shown(im, b, reply))!.replyTo!.preview, "secret words again");
    const recalled = await recall(im, a, sent);
    assert.deepEqual(
      [recalled.content, recalled.seq, recalled.mentions, recalled.reactions],
      [{}, sent.seq, undefined, undefined],
    );
    assert.deepEqual(await recall(im, a, sent), recalled);
    for (const user of [a, b]) assert.deepEqual(await shown(im, user, sent), recalled);
    assert.equal((await shown(im, b, reply))!.replyTo!.preview, "");
    assert.deepEqual([await rowsOf(im, "message_edit", sent), await rowsOf(im, "reaction", sent)], [[], []]);
    for (const table of ["message", "message_edit", "dead_letter", "outbox", "notification"]) {
      const rows = await im.sql.select<Record<string, unknown>>(`select * from ${table}`);
      assert.ok(!JSON.stringify(rows.map((row) => Object.values(row).map(String))).includes("secret words"), `still in ${table}`);
    }
  });

  it("has a limit for senders", async () => {
    const { a, conversationId } = await buildFriends(im);
    const [old, young] = [await send(im, a, conversationId), await send(im, a, conversationId)];
    await age(old, RECALL_LIMIT_MS + 1_000);
    await age(young, RECALL_LIMIT_MS - 10_000);
    assert.equal(await errorType(recall(im, a, old)), "RECALL_TIME_PASSED");
    assert.deepEqual((await shown(im, a, old))!.content, { text: "hello" });
    await recall(im, a, young);
  });

  it("has none for owner and admins, for those below them and themselves", async () => {
    const { owner, admin, member, other, conversationId } = await buildCrew(im);
    const by = async (user: TestUser): Promise<Sent> => {
      const sent = await send(im, user, conversationId);
      await age(sent, RECALL_LIMIT_MS + 1_000);
      return sent;
    };
    const ofAll = { owner: await by(owner), admin: await by(admin), member: await by(member) };
    assert.equal(await errorType(recall(im, other, ofAll.member)), "NOT_YOUR_MESSAGE");
    assert.equal(await errorType(recall(im, member, ofAll.admin)), "NOT_YOUR_MESSAGE");
    assert.equal(await errorType(recall(im, admin, ofAll.owner)), "NOT_YOUR_MESSAGE");
    await recall(im, admin, ofAll.member);
    await recall(im, owner, ofAll.admin);
    await recall(im, owner, ofAll.owner);
    await recall(im, admin, await by(admin));
    await recall(im, admin, await send(im, member, conversationId));
  });

  it("reaches nobody else's message between two people, and no system message", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    assert.equal(await errorType(recall(im, b, await send(im, a, conversationId))), "NOT_YOUR_MESSAGE");
    const { owner, ...group } = await buildCrew(im);
    const [system] = (await im.node.as(owner.userId, "message.history", { conversationId: group.conversationId, limit: 1 }))
      .items;
    assert.equal(await errorType(recall(im, owner, system as Message)), "NOT_EDITABLE");
  });

  it("is not undone when the original is logged again", async () => {
    const { a, conversationId } = await buildFriends(im);
    const sent = await send(im, a, conversationId);
    const [row] = await im.sql.select<{ body_hash: string; client_msg_id: string }>(
      "select body_hash, client_msg_id from message where message_id = :id",
      { id: sent.messageId },
    );
    await recall(im, a, sent);
    const record = {
      ...sent,
      senderId: a.userId,
      clientMsgId: row!.client_msg_id,
      type: "text" as const,
      content: { text: "hello" },
      replyTo: null,
      mentions: null,
      bodyHash: row!.body_hash,
      requestId: null,
    };
    assert.deepEqual(await im.log.append([record]), [{ ok: true }]);
    assert.deepEqual((await shown(im, a, sent))!.content, {});
  });

  it("tells the other services once", async () => {
    const { a, conversationId } = await buildFriends(im);
    const sent = await send(im, a, conversationId);
    await Promise.all([recall(im, a, sent), recall(im, a, sent), recall(im, a, sent)]);
    const events = await im.sql.select<{ payload: string }>(
      "select payload from outbox where subject = 'im.message.recalled' and event_key = :conversationId",
      { conversationId },
    );
    assert.deepEqual(
      events.map(({ payload }) => JSON.parse(payload) as unknown),
      [{ conversationId, messageId: sent.messageId, actorId: a.userId }],
    );
  });
});

describe("edit", () => {
  it("replaces the text and keeps the earlier ones as history", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sent = await send(im, a, conversationId, "one");
    await edit(im, a, sent, "two");
    const edited = await edit(im, a, sent, "three");
    assert.deepEqual([edited.content, edited.seq, edited.createdAt], [{ text: "three" }, sent.seq, sent.createdAt]);
    assert.ok(edited.editedAt! >= sent.createdAt);
    assert.deepEqual(await shown(im, b, sent), edited);
    const kept = (await rowsOf(im, "message_edit", sent)) as { version: number; content: string }[];
    assert.deepEqual(
      kept.map(({ version, content }) => [Number(version), JSON.parse(content) as unknown]),
      [
        [0, { text: "one" }],
        [1, { text: "two" }],
      ],
    );
  });

  it("is for the sender, within the limit, for texts that are still there", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [sent, old, recalled] = [
      await send(im, a, conversationId),
      await send(im, a, conversationId),
      await send(im, a, conversationId),
    ];
    assert.equal(await errorType(edit(im, b, sent, "x")), "NOT_YOUR_MESSAGE");
    await age(old, EDIT_LIMIT_MS + 1_000);
    assert.equal(await errorType(edit(im, a, old, "x")), "EDIT_TIME_PASSED");
    await recall(im, a, recalled);
    assert.equal(await errorType(edit(im, a, recalled, "x")), "MESSAGE_RECALLED");
    assert.equal(await errorType(edit(im, a, sent, "字".repeat(2_731))), "TEXT_TOO_LARGE");
    assert.equal(await errorType(edit(im, a, sent, "")), "VALIDATION");
    assert.equal(
      await errorType(im.node.as(a.userId, "message.edit", { messageId: sent.messageId, content: { text: "x", more: 1 } })),
      "VALIDATION",
    );
    const card = await im.node.as(a.userId, "message.send", {
      conversationId,
      clientMsgId: clientMsgId(),
      type: "card",
      content: { userId: b.userId },
    });
    assert.equal(await errorType(edit(im, a, card, "x")), "NOT_EDITABLE");
    assert.deepEqual((await shown(im, a, sent))!.content, { text: "hello" });
  });

  it("is writing: not for those who may not write any more", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sent = await send(im, a, conversationId);
    await im.node.as(b.userId, "friend.block", { userId: a.userId });
    assert.equal(await errorType(edit(im, a, sent, "x")), "CANNOT_MESSAGE");
    const { owner, member, groupId, conversationId: group } = await buildCrew(im);
    const inGroup = await send(im, member, group);
    await im.node.as(owner.userId, "group.updateMember", { groupId, userId: member.userId, mutedUntil: Date.now() + 60_000 });
    assert.equal(await errorType(edit(im, member, inGroup, "x")), "MUTED");
    await im.node.as(owner.userId, "group.removeMember", { groupId, userId: member.userId });
    assert.equal(await errorType(edit(im, member, inGroup, "x")), "GROUP_NOT_FOUND");
  });

  it("never survives a recall at the same time", async () => {
    const { a, conversationId } = await buildFriends(im);
    for (let i = 0; i < 10; i++) {
      const sent = await send(im, a, conversationId, "before");
      const works = [edit(im, a, sent, "after"), recall(im, a, sent)];
      await Promise.allSettled(i % 2 === 0 ? works : works.toReversed());
      assert.deepEqual((await shown(im, a, sent))!.content, {});
      assert.deepEqual(await rowsOf(im, "message_edit", sent), []);
    }
  });

  it("keeps every text when two devices edit at once", async () => {
    const { a, conversationId } = await buildFriends(im);
    const sent = await send(im, a, conversationId, "0");
    await Promise.all(["1", "2", "3", "4"].map((words) => edit(im, a, sent, words)));
    const kept = (await rowsOf(im, "message_edit", sent)) as { content: string }[];
    const all = [
      ...kept.map(({ content }) => (JSON.parse(content) as { text: string }).text),
      (await shown(im, a, sent))!.content["text"],
    ];
    assert.deepEqual(new Set(all), new Set(["0", "1", "2", "3", "4"]));
  });
});

describe("delete for me", () => {
  it("leaves a hole in my history only", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sent = await send(im, a, conversationId);
    const deleted = await im.node.as(b.userId, "message.deleteForMe", { messageId: sent.messageId });
    assert.equal(deleted.messageId, sent.messageId);
    assert.equal(await shown(im, b, sent), undefined);
    assert.notEqual(await shown(im, a, sent), undefined);
    assert.equal(await errorType(react(im, b, sent, "👍")), "MESSAGE_NOT_FOUND");
    const readers = im.node.as(b.userId, "message.readers", { messageId: sent.messageId });
    assert.equal(await errorType(readers), "MESSAGE_NOT_FOUND");
    await recall(im, a, sent);
  });
});

describe("messages of others' conversations", () => {
  it("are not there, whatever one does with them", async () => {
    const { a, conversationId } = await buildFriends(im);
    const outsider = await buildUser(im);
    const sent = await send(im, a, conversationId, "private");
    const { owner, conversationId: group, groupId } = await buildCrew(im);
    const inGroup = await send(im, owner, group);
    for (const one of [sent, inGroup, { messageId: newId() }]) {
      const attempts = [
        recall(im, outsider, one),
        edit(im, outsider, one, "x"),
        react(im, outsider, one, "👍"),
        unreact(im, outsider, one, "👍"),
        im.node.as(outsider.userId, "message.deleteForMe", { messageId: one.messageId }),
        im.node.as(outsider.userId, "message.readers", { messageId: one.messageId }),
      ];
      assert.deepEqual(
        await Promise.all(attempts.map(errorType)),
        attempts.map(() => "MESSAGE_NOT_FOUND"),
      );
    }
    await addToGroup(im, owner, groupId, [outsider]);
    assert.equal(await errorType(react(im, outsider, inGroup, "👍")), "MESSAGE_NOT_FOUND", "from before they joined");
    assert.deepEqual((await shown(im, a, sent))!.content, { text: "private" });
    assert.deepEqual(await rowsOf(im, "message_hidden", sent), []);
  });
});

describe("a deleted account", () => {
  it("leaves the places of its messages without words", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [mine, theirs] = [await send(im, a, conversationId, "mine"), await send(im, b, conversationId, "theirs")];
    await edit(im, a, mine, "mine again");
    await im.node.as(a.userId, "user.deleteMe", {});
    await im.settled();
    await waitFor(async () => (await shown(im, b, mine))!.recalledAt, "the recall");
    assert.deepEqual((await shown(im, b, mine))!.content, {});
    assert.deepEqual((await shown(im, b, theirs))!.content, { text: "theirs" });
    assert.deepEqual(await rowsOf(im, "message_edit", mine), []);
  });
});
