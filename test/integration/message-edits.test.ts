import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { errorType } from "../support/accounts.ts";
import { addToGroup, buildUser, startIm, type Im } from "../support/im.ts";
import { edit, recall, send, shown, type Person, type Sent } from "../support/messages.ts";
import { buildCrew, buildFriends } from "../support/people.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

const edits = (by: Person, { messageId }: Pick<Sent, "messageId">, page: { limit?: number; cursor?: string } = {}) =>
  im.node.as(by.userId, "message.edits", { messageId, ...page });

describe("the history of edits", () => {
  it("holds what was said before, the first first, with the time when it was replaced", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sent = await send(im, a, conversationId, "one");
    assert.deepEqual(await edits(b, sent), { items: [], nextCursor: null });
    const { editedAt: first } = await edit(im, a, sent, "two");
    const { editedAt: second } = await edit(im, a, sent, "three");
    const expected = [
      { content: { text: "one" }, editedAt: first },
      { content: { text: "two" }, editedAt: second },
    ];
    for (const who of [a, b]) assert.deepEqual(await edits(who, sent), { items: expected, nextCursor: null });
    assert.equal((await shown(im, b, sent))!.editedAt, second);
  });

  it("is paged", async () => {
    const { a, conversationId } = await buildFriends(im);
    const sent = await send(im, a, conversationId, "0");
    for (let i = 1; i <= 5; i++) await edit(im, a, sent, String(i));
    const texts: unknown[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await edits(a, sent, { limit: 2, ...(cursor !== undefined && { cursor }) });
      texts.push(page.items.map(({ content }) => content["text"]));
      cursor = page.nextCursor;
    }
    assert.deepEqual(texts, [["0", "1"], ["2", "3"], ["4"]]);
    assert.equal(await errorType(edits(a, sent, { cursor: "x" })), "VALIDATION");
  });

  it("is gone when the message is recalled, or its author's account is deleted", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [recalled, erased] = [await send(im, a, conversationId), await send(im, a, conversationId)];
    for (const one of [recalled, erased]) await edit(im, a, one, "again");
    await recall(im, a, recalled);
    assert.deepEqual((await edits(b, recalled)).items, []);
    await im.node.as(a.userId, "user.deleteMe", {});
    await im.settled();
    assert.deepEqual((await edits(b, erased)).items, []);
  });

  it("is for those who can see the message", async () => {
    const { owner, member, groupId, conversationId } = await buildCrew(im);
    const [outsider, newcomer] = [await buildUser(im), await buildUser(im)];
    const sent = await send(im, owner, conversationId, "before");
    await edit(im, owner, sent, "after");
    await addToGroup(im, owner, groupId, [newcomer]);
    await im.node.as(member.userId, "message.deleteForMe", { messageId: sent.messageId });
    for (const who of [outsider, newcomer, member]) assert.equal(await errorType(edits(who, sent)), "MESSAGE_NOT_FOUND");
    assert.equal((await edits(owner, sent)).items.length, 1);
  });
});
