import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { MAX_REACTION_KINDS } from "../../contracts/limits.ts";
import { errorType } from "../support/accounts.ts";
import { startIm, type Im } from "../support/im.ts";
import { edit, react, recall, rowsOf, send } from "../support/messages.ts";
import { buildCrew, buildFriends } from "../support/people.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

const AT_ONCE = 8;
const times = <T>(work: (at: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: AT_ONCE }, (_, at) => work(at)));

describe("what happens at one time", () => {
  it("edits of one message all hold, one after the other", async () => {
    const { a, conversationId } = await buildFriends(im);
    const sent = await send(im, a, conversationId, "first");
    await times((at) => edit(im, a, sent, `edit ${at}`));
    const [row] = await rowsOf(im, "message", sent);
    assert.equal(row?.["version"], AT_ONCE);
    const former = (await rowsOf(im, "message_edit", sent)).map(({ content }) => String(content));
    const words = ["first", ...Array.from({ length: AT_ONCE }, (_, at) => `edit ${at}`)].map((text) => JSON.stringify({ text }));
    assert.deepEqual([...former, row?.["content"]].sort(), words.sort());
  });

  it("reactions to one message stay within the limit", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sent = await send(im, a, conversationId);
    const kind = (at: number): string => String.fromCodePoint(0x1f600 + at);
    const room = 3;
    const there = Array.from({ length: MAX_REACTION_KINDS - room }, (_, at) => ({
      conversation_id: sent.conversationId,
      seq: sent.seq,
      emoji: kind(at),
      user_id: a.userId,
      created_at: 1,
    }));
    await im.sql.insertRows("reaction", there, "fail");
    const outcomes = await times((at) => errorType(react(im, b, sent, kind(MAX_REACTION_KINDS + at))));
    assert.deepEqual(outcomes.filter((type) => type === "").length, room);
    assert.deepEqual(new Set(outcomes), new Set(["", "VALIDATION"]));
    assert.equal((await rowsOf(im, "reaction", sent)).length, MAX_REACTION_KINDS);
  });

  it("a recall leaves no reaction behind", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    await times(async (at) => {
      const sent = await send(im, a, conversationId);
      const reacted = Promise.all(["👍", "👎", "🙂"].map((emoji) => errorType(react(im, b, sent, emoji))));
      await Promise.all([reacted, recall(im, a, sent)]);
      assert.deepEqual(await rowsOf(im, "reaction", sent), [], `message ${at}`);
    });
  });

  it("who is removed keeps no invite link, not even one made that moment", async () => {
    for (let round = 0; round < 5; round++) {
      const { owner, member, groupId } = await buildCrew(im);
      const made = times(() => errorType(im.node.as(member.userId, "group.createInviteLink", { groupId })));
      await im.node.as(owner.userId, "group.removeMember", { groupId, userId: member.userId });
      await made;
      const live = await im.sql.select(
        "select invite_code from group_invite_link where group_id = :groupId and expires_at is null",
        {
          groupId,
        },
      );
      assert.deepEqual(live, []);
    }
  });
});
