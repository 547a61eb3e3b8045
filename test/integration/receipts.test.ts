import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { RECEIPTS_EVERY_MS } from "../../config/limits.ts";
import { MAX_READERS_GROUP } from "../../contracts/limits.ts";
import type { Result } from "../../contracts/index.ts";
import { chunksOf } from "../../lib/page.ts";
import type { Deliveries } from "../../lib/push.ts";
import { errorType } from "../support/accounts.ts";
import { access, clear, markDelivered, markRead, update } from "../support/conversations.ts";
import { dataOf, type Client } from "../support/client.ts";
import { buildGroup, buildUser, startIm, type Im, type TestUser } from "../support/im.ts";
import { intercept } from "../support/intercept.ts";
import { send, sendFrom, type Person } from "../support/messages.ts";
import { buildCrew, buildFriends } from "../support/people.ts";
import { waitFor } from "../support/wait.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

interface Receipt {
  readonly userId: string;
  readonly seq: number;
}
type Receipts = Result<"conversation.receipts">["items"];
const connect = ({ token }: TestUser): Promise<Client> => im.connect({ token });
/** What was received up to now, after all that was pushed before has arrived. */
async function receiptsOf(client: Client, from: TestUser, conversationId: string, event: "read" | "delivered") {
  const { seq } = await send(im, from, conversationId);
  await client.next<{ seq: number }>("message:new", (message) => message.seq === seq);
  return client.of<Receipt>(`receipt:${event}`).map((receipt) => receipt.seq);
}
const readersOf = (by: Person, { messageId }: { messageId: string }) => im.node.as(by.userId, "message.readers", { messageId });

/** Adds members of whom nothing else is known. */
async function crowd(conversationId: string, groupId: string, count: number): Promise<Person[]> {
  const people = Array.from({ length: count }, (_, index) => ({ userId: String(8_000_000_000 + index) }));
  const row = {
    ...{
      conversation_id: conversationId,
      active: 1,
      min_seq: 1,
      max_seq: null,
      read_seq: 1,
      read_at: 1,
      shown_seq: 1,
      shown_at: 1,
    },
    ...{
      delivered_seq: 1,
      delivered_at: 1,
      pinned: 0,
      muted: 0,
      hidden_seq: null,
      draft: "",
      since_seq: 1,
      version: 1,
      created_at: 1,
    },
  };
  await im.sql.insertRows(
    "conversation_member",
    people.map(({ userId }) => ({ user_id: userId, ...row })),
    "fail",
  );
  await im.sql.execute("update im_group set member_count = :count where group_id = :groupId", { count: count + 1, groupId });
  return people;
}

/** The pushes in which receipts go out, while `work` runs and until `isDone`. */
async function pushesOf(work: () => Promise<unknown>, isDone: (pushes: Receipt[][]) => boolean): Promise<Receipt[][]> {
  const pushes: Receipt[][] = [];
  const restore = intercept(im.broker, "socket.deliver", (proceed, { deliveries }) => {
    const receipts = (deliveries as Deliveries).filter(({ event }) => event.startsWith("receipt:"));
    if (receipts.length > 0) pushes.push(receipts.map(({ payload }) => payload as Receipt));
    return proceed();
  });
  try {
    await work();
    await waitFor(() => isDone(pushes), "the receipts");
  } finally {
    restore();
  }
  return pushes;
}

