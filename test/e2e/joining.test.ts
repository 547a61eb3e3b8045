import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message } from "../../contracts/entities.ts";
import type { Database } from "../../mixins/database/port.ts";
import { addToGroup, befriend, buildGroup, buildUser, startIm, text } from "../support/im.ts";

test(
  "who hears that they joined a group and reads at once finds it, also after having been removed",
  { timeout: 30_000 },
  async () => {
    await using im = await startIm();
    const [owner, member] = [await buildUser(im), await buildUser(im)];
    await befriend(im, owner, member);
    const { groupId, conversationId } = await buildGroup(im, owner);
    const device = await im.connect({ token: member.token });
    const read = async (): Promise<number[]> =>
      (await im.node.as(member.userId, "message.history", { conversationId })).items.map(({ seq }) => seq);
    for (const round of [1, 2, 3]) {
      await im.node.as(owner.userId, "message.send", text(conversationId, `before ${round}`));
      const reading = device
        .next<Message>("message:new", ({ conversationId: id, content }) => id === conversationId && isJoining(content))
        .then(async ({ seq }) => ({ seq, found: await read() }));
      const restore = holdAfterMessages(im.sql, reading);
      await addToGroup(im, owner, groupId, [member]);
      const { seq, found } = await reading;
      assert.deepEqual(found, [seq], "from the message that says so on");
      restore();
      await im.node.as(owner.userId, "group.removeMember", { groupId, userId: member.userId });
      await im.settled();
    }
  },
);

const isJoining = (content: unknown): boolean => (content as { event?: string }).event === "member.joined";

/** Once a message is stored, every other write waits for `until`. */
function holdAfterMessages(sql: Database, until: Promise<unknown>): () => void {
  const { bulkInsert, transaction } = sql;
  let held: Promise<unknown> = Promise.resolve();
  sql.bulkInsert = async (table, rows) => {
    await bulkInsert.call(sql, table, rows);
    held = until;
  };
  sql.transaction = async (work, options) => {
    await held.catch(() => undefined); // the test fails by itself
    return transaction.call(sql, work, options) as ReturnType<typeof work>;
  };
  return () => void Object.assign(sql, { bulkInsert, transaction });
}
