import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { MAX_COUNTED_UNREAD } from "../../contracts/limits.ts";
import type { Result } from "../../contracts/index.ts";
import { PersistRepository } from "../../services/persister/repository.ts";
import { clear, list, markRead, update } from "../support/conversations.ts";
import { dataOf } from "../support/client.ts";
import { befriend, buildGroup, buildUser, startIm, type Im, type TestUser } from "../support/im.ts";
import { recall, send, type Person } from "../support/messages.ts";
import { buildRecords } from "../support/records.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

type Badge = Result<"conversation.unread">;
const badge = (user: Person): Promise<Badge> => im.node.as(user.userId, "conversation.unread", {});
const none = { unread: 0, mentioned: false, conversations: 0 };

/** What the list of a user adds up to. */
async function summed(user: Person): Promise<Badge> {
  const shown = (await list(im, user)).filter(({ hidden }) => !hidden);
  const sum = (isMuted: boolean): Omit<Badge, "muted"> => {
    const of = shown.filter(({ muted, unread }) => muted === isMuted && unread > 0);
    return {
      unread: of.reduce((total, { unread }) => total + unread, 0),
      mentioned: of.some(({ mentioned }) => mentioned),
      conversations: of.length,
    };
  };
  return { ...sum(false), muted: sum(true) };
}

/** A user with so many friends, who each have sent a message; conversations in the order of the friends. */
async function withFriends(count: number): Promise<{ me: TestUser; friends: TestUser[]; ids: string[] }> {
  const me = await buildUser(im);
  const friends = await Promise.all(Array.from({ length: count }, () => buildUser(im)));
  const ids: string[] = [];
  for (const friend of friends) {
    ids.push(await befriend(im, me, friend));
    await send(im, friend, ids.at(-1)!);
  }
  return { me, friends, ids };
}

describe("the badge", () => {
  it("adds up what is unread, muted conversations apart, over REST", async () => {
    const { me, friends, ids } = await withFriends(3);
    const group = await buildGroup(im, friends[0]!, [me]);
    await send(im, friends[0]!, group.conversationId, "you", { mentions: [me.userId] });
    await send(im, friends[1]!, ids[1]!);
    await update(im, me, ids[1]!, { muted: true });
    const expected = {
      ...{ unread: 3, mentioned: true, conversations: 3 },
      muted: { unread: 2, mentioned: false, conversations: 1 },
    };
    assert.deepEqual(await dataOf(me.rest.get("/social/conversations/unread")), expected);
    assert.deepEqual(await summed(me), expected);
    await update(im, me, group.conversationId, { muted: true });
    assert.deepEqual(await badge(me), {
      ...{ unread: 2, mentioned: false, conversations: 2 },
      muted: { unread: 3, mentioned: true, conversations: 2 },
    });
    assert.deepEqual(await badge(await buildUser(im)), { ...none, muted: none });
  });

  it("follows reading, recalling, clearing, hiding and what comes next", async () => {
    const { me, friends, ids } = await withFriends(4);
    const unread = async (): Promise<number> => {
      const { unread: counted, ...rest } = await badge(me);
      assert.deepEqual({ unread: counted, ...rest }, await summed(me));
      return counted;
    };
    assert.equal(await unread(), 4);
    await markRead(im, me, ids[0]!, 1);
    assert.equal(await unread(), 3);
    const taken = await send(im, friends[1]!, ids[1]!);
    assert.equal(await unread(), 4);
    await recall(im, friends[1]!, taken);
    assert.equal(await unread(), 3);
    await clear(im, me, ids[1]!);
    assert.equal(await unread(), 2);
    await update(im, me, ids[2]!, { hidden: true });
    assert.equal(await unread(), 1, "nobody finds what is hidden");
    await send(im, friends[2]!, ids[2]!);
    assert.equal(await unread(), 3, "it is back with all that is unread");
    await send(im, me, ids[2]!);
    assert.equal(await unread(), 1, "who answers has read");
  });

  it("counts what one saw before leaving, and nothing that came later", async () => {
    const { me, friends } = await withFriends(1);
    const { groupId, conversationId } = await buildGroup(im, friends[0]!, [me]);
    await send(im, friends[0]!, conversationId);
    await im.node.as(friends[0]!.userId, "group.removeMember", { groupId, userId: me.userId });
    await im.settled();
    await send(im, friends[0]!, conversationId);
    assert.deepEqual((await badge(me)).unread, 2);
    assert.deepEqual(await badge(me), await summed(me));
  });

  it("ends at a bound, and still knows in how many conversations and whether somebody is mentioned", async () => {
    const { me, friends, ids } = await withFriends(2);
    const records = buildRecords(MAX_COUNTED_UNREAD + 5);
    const { conversationId } = records[0]!;
    await new PersistRepository(im.sql).insertNew(records, 1);
    await im.sql.execute(
      `insert into conversation_member (user_id, conversation_id, active, min_seq, read_seq, read_at, shown_seq, shown_at, delivered_seq,
         delivered_at, pinned, muted, draft, since_seq, version, created_at)
       select :userId, :conversationId, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, '', 0, version, created_at from conversation_member
       where user_id = :userId and conversation_id = :like`,
      { userId: me.userId, conversationId, like: ids[0]! },
    );
    await im.sql.execute("update message set created_at = :at where conversation_id = :conversationId", {
      at: Date.now() + 60_000,
      conversationId,
    });
    const group = await buildGroup(im, friends[0]!, [me]);
    await send(im, friends[0]!, group.conversationId, "all", { mentions: ["all"] });
    assert.deepEqual(await badge(me), {
      ...{ unread: MAX_COUNTED_UNREAD, mentioned: true, conversations: 4 },
      muted: none,
    });
  });
});
