import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { markRead, update } from "../support/conversations.ts";
import { costOf } from "../support/costs.ts";
import { startIm, type Im } from "../support/im.ts";
import { intercept } from "../support/intercept.ts";
import { send } from "../support/messages.ts";
import { buildCrew, buildFriends } from "../support/people.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

/** How often `work` asks the database for what a pattern names. */
async function reads(pattern: RegExp, work: () => Promise<unknown>): Promise<number> {
  const { statements } = await costOf(im, work);
  return statements.filter((statement) => statement.startsWith("select") && pattern.test(statement)).length;
}
const message = /from message where message_id = /;
const ownRow = /from conversation_member where user_id = :userId and conversation_id = :conversationId/;

describe("what was read is not read again", () => {
  it("when a message is kept", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const { messageId } = await send(im, a, conversationId);
    await im.settled();
    assert.equal(await reads(message, () => im.node.as(b.userId, "message.addFavorite", { messageId })), 1);
  });

  it("when a message is pinned, but for telling the others", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const { messageId } = await send(im, a, conversationId);
    assert.equal(await reads(message, () => im.node.as(b.userId, "message.pin", { messageId })), 2);
  });

  it("when one's own state of a conversation changes, but for what it has become", async () => {
    const { a, conversationId } = await buildFriends(im);
    assert.equal(await reads(ownRow, () => update(im, a, conversationId, { muted: true })), 2);
    assert.equal(await reads(ownRow, () => update(im, a, conversationId, {})), 1);
  });

  it("when somebody goes on typing in a group", async () => {
    const { member, conversationId } = await buildCrew(im);
    let asked = 0;
    const stop = intercept(im.broker, "group.memberCount", (proceed) => {
      asked++;
      return proceed();
    });
    for (const kind of ["text", "text", "voice", "voice"] as const)
      assert.equal(await im.node.as(member.userId, "conversation.typing", { conversationId, kind }), null);
    stop();
    assert.equal(asked, 2);
  });
});

describe("a receipt", () => {
  it("waits for nothing that could be asked at the same time", async () => {
    const { owner, member, conversationId } = await buildCrew(im);
    const { seq } = await send(im, owner, conversationId);
    const begun = new Set<string>();
    const others = ["message.heads", "group.memberCount", "settings.of"] as const;
    const ends = others.map((action) =>
      intercept(im.broker, action, async (proceed) => {
        begun.add(action);
        for (let turn = 0; turn < 200 && begun.size < others.length; turn++) await nextTurn();
        assert.equal(begun.size, others.length, `${action} was asked alone`);
        return proceed();
      }),
    );
    await markRead(im, member, conversationId, seq);
    for (const end of ends.toReversed()) end();
  });
});
