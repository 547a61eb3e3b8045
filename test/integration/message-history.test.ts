import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Message } from "../../contracts/entities.ts";
import type { Params, Result } from "../../contracts/index.ts";
import { errorType } from "../support/accounts.ts";
import { addToGroup, befriend, buildGroup, buildUser, startIm, text, type Im, type TestUser } from "../support/im.ts";
import { refuseText } from "../support/faults.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

type Position = Omit<Params<"message.history">, "conversationId">;
type Page = Result<"message.history">;
type Person = Pick<TestUser, "userId">;

const send = (from: Person, conversationId: string, words?: string) =>
  im.node.as(from.userId, "message.send", text(conversationId, words));
const history = (user: Person, conversationId: string, position: Position = {}): Promise<Page> =>
  im.node.as(user.userId, "message.history", { conversationId, ...position });
/** Seqs of a page; a range of voids as `[from, to]`. */
const seqs = ({ items }: Page) => items.map((item) => ("toSeq" in item ? [item.seq, item.toSeq] : item.seq));
const pageOf = async (user: Person, conversationId: string, position: Position = {}) =>
  seqs(await history(user, conversationId, position));
const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);

async function chat(
  messages: number,
): Promise<{ a: TestUser; b: TestUser; conversationId: string; sent: Result<"message.send">[] }> {
  const [a, b] = [await buildUser(im), await buildUser(im)];
  const conversationId = await befriend(im, a, b);
  const sent = await Promise.all(range(1, messages).map(() => send(a, conversationId)));
  return { a, b, conversationId, sent };
}

