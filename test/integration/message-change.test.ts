import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { MAX_READERS_GROUP } from "../../contracts/limits.ts";
import type { Message } from "../../contracts/entities.ts";
import type { Result } from "../../contracts/index.ts";
import { errorType } from "../support/accounts.ts";
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
import { newId } from "../support/records.ts";
import { waitFor } from "../support/wait.ts";

const RECALL_LIMIT_MS = 60_000;
const EDIT_LIMIT_MS = 90_000;

let im: Im;
before(async () => void (im = await startIm({ recallLimitMs: RECALL_LIMIT_MS, editLimitMs: EDIT_LIMIT_MS })));
after(() => im.stop());

type Person = Pick<TestUser, "userId">;
type Sent = Result<"message.send">;

const person = (): Promise<TestUser> => buildUser(im);
const send = (from: Person, conversationId: string, words?: string, more: Parameters<typeof text>[2] = {}): Promise<Sent> =>
  im.node.as(from.userId, "message.send", text(conversationId, words, more));
const recall = (by: Person, { messageId }: Pick<Sent, "messageId">) => im.node.as(by.userId, "message.recall", { messageId });
const edit = (by: Person, { messageId }: Pick<Sent, "messageId">, words: string) =>
  im.node.as(by.userId, "message.edit", { messageId, content: { text: words } });
const react = (by: Person, { messageId }: Pick<Sent, "messageId">, emoji: string) =>
  im.node.as(by.userId, "message.react", { messageId, emoji });
const unreact = (by: Person, { messageId }: Pick<Sent, "messageId">, emoji: string) =>
  im.node.as(by.userId, "message.unreact", { messageId, emoji });
const shown = async (to: Person, { conversationId, seq }: Sent): Promise<Message | undefined> => {
  const { items } = await im.node.as(to.userId, "message.history", { conversationId, aroundSeq: seq, limit: 100 });
  return items.find((item) => item.seq === seq) as Message | undefined;
};
/** Makes a message older than it is. */
const age = ({ messageId }: Sent, ms: number) =>
  im.sql.execute("update message set created_at = created_at - :ms where message_id = :messageId", { ms, messageId });
const rowsOf = (table: string, { conversationId, seq }: Sent) =>
  im.sql.select(`select * from ${table} where conversation_id = :conversationId and seq = :seq`, { conversationId, seq });

async function friends(): Promise<{ a: TestUser; b: TestUser; conversationId: string }> {
  const [a, b] = [await person(), await person()];
  return { a, b, conversationId: await befriend(im, a, b) };
}
/** A group with an owner, an admin and two members. */
async function crew() {
  const [owner, admin, member, other] = await Promise.all([person(), person(), person(), person()]);
  const { groupId, conversationId } = await buildGroup(im, owner, [admin, member, other]);
  await im.node.as(owner.userId, "group.updateMember", { groupId, userId: admin.userId, role: "admin" });
  return { owner, admin, member, other, groupId, conversationId };
}