describe("receipts", () => {
  it("of as many as there may be who read at once go out in a few pushes, the newest of each", async () => {
    const owner = await buildUser(im);
    const { groupId, conversationId } = await buildGroup(im, owner);
    const people = await crowd(conversationId, groupId, MAX_READERS_GROUP - 1);
    const sent = [await send(im, owner, conversationId), await send(im, owner, conversationId)];
    const last = sent[1]!.seq;
    const newest = (pushes: Receipt[][]): Map<string, number> =>
      new Map(pushes.flat().map(({ userId, seq }): [string, number] => [userId, seq]));
    const startedAt = performance.now();
    const readAll = async (person: Person): Promise<void> => {
      await markRead(im, person, conversationId, sent[0]!.seq);
      await markRead(im, person, conversationId, last);
    };
    const pushes = await pushesOf(
      async () => {
        for (const few of chunksOf(people, 10)) await Promise.all(few.map(readAll));
      },
      (all) => [...newest(all).values()].filter((seq) => seq === last).length === people.length,
    );
    const most = Math.ceil((performance.now() - startedAt) / RECEIPTS_EVERY_MS) + 1;
    assert.ok(pushes.length <= most, `${pushes.length} pushes of at most ${most}`);
    for (const push of pushes) assert.equal(new Set(push.map(({ userId }) => userId)).size, push.length, "one of each");
    const { read, unread } = await readersOf(owner, sent[1]!);
    assert.deepEqual([read.length, unread], [people.length, []]);
  });

  it("of several devices of one person are one", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sender = await connect(a);
    for (let i = 0; i < 3; i++) await send(im, a, conversationId);
    await Promise.all([1, 2].map(() => markDelivered(im, b, conversationId, 3)));
    await markDelivered(im, b, conversationId, 3);
    assert.deepEqual(await receiptsOf(sender, a, conversationId, "delivered"), [3]);
  });

  it("stand for nothing that is not complete yet", async (t) => {
    const { a, b, conversationId } = await buildFriends(im);
    for (let i = 0; i < 3; i++) await send(im, a, conversationId);
    const { conversations } = im.hot;
    const stableSeqs = conversations.stableSeqs.bind(conversations);
    t.after(() => (conversations.stableSeqs = stableSeqs));
    conversations.stableSeqs = async (ids) => new Map(ids.map((id) => [id, 2]));
    assert.deepEqual([await markDelivered(im, b, conversationId, 3), await markRead(im, b, conversationId, 3)], [2, 2]);
    conversations.stableSeqs = stableSeqs;
    assert.equal(await markRead(im, b, conversationId, 3), 3);
  });

  it("let nobody who reads wait for a gateway that does not answer", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sender = await connect(a);
    const sent = await send(im, a, conversationId);
    const gate = Promise.withResolvers<void>();
    const restore = intercept(im.broker, "socket.deliver", async (proceed) => {
      await gate.promise;
      return proceed();
    });
    assert.equal(await markRead(im, b, conversationId, sent.seq), sent.seq);
    await update(im, b, conversationId, { pinned: true });
    assert.deepEqual(sender.of("receipt:read"), []);
    gate.resolve();
    await sender.next<Receipt>("receipt:read", ({ seq }) => seq === sent.seq);
    restore();
  });

  it("are told of clearing as of reading, to whom they may", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sender = await connect(a);
    const sent = await send(im, a, conversationId);
    await clear(im, b, conversationId);
    assert.deepEqual(await receiptsOf(sender, a, conversationId, "read"), [sent.seq]);
    await im.node.as(b.userId, "friend.block", { userId: a.userId });
    await clear(im, b, conversationId);
    assert.deepEqual(sender.of<Receipt>("receipt:read").length, 1);
    assert.equal((await access(im, b, conversationId)).readSeq, 2);
  });
});