describe("history", () => {
  it("pages in every direction, ascending, and says what can be seen", async () => {
    const { b, conversationId } = await chat(50);
    const page = (position: Position) => pageOf(b, conversationId, position);
    const newest = await history(b, conversationId);
    assert.deepEqual([seqs(newest), newest.minSeq, newest.maxSeq], [range(31, 50), 1, 50]);
    assert.deepEqual(await page({ beforeSeq: 31, limit: 10 }), range(21, 30));
    assert.deepEqual(await page({ beforeSeq: 4, limit: 10 }), range(1, 3));
    assert.deepEqual(await page({ beforeSeq: 1 }), []);
    assert.deepEqual(await page({ beforeSeq: 1_000, limit: 2 }), [49, 50]);
    assert.deepEqual(await page({ afterSeq: 0, limit: 5 }), range(1, 5));
    assert.deepEqual(await page({ afterSeq: 48, limit: 5 }), [49, 50]);
    assert.deepEqual(await page({ afterSeq: 50 }), []);
    assert.deepEqual(await page({ afterSeq: Number.MAX_SAFE_INTEGER }), []);
    assert.deepEqual(await page({ aroundSeq: 25, limit: 5 }), range(23, 27));
    assert.deepEqual(await page({ aroundSeq: 25, limit: 4 }), range(24, 27));
    assert.deepEqual(await page({ aroundSeq: 25, limit: 1 }), [25]);
    assert.deepEqual(await page({ aroundSeq: 1, limit: 6 }), range(1, 6));
    assert.deepEqual(await page({ aroundSeq: 50, limit: 6 }), range(45, 50));
    assert.deepEqual(await page({ aroundSeq: 9_999, limit: 3 }), range(48, 50));
    assert.deepEqual(await page({ limit: 100 }), range(1, 50));
  });

  it("yields all and only the visible, page by page, while others write", async () => {
    const { a, b, conversationId } = await chat(30);
    const writing = (async () => {
      for (let i = 0; i < 30; i++) await send(a, conversationId);
    })();
    const up: unknown[] = [];
    for (let afterSeq = 0; up.length < 60;) {
      const { items } = await history(b, conversationId, { afterSeq, limit: 7 });
      up.push(...items.map(({ seq }) => seq));
      afterSeq = items.at(-1)?.seq ?? afterSeq;
      await nextTurn();
    }
    await writing;
    assert.deepEqual(up, range(1, 60));
    const down: number[] = [];
    for (let beforeSeq = 61; beforeSeq > 1; beforeSeq = down[0]!) {
      down.unshift(...((await pageOf(b, conversationId, { beforeSeq, limit: 7 })) as number[]));
    }
    assert.deepEqual(down, range(1, 60));
  });

  it("finds the place of a time", async () => {
    const { a, b, conversationId } = await chat(0);
    for (let i = 0; i < 9; i++) await send(a, conversationId);
    await im.sql.execute("update message set created_at = seq * 1000 where conversation_id = :conversationId", {
      conversationId,
    });
    const page = (aroundTime: number) => pageOf(b, conversationId, { aroundTime, limit: 3 });
    assert.deepEqual(await page(5_000), [4, 5, 6]);
    assert.deepEqual(await page(4_500), [4, 5, 6], "the first at or after it");
    assert.deepEqual(await page(0), [1, 2, 3]);
    assert.deepEqual(await page(999_999), [7, 8, 9]);
  });

  it("takes one position at a time, and limits from 1 to 100", async () => {
    const { b, conversationId } = await chat(1);
    const bad: unknown[] = [
      { limit: 0 },
      { limit: 101 },
      { limit: 1.5 },
      { limit: "5" },
      { beforeSeq: 0 },
      { afterSeq: -1 },
      { beforeSeq: 2, afterSeq: 0 },
      { aroundSeq: 1, aroundTime: 1 },
      { aroundTime: -1 },
      { since: 1 },
    ];
    for (const position of bad)
      assert.equal(await errorType(history(b, conversationId, position as Position)), "VALIDATION", JSON.stringify(position));
    assert.deepEqual(await pageOf(b, conversationId, { limit: 1 }), [1]);
  });

  it("is empty for friends who have not written yet, and not there for others", async () => {
    const { a, b, conversationId } = await chat(0);
    assert.deepEqual(await history(a, conversationId), { items: [], maxSeq: 0, minSeq: 1 });
    for (const position of [{ beforeSeq: 5 }, { afterSeq: 0 }, { aroundSeq: 3 }, { aroundTime: 5 }])
      assert.deepEqual(await pageOf(b, conversationId, position), []);
    const outsider = await buildUser(im);
    assert.equal(await errorType(history(outsider, conversationId)), "CONVERSATION_NOT_FOUND");
    assert.equal(await errorType(history(outsider, `d_${a.userId}_${outsider.userId}`)), "CONVERSATION_NOT_FOUND");
    assert.equal(await errorType(history(outsider, "g_5")), "GROUP_NOT_FOUND");
    const group = await buildGroup(im, a, [b]);
    assert.equal(await errorType(history(outsider, group.conversationId)), "GROUP_NOT_FOUND");
  });

  it("stays readable when a friendship has ended or one has blocked the other", async () => {
    const { a, b, conversationId } = await chat(2);
    await im.node.as(a.userId, "friend.block", { userId: b.userId });
    await im.node.as(a.userId, "friend.remove", { userId: b.userId });
    for (const user of [a, b]) assert.deepEqual(await pageOf(user, conversationId), [1, 2]);
  });

  it("leaves out what one has deleted for oneself, and fills the page", async () => {
    const { a, b, conversationId, sent } = await chat(10);
    for (const seq of [3, 4, 9]) await im.node.as(b.userId, "message.deleteForMe", { messageId: sent[seq - 1]!.messageId });
    assert.deepEqual(await pageOf(b, conversationId, { limit: 4 }), [6, 7, 8, 10]);
    assert.deepEqual(await pageOf(b, conversationId, { afterSeq: 1, limit: 3 }), [2, 5, 6]);
    assert.deepEqual(await pageOf(b, conversationId, { aroundSeq: 3, limit: 3 }), [1, 2, 5]);
    assert.deepEqual(await pageOf(a, conversationId, { limit: 4 }), range(7, 10));
  });

  it("keeps the place of what was recalled, without its words", async () => {
    const { a, b, conversationId, sent } = await chat(3);
    await im.node.as(a.userId, "message.recall", { messageId: sent[1]!.messageId });
    const { items } = await history(b, conversationId);
    const recalled = items[1] as Message;
    assert.deepEqual(
      items.map(({ seq }) => seq),
      [1, 2, 3],
    );
    assert.deepEqual([recalled.content, recalled.messageId, recalled.type], [{}, sent[1]!.messageId, "text"]);
    assert.ok(recalled.recalledAt! >= recalled.createdAt);
  });

  it("counts a range of voids as one item, however long it is", async () => {
    const { a, b, conversationId } = await chat(160);
    const void_ = (from: number, to: number) =>
      im.sql.execute(
        "update message set type = 'void', content = '{}' where conversation_id = :conversationId and seq between :from and :to",
        { conversationId, from, to },
      );
    await void_(11, 150);
    const page = (position: Position) => pageOf(b, conversationId, position);
    assert.deepEqual(await page({ afterSeq: 0, limit: 20 }), [...range(1, 10), [11, 150], ...range(151, 159)]);
    assert.deepEqual(await page({ limit: 20 }), [...range(2, 10), [11, 150], ...range(151, 160)]);
    assert.deepEqual(await page({ afterSeq: 10, limit: 1 }), [[11, 150]]);
    assert.deepEqual(await page({ afterSeq: 100, limit: 3 }), [[101, 150], 151, 152]);
    assert.deepEqual(await page({ beforeSeq: 151, limit: 2 }), [10, [11, 150]]);
    await void_(151, 160);
    const { items } = await im.node.as(a.userId, "conversation.list", {});
    assert.deepEqual([items[0]!.lastMessage?.seq, items[0]!.maxSeq], [10, 160]);
  });

  it("shows a seq whose message could never be stored as a void, in every direction", async () => {
    const { a, b, conversationId } = await chat(2);
    const lift = await refuseText(im.sql, "unstorable");
    const words = ["unstorable", "unstorable", "good"];
    const outcomes = await Promise.allSettled(words.map((one) => send(a, conversationId, one)));
    await lift();
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["rejected", "rejected", "fulfilled"],
    );
    assert.deepEqual(await pageOf(b, conversationId), [1, 2, [3, 4], 5]);
    assert.deepEqual(await pageOf(b, conversationId, { afterSeq: 3 }), [[4, 4], 5]);
    assert.deepEqual(await pageOf(b, conversationId, { beforeSeq: 5, limit: 2 }), [2, [3, 4]]);
    const [listed] = (await im.node.as(b.userId, "conversation.list", {})).items;
    assert.deepEqual([listed!.unread, listed!.lastMessage!.seq, listed!.maxSeq], [3, 5, 5]);
  });
});