describe("recall", () => {
  it("takes the words away everywhere and keeps the place, and repeating it changes nothing", async () => {
    const { a, b, conversationId } = await friends();
    const sent = await send(a, conversationId, "secret words", { mentions: [b.userId] });
    await edit(a, sent, "secret words again");
    await react(b, sent, "👍");
    const reply = await send(b, conversationId, "what?", { replyTo: sent.messageId });
    assert.equal((await shown(b, reply))!.replyTo!.preview, "secret words again");
    const recalled = await recall(a, sent);
    assert.deepEqual(
      [recalled.content, recalled.seq, recalled.mentions, recalled.reactions],
      [{}, sent.seq, undefined, undefined],
    );
    assert.deepEqual(await recall(a, sent), recalled);
    for (const user of [a, b]) assert.deepEqual(await shown(user, sent), recalled);
    assert.equal((await shown(b, reply))!.replyTo!.preview, "");
    assert.deepEqual([await rowsOf("message_edit", sent), await rowsOf("reaction", sent)], [[], []]);
    for (const table of ["message", "message_edit", "dead_letter", "outbox", "notification"]) {
      const rows = await im.sql.select<Record<string, unknown>>(`select * from ${table}`);
      assert.ok(!JSON.stringify(rows.map((row) => Object.values(row).map(String))).includes("secret words"), `still in ${table}`);
    }
  });

  it("has a limit for senders", async () => {
    const { a, conversationId } = await friends();
    const [old, young] = [await send(a, conversationId), await send(a, conversationId)];
    await age(old, RECALL_LIMIT_MS + 1_000);
    await age(young, RECALL_LIMIT_MS - 10_000);
    assert.equal(await errorType(recall(a, old)), "RECALL_TIME_PASSED");
    assert.deepEqual((await shown(a, old))!.content, { text: "hello" });
    await recall(a, young);
  });

  it("has none for owner and admins, for those below them and themselves", async () => {
    const { owner, admin, member, other, conversationId } = await crew();
    const by = async (user: TestUser): Promise<Sent> => {
      const sent = await send(user, conversationId);
      await age(sent, RECALL_LIMIT_MS + 1_000);
      return sent;
    };
    const ofAll = { owner: await by(owner), admin: await by(admin), member: await by(member) };
    assert.equal(await errorType(recall(other, ofAll.member)), "NOT_YOUR_MESSAGE");
    assert.equal(await errorType(recall(member, ofAll.admin)), "NOT_YOUR_MESSAGE");
    assert.equal(await errorType(recall(admin, ofAll.owner)), "NOT_YOUR_MESSAGE");
    await recall(admin, ofAll.member);
    await recall(owner, ofAll.admin);
    await recall(owner, ofAll.owner);
    await recall(admin, await by(admin));
    await recall(admin, await send(member, conversationId));
  });

  it("reaches nobody else's message between two people, and no system message", async () => {
    const { a, b, conversationId } = await friends();
    assert.equal(await errorType(recall(b, await send(a, conversationId))), "NOT_YOUR_MESSAGE");
    const { owner, ...group } = await crew();
    const [system] = (await im.node.as(owner.userId, "message.history", { conversationId: group.conversationId, limit: 1 }))
      .items;
    assert.equal(await errorType(recall(owner, system as Message)), "NOT_EDITABLE");
  });

  it("is not undone when the original is logged again", async () => {
    const { a, conversationId } = await friends();
    const sent = await send(a, conversationId);
    const [row] = await im.sql.select<{ body_hash: string; client_msg_id: string }>(
      "select body_hash, client_msg_id from message where message_id = :id",
      { id: sent.messageId },
    );
    await recall(a, sent);
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
    assert.deepEqual((await shown(a, sent))!.content, {});
  });

  it("tells the other services once", async () => {
    const { a, conversationId } = await friends();
    const sent = await send(a, conversationId);
    await Promise.all([recall(a, sent), recall(a, sent), recall(a, sent)]);
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
    const { a, b, conversationId } = await friends();
    const sent = await send(a, conversationId, "one");
    await edit(a, sent, "two");
    const edited = await edit(a, sent, "three");
    assert.deepEqual([edited.content, edited.seq, edited.createdAt], [{ text: "three" }, sent.seq, sent.createdAt]);
    assert.ok(edited.editedAt! >= sent.createdAt);
    assert.deepEqual(await shown(b, sent), edited);
    const kept = (await rowsOf("message_edit", sent)) as { version: number; content: string }[];
    assert.deepEqual(
      kept.map(({ version, content }) => [Number(version), JSON.parse(content) as unknown]),
      [
        [0, { text: "one" }],
        [1, { text: "two" }],
      ],
    );
  });

  it("is for the sender, within the limit, for texts that are still there", async () => {
    const { a, b, conversationId } = await friends();
    const [sent, old, recalled] = [await send(a, conversationId), await send(a, conversationId), await send(a, conversationId)];
    assert.equal(await errorType(edit(b, sent, "x")), "NOT_YOUR_MESSAGE");
    await age(old, EDIT_LIMIT_MS + 1_000);
    assert.equal(await errorType(edit(a, old, "x")), "EDIT_TIME_PASSED");
    await recall(a, recalled);
    assert.equal(await errorType(edit(a, recalled, "x")), "MESSAGE_RECALLED");
    assert.equal(await errorType(edit(a, sent, "字".repeat(2_731))), "TEXT_TOO_LARGE");
    assert.equal(await errorType(edit(a, sent, "")), "VALIDATION");
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
    assert.equal(await errorType(edit(a, card, "x")), "NOT_EDITABLE");
    assert.deepEqual((await shown(a, sent))!.content, { text: "hello" });
  });

  it("is writing: not for those who may not write any more", async () => {
    const { a, b, conversationId } = await friends();
    const sent = await send(a, conversationId);
    await im.node.as(b.userId, "friend.block", { userId: a.userId });
    assert.equal(await errorType(edit(a, sent, "x")), "CANNOT_MESSAGE");
    const { owner, member, groupId, conversationId: group } = await crew();
    const inGroup = await send(member, group);
    await im.node.as(owner.userId, "group.updateMember", { groupId, userId: member.userId, mutedUntil: Date.now() + 60_000 });
    assert.equal(await errorType(edit(member, inGroup, "x")), "MUTED");
    await im.node.as(owner.userId, "group.removeMember", { groupId, userId: member.userId });
    assert.equal(await errorType(edit(member, inGroup, "x")), "GROUP_NOT_FOUND");
  });

  it("never survives a recall at the same time", async () => {
    const { a, conversationId } = await friends();
    for (let i = 0; i < 10; i++) {
      const sent = await send(a, conversationId, "before");
      const works = [edit(a, sent, "after"), recall(a, sent)];
      await Promise.allSettled(i % 2 === 0 ? works : works.toReversed());
      assert.deepEqual((await shown(a, sent))!.content, {});
      assert.deepEqual(await rowsOf("message_edit", sent), []);
    }
  });

  it("keeps every text when two devices edit at once", async () => {
    const { a, conversationId } = await friends();
    const sent = await send(a, conversationId, "0");
    await Promise.all(["1", "2", "3", "4"].map((words) => edit(a, sent, words)));
    const kept = (await rowsOf("message_edit", sent)) as { content: string }[];
    const all = [
      ...kept.map(({ content }) => (JSON.parse(content) as { text: string }).text),
      (await shown(a, sent))!.content["text"],
    ];
    assert.deepEqual(new Set(all), new Set(["0", "1", "2", "3", "4"]));
  });
});