describe("how far the others have got", () => {
  const receipts = async (user: Person, conversationId: string) =>
    (await im.node.as(user.userId, "conversation.receipts", { conversationId })).items;

  it("is what their receipts have told, for who was away meanwhile", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    assert.deepEqual(await receipts(a, conversationId), [{ userId: b.userId, readSeq: 0, readAt: null, deliveredSeq: 0 }]);
    for (let i = 0; i < 3; i++) await send(im, a, conversationId);
    await markRead(im, b, conversationId, 1);
    await markDelivered(im, b, conversationId, 2);
    const [before] = await dataOf(a.rest.get<{ items: Receipts }>(`/social/conversations/${conversationId}/receipts`)).then(
      ({ items }) => items,
    );
    assert.deepEqual([before!.userId, before!.readSeq, before!.deliveredSeq], [b.userId, 1, 2]);
    assert.ok(Math.abs(before!.readAt! - Date.now()) < 10_000);
    await markRead(im, b, conversationId, 3);
    const [after] = await receipts(a, conversationId);
    assert.deepEqual([after!.readSeq, after!.deliveredSeq], [3, 3]);
  });

  for (const [how, end] of Object.entries({
    "has blocked the other": (a: TestUser, b: TestUser) => im.node.as(a.userId, "friend.block", { userId: b.userId }),
    "has been blocked": (a: TestUser, b: TestUser) => im.node.as(b.userId, "friend.block", { userId: a.userId }),
    "is no friend any more": (a: TestUser, b: TestUser) => im.node.as(a.userId, "friend.remove", { userId: b.userId }),
  }))
    it(`stays as it was of one who ${how}`, async () => {
      const { a, b, conversationId } = await buildFriends(im);
      for (let i = 0; i < 4; i++) await send(im, b, conversationId);
      await markRead(im, a, conversationId, 1);
      await markDelivered(im, a, conversationId, 2);
      const before = await receipts(b, conversationId);
      await end(a, b);
      await im.settled();
      await markDelivered(im, a, conversationId, 3);
      await markRead(im, a, conversationId, 3);
      await clear(im, a, conversationId);
      assert.deepEqual(await receipts(b, conversationId), before);
      assert.deepEqual([before[0]!.readSeq, before[0]!.deliveredSeq], [1, 2]);
    });

  it("is not told of who hides receipts, nor afterwards what was delivered meanwhile", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    for (let i = 0; i < 3; i++) await send(im, a, conversationId);
    await markDelivered(im, b, conversationId, 1);
    await im.node.as(b.userId, "settings.update", { showReadReceipts: false });
    assert.deepEqual(await receipts(a, conversationId), []);
    await markDelivered(im, b, conversationId, 2);
    await im.node.as(b.userId, "settings.update", { showReadReceipts: true });
    assert.deepEqual(
      (await receipts(a, conversationId)).map(({ deliveredSeq }) => deliveredSeq),
      [1],
    );
    await markDelivered(im, b, conversationId, 3);
    assert.equal((await receipts(a, conversationId))[0]!.deliveredSeq, 3);
  });

  it("is for members alone, and for as many as may read who has read", async () => {
    const { owner, member, groupId, conversationId } = await buildCrew(im);
    assert.equal((await receipts(member, conversationId)).length, 3);
    const outsider = await buildUser(im);
    assert.equal(await errorType(receipts(outsider, conversationId)), "GROUP_NOT_FOUND");
    const { a, conversationId: direct } = await buildFriends(im);
    assert.equal((await receipts(a, direct)).length, 1);
    assert.equal(await errorType(receipts(outsider, direct)), "CONVERSATION_NOT_FOUND");
    await im.node.as(owner.userId, "group.removeMember", { groupId, userId: member.userId });
    await im.settled();
    assert.equal(await errorType(receipts(member, conversationId)), "GROUP_NOT_FOUND");
    await im.sql.execute("update im_group set member_count = :count where group_id = :groupId", {
      count: MAX_READERS_GROUP + 1,
      groupId,
    });
    assert.equal(await errorType(receipts(owner, conversationId)), "TOO_MANY_READERS");
  });
});

describe("who hides receipts", () => {
  const hide = (user: TestUser, isHidden: boolean) => im.node.as(user.userId, "settings.update", { showReadReceipts: !isHidden });

  it("tells neither what was read nor what was delivered, and never does of that time", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const sender = await connect(a);
    const [first, second] = [await send(im, a, conversationId), await send(im, a, conversationId)];
    await markRead(im, b, conversationId, first.seq);
    await hide(b, true);
    await markDelivered(im, b, conversationId, second.seq);
    await markRead(im, b, conversationId, second.seq);
    await hide(b, false);
    assert.deepEqual(
      (await readersOf(a, first)).read.map(({ userId }) => userId),
      [b.userId],
    );
    assert.deepEqual(await readersOf(a, second), { read: [], unread: [b.userId] });
    assert.deepEqual(await receiptsOf(sender, a, conversationId, "read"), [first.seq]);
    assert.deepEqual(sender.of("receipt:delivered"), []);
    await markRead(im, b, conversationId, 3);
    await sender.next<Receipt>("receipt:read", ({ seq }) => seq === 3);
    assert.equal((await readersOf(a, second)).read.length, 1, "who reads on shows that they have read all of it");
  });

  it("still sees those of others, and gets on all devices what they have read themselves", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const own = await connect(b);
    await hide(b, true);
    const mine = await send(im, b, conversationId);
    await markRead(im, a, conversationId, mine.seq);
    await own.next<Receipt>("receipt:read", ({ userId }) => userId === a.userId);
    const theirs = await send(im, a, conversationId);
    await markRead(im, b, conversationId, theirs.seq);
    await own.next<{ readSeq?: number }>("conversation:updated", ({ readSeq }) => readSeq === theirs.seq);
  });

  it("is hidden in a group from every member", async () => {
    const { owner, member, other, conversationId } = await buildCrew(im);
    const [ofOwner, ofOther] = [await connect(owner), await connect(other)];
    await hide(member, true);
    const sent = await send(im, owner, conversationId);
    await markRead(im, member, conversationId, sent.seq);
    const { seq } = await sendFrom(ofOther, conversationId);
    await ofOwner.next<{ seq: number }>("message:new", (message) => message.seq === seq);
    for (const client of [ofOwner, ofOther]) assert.deepEqual(client.of("receipt:read"), []);
    assert.ok((await readersOf(owner, sent)).unread.includes(member.userId));
  });
});