describe("history of a group", () => {
  const person = (): Promise<TestUser> => buildUser(im);

  it("begins for newcomers with the message that says they joined", async () => {
    const [owner, late] = [await person(), await person()];
    const { groupId, conversationId } = await buildGroup(im, owner);
    for (let i = 0; i < 3; i++) await send(owner, conversationId);
    await addToGroup(im, owner, groupId, [late]);
    await send(owner, conversationId);
    const page = await history(late, conversationId);
    assert.deepEqual([seqs(page), page.minSeq, page.maxSeq], [[5, 6], 5, 6]);
    assert.deepEqual(await pageOf(late, conversationId, { beforeSeq: 5 }), []);
    assert.deepEqual(await pageOf(late, conversationId, { afterSeq: 0, limit: 1 }), [5]);
    assert.deepEqual(await pageOf(late, conversationId, { aroundSeq: 2, limit: 5 }), [5, 6]);
    assert.deepEqual(await pageOf(late, conversationId, { aroundTime: 1, limit: 1 }), [5]);
  });

  it("is whole for newcomers where the group says so", async () => {
    const [owner, late] = [await person(), await person()];
    const { groupId, conversationId } = await buildGroup(im, owner, [], { historyVisible: true });
    for (let i = 0; i < 3; i++) await send(owner, conversationId);
    await addToGroup(im, owner, groupId, [late]);
    const page = await history(late, conversationId);
    assert.deepEqual([seqs(page), page.minSeq], [range(1, 5), 1]);
  });

  it("ends for those who left or were removed with the message that says so", async () => {
    const [owner, leaver, removed] = [await person(), await person(), await person()];
    const { groupId, conversationId } = await buildGroup(im, owner, [leaver, removed]);
    await im.node.as(leaver.userId, "group.removeMember", { groupId, userId: leaver.userId });
    await im.node.as(owner.userId, "group.removeMember", { groupId, userId: removed.userId });
    await im.settled();
    const { messageId } = await send(owner, conversationId);
    const [ofLeaver, ofRemoved] = [await history(leaver, conversationId), await history(removed, conversationId)];
    assert.deepEqual([seqs(ofLeaver), ofLeaver.maxSeq], [[1, 2], 2]);
    assert.deepEqual([seqs(ofRemoved), ofRemoved.maxSeq], [[1, 2, 3], 3]);
    const events = ofRemoved.items.map((item) => ("content" in item ? item.content["event"] : null));
    assert.deepEqual(events, ["group.created", "member.left", "member.removed"]);
    for (const user of [leaver, removed]) {
      assert.deepEqual(await pageOf(user, conversationId, { afterSeq: 3 }), []);
      const attempts = [
        im.node.as(user.userId, "message.react", { messageId, emoji: "👍" }),
        im.node.as(user.userId, "message.readers", { messageId }),
        im.node.as(user.userId, "message.recall", { messageId }),
        im.node.as(user.userId, "message.edit", { messageId, content: { text: "x" } }),
        im.node.as(user.userId, "message.deleteForMe", { messageId }),
      ];
      assert.deepEqual(await Promise.all(attempts.map(errorType)), Array(5).fill("MESSAGE_NOT_FOUND"));
      const [listed] = (await im.node.as(user.userId, "conversation.list", {})).items;
      assert.ok(listed!.maxSeq <= 3 && listed!.lastMessage!.seq <= 3);
    }
  });

  it("begins anew for those who come back", async () => {
    const [owner, member] = [await person(), await person()];
    const { groupId, conversationId } = await buildGroup(im, owner, [member]);
    await im.node.as(owner.userId, "group.removeMember", { groupId, userId: member.userId });
    await im.settled();
    for (let i = 0; i < 3; i++) await send(owner, conversationId);
    await addToGroup(im, owner, groupId, [member]);
    await send(member, conversationId);
    assert.deepEqual(await pageOf(member, conversationId), [6, 7]);
  });

  it("stays for all when the group is dissolved", async () => {
    const [owner, member] = [await person(), await person()];
    const { groupId, conversationId } = await buildGroup(im, owner, [member]);
    await send(member, conversationId);
    await im.node.as(owner.userId, "group.dissolve", { groupId });
    await im.settled();
    for (const user of [owner, member]) {
      const { items } = await history(user, conversationId);
      assert.deepEqual(
        items.map(({ seq }) => seq),
        [1, 2, 3],
      );
      assert.equal((items[2] as Message).content["event"], "group.dissolved");
    }
  });
});