describe("reactions", () => {
  it("are counted by kind, once for each user, and marked as mine for each viewer", async () => {
    const { a, b, conversationId } = await friends();
    const sent = await send(a, conversationId);
    await react(b, sent, "👍");
    await react(b, sent, "👍");
    await react(b, sent, "🎉");
    const seen = await react(a, sent, "👍");
    assert.deepEqual(seen.reactions, [
      { emoji: "👍", count: 2, userIds: [b.userId, a.userId], mine: true },
      { emoji: "🎉", count: 1, userIds: [b.userId], mine: false },
    ]);
    assert.deepEqual(
      (await shown(b, sent))!.reactions!.map(({ mine }) => mine),
      [true, true],
    );
    await unreact(b, sent, "👍");
    await unreact(b, sent, "👍");
    const left = await unreact(b, sent, "🎉");
    assert.deepEqual(left.reactions, [{ emoji: "👍", count: 1, userIds: [a.userId], mine: false }]);
    assert.deepEqual((await shown(a, sent))!.reactions, [{ emoji: "👍", count: 1, userIds: [a.userId], mine: true }]);
    assert.equal((await unreact(a, sent, "👍")).reactions, undefined);
  });

  it("are of a limited number of kinds, also when many come at once; one that is there is open to everybody", async () => {
    const { a, b, conversationId } = await friends();
    const sent = await send(a, conversationId);
    const outcomes = await Promise.all(Array.from({ length: 55 }, (_, index) => errorType(react(a, sent, `e${index}`))));
    assert.deepEqual([outcomes.filter((type) => type === "").length, new Set(outcomes)], [50, new Set(["", "VALIDATION"])]);
    const there = `e${outcomes.indexOf("")}`;
    assert.equal((await react(b, sent, there)).reactions!.find(({ emoji }) => emoji === there)!.count, 2);
  });

  it("are refused on what is recalled, on system messages, and from those who may not write", async () => {
    const { a, b, conversationId } = await friends();
    const [sent, recalled] = [await send(a, conversationId), await send(a, conversationId)];
    await recall(a, recalled);
    assert.equal(await errorType(react(b, recalled, "👍")), "MESSAGE_RECALLED");
    for (const emoji of ["", "a\u0000", "\ud800", "x".repeat(33)])
      assert.equal(await errorType(react(b, sent, emoji)), "VALIDATION", JSON.stringify(emoji));
    await im.node.as(a.userId, "friend.block", { userId: b.userId });
    assert.equal(await errorType(react(b, sent, "👍")), "CANNOT_MESSAGE");
    const { owner, conversationId: group } = await crew();
    const [system] = (await im.node.as(owner.userId, "message.history", { conversationId: group, limit: 1 })).items;
    assert.equal(await errorType(react(owner, system as Message, "👍")), "NOT_EDITABLE");
  });

  it("never survive a recall at the same time", async () => {
    const { a, b, conversationId } = await friends();
    for (let i = 0; i < 10; i++) {
      const sent = await send(a, conversationId);
      const works = [recall(a, sent), react(b, sent, "👍")];
      await Promise.allSettled(i % 2 === 0 ? works : works.toReversed());
      assert.deepEqual(await rowsOf("reaction", sent), []);
    }
  });
});

describe("delete for me", () => {
  it("leaves a hole in my history only", async () => {
    const { a, b, conversationId } = await friends();
    const sent = await send(a, conversationId);
    const deleted = await im.node.as(b.userId, "message.deleteForMe", { messageId: sent.messageId });
    assert.equal(deleted.messageId, sent.messageId);
    assert.equal(await shown(b, sent), undefined);
    assert.notEqual(await shown(a, sent), undefined);
    for (const work of [react(b, sent, "👍"), im.node.as(b.userId, "message.readers", { messageId: sent.messageId })]) {
      assert.equal(await errorType(work), "MESSAGE_NOT_FOUND");
    }
    await recall(a, sent);
  });
});

