import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { dataOf } from "../support/client.ts";
import { befriend, buildUser, startIm, text, type Im, type TestUser } from "../support/im.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

interface Readers {
  readonly read: readonly { readonly userId: string; readonly readAt: number }[];
  readonly unread: readonly string[];
}
const send = (from: TestUser, conversationId: string): Promise<{ messageId: string; seq: number }> =>
  dataOf(from.rest.post("/messages", text(conversationId)));
const readersOf = (by: TestUser, { messageId }: { messageId: string }): Promise<Readers> =>
  dataOf(by.rest.get(`/messages/${messageId}/readers`));
const read = async (by: TestUser, conversationId: string, seq: number): Promise<void> => {
  assert.deepEqual(await dataOf(by.rest.put(`/social/conversations/${conversationId}/read`, { seq })), { seq });
};

/** Two friends with two messages of each; the other one has read the first. */
async function friends() {
  const [a, b] = [await buildUser(im), await buildUser(im)];
  const conversationId = await befriend(im, a, b);
  const ofB = [await send(b, conversationId), await send(b, conversationId)] as const;
  await read(a, conversationId, ofB[0].seq);
  return { a, b, conversationId, ofB };
}

/** What ends it that two may know of each other's reading. */
const endings: Record<string, (a: TestUser, b: TestUser) => Promise<unknown>> = {
  "has blocked the other": (a, b) => dataOf(a.rest.put(`/social/blacklist/${b.userId}`)),
  "has been blocked": (a, b) => dataOf(b.rest.put(`/social/blacklist/${a.userId}`)),
  "is no friend any more": (a, b) => dataOf(a.rest.delete(`/social/friends/${b.userId}`)),
};

describe("who has read a message, in a direct conversation", () => {
  for (const [how, end] of Object.entries(endings)) {
    it(`stays as it was when somebody reads on who ${how}`, async () => {
      const { a, b, conversationId, ofB } = await friends();
      await im.settled();
      const before = [await readersOf(b, ofB[0]), await readersOf(b, ofB[1])];
      assert.equal(before[0]!.read[0]?.userId, a.userId);
      assert.deepEqual(before[1], { read: [], unread: [a.userId] });
      await end(a, b);
      await read(a, conversationId, ofB[1].seq);
      assert.deepEqual([await readersOf(b, ofB[0]), await readersOf(b, ofB[1])], before);
      await im.settled();
      assert.deepEqual([await readersOf(b, ofB[0]), await readersOf(b, ofB[1])], before);
    });

    it(`stays as it was when somebody clears the conversation who ${how}`, async () => {
      const { a, b, conversationId, ofB } = await friends();
      await end(a, b);
      const before = await readersOf(b, ofB[1]);
      await dataOf(a.rest.delete(`/social/conversations/${conversationId}/messages`));
      assert.deepEqual(await readersOf(b, ofB[1]), before);
      assert.deepEqual(before.unread, [a.userId]);
    });
  }

  it("is kept for good of what was read during a block, until something is read after it", async () => {
    const { a, b, conversationId, ofB } = await friends();
    await dataOf(a.rest.put(`/social/blacklist/${b.userId}`));
    await read(a, conversationId, ofB[1].seq);
    await dataOf(a.rest.delete(`/social/blacklist/${b.userId}`));
    assert.deepEqual((await readersOf(b, ofB[1])).read, []);
    const later = await send(b, conversationId);
    await read(a, conversationId, later.seq);
    for (const one of [ofB[1], later])
      assert.deepEqual(
        (await readersOf(b, one)).read.map(({ userId }) => userId),
        [a.userId],
      );
  });

  it("is told after reading, clearing and sending, where nothing stands between the two", async () => {
    const { a, b, conversationId, ofB } = await friends();
    await read(a, conversationId, ofB[1].seq);
    assert.equal((await readersOf(b, ofB[1])).read[0]?.userId, a.userId);
    const cleared = await send(b, conversationId);
    await dataOf(a.rest.delete(`/social/conversations/${conversationId}/messages`));
    assert.equal((await readersOf(b, cleared)).read[0]?.userId, a.userId);
  });
});