describe("messages of others' conversations", () => {
  it("are not there, whatever one does with them", async () => {
    const { a, conversationId } = await friends();
    const outsider = await person();
    const sent = await send(a, conversationId, "private");
    const { owner, conversationId: group, groupId } = await crew();
    const inGroup = await send(owner, group);
    for (const one of [sent, inGroup, { messageId: newId() }]) {
      const attempts = [
        recall(outsider, one),
        edit(outsider, one, "x"),
        react(outsider, one, "👍"),
        unreact(outsider, one, "👍"),
        im.node.as(outsider.userId, "message.deleteForMe", { messageId: one.messageId }),
        im.node.as(outsider.userId, "message.readers", { messageId: one.messageId }),
      ];
      assert.deepEqual(
        await Promise.all(attempts.map(errorType)),
        attempts.map(() => "MESSAGE_NOT_FOUND"),
      );
    }
    await addToGroup(im, owner, groupId, [outsider]);
    assert.equal(await errorType(react(outsider, inGroup, "👍")), "MESSAGE_NOT_FOUND", "from before they joined");
    assert.deepEqual((await shown(a, sent))!.content, { text: "private" });
    assert.deepEqual(await rowsOf("message_hidden", sent), []);
  });
});

describe("readers", () => {
  const readers = (by: Person, { messageId }: Pick<Sent, "messageId">) => im.node.as(by.userId, "message.readers", { messageId });
  const read = (by: Person, { conversationId, seq }: Sent) =>
    im.node.as(by.userId, "conversation.markRead", { conversationId, seq });

  it("says who has read a message and who has not, without its sender, to any member", async () => {
    const { owner, admin, member, other, conversationId } = await crew();
    const sent = await send(owner, conversationId);
    await read(member, sent);
    const before = Date.now();
    for (const asker of [owner, other]) {
      const { read: have, unread } = await readers(asker, sent);
      assert.deepEqual(
        have.map(({ userId }) => userId),
        [member.userId],
      );
      assert.ok(Math.abs(have[0]!.readAt - before) < 10_000);
      assert.deepEqual(new Set(unread), new Set([admin.userId, other.userId]));
    }
  });

  it("counts those who hide their receipts as not having read", async () => {
    const { a, b, conversationId } = await friends();
    const sent = await send(a, conversationId);
    await read(b, sent);
    assert.equal((await readers(a, sent)).read.length, 1);
    await im.node.as(b.userId, "settings.update", { showReadReceipts: false });
    assert.deepEqual(await readers(a, sent), { read: [], unread: [b.userId] });
  });

  it("leaves out those who came later, and keeps those who cleared their history", async () => {
    const { owner, admin, member, other, groupId, conversationId } = await crew();
    const late = await person();
    const sent = await send(owner, conversationId);
    await addToGroup(im, owner, groupId, [late]);
    await im.node.as(member.userId, "conversation.clear", { conversationId });
    const { read: have, unread } = await readers(owner, sent);
    assert.deepEqual(
      have.map(({ userId }) => userId),
      [member.userId],
    );
    assert.deepEqual(new Set(unread), new Set([admin.userId, other.userId]));
  });

  it("is not told in a group of more than 500", async () => {
    const { owner, member, groupId, conversationId } = await crew();
    const sent = await send(owner, conversationId);
    await im.sql.execute("update im_group set member_count = :count where group_id = :groupId", {
      count: MAX_READERS_GROUP,
      groupId,
    });
    await readers(member, sent);
    await im.sql.execute("update im_group set member_count = :count where group_id = :groupId", {
      count: MAX_READERS_GROUP + 1,
      groupId,
    });
    assert.equal(await errorType(readers(member, sent)), "TOO_MANY_READERS");
  });
});

describe("a deleted account", () => {
  it("leaves the places of its messages without words", async () => {
    const { a, b, conversationId } = await friends();
    const [mine, theirs] = [await send(a, conversationId, "mine"), await send(b, conversationId, "theirs")];
    await edit(a, mine, "mine again");
    await im.node.as(a.userId, "user.deleteMe", {});
    await im.settled();
    await waitFor(async () => (await shown(b, mine))!.recalledAt, "the recall");
    assert.deepEqual((await shown(b, mine))!.content, {});
    assert.deepEqual((await shown(b, theirs))!.content, { text: "theirs" });
    assert.deepEqual(await rowsOf("message_edit", mine), []);
  });
});
