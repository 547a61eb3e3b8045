import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { Database } from "../../mixins/database/port.ts";
import { ConversationRepository, type CursorMove, type MemberRow } from "../../services/conversation/repository.ts";
import { advanceVersions } from "../../services/conversation/versions.ts";
import { clear, markDelivered, markRead, update } from "../support/conversations.ts";
import { createDatabase } from "../support/database.ts";
import { addToGroup, buildGroup, buildUser, startIm, type Im } from "../support/im.ts";
import { send } from "../support/messages.ts";
import { buildFriends } from "../support/people.ts";
import { waitFor } from "../support/wait.ts";

const NOBODY_AHEAD = { of: () => undefined };
const repositoryOn = (sql: Database): ConversationRepository => new ConversationRepository(sql, NOBODY_AHEAD);
/** Neighbours among ids that no number of JavaScript holds. */
const userIds = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => String(7_000_000_000_000_000_000n + BigInt(i)));
const move = (userId: string, conversationId: string, seq: number): CursorMove => ({
  userId,
  conversationId,
  readSeq: seq,
  shownSeq: seq,
  deliveredSeq: seq,
  at: seq,
});

/** The database, and how many statements went through it. */
function counting(sql: Database): { sql: Database; statements(): number } {
  let statements = 0;
  const get = (target: Database, name: string | symbol): unknown => {
    const value = Reflect.get(target, name) as unknown;
    if (typeof value !== "function") return value;
    const method = value.bind(target) as (...args: unknown[]) => unknown;
    if (!["select", "execute", "insertRows"].includes(String(name))) return method;
    return (...args: unknown[]) => (statements++, method(...args));
  };
  return { sql: new Proxy(sql, { get }), statements: () => statements };
}

describe("the version of a user's conversations", () => {
  let im: Im;
  before(async () => void (im = await startIm()));
  after(() => im.stop());

  const forSync = (userId: string) => im.node.call("conversation.forSync", { userId });

  it("is above each row's, and a change brings its row above it", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const { conversationId: otherId } = await buildGroup(im, a, [b]);
    const { seq } = await send(im, b, conversationId);
    await waitFor(async () => (await forSync(b.userId)).rows.some(({ readSeq }) => readSeq === seq));
    const changes = [
      () => update(im, a, conversationId, { pinned: true }),
      () => update(im, a, conversationId, { draft: "words" }),
      () => markDelivered(im, a, conversationId, seq),
      () => markRead(im, a, conversationId, seq),
      () => clear(im, a, conversationId),
    ];
    for (const change of changes) {
      const earlier = await forSync(a.userId);
      assert.ok(earlier.rows.every(({ version }) => version > 0 && version <= earlier.version));
      await change();
      const later = await forSync(a.userId);
      assert.deepEqual(
        later.rows.filter(({ version }) => version > earlier.version).map((row) => row.conversationId),
        [conversationId],
      );
      assert.ok(later.rows.every(({ version }) => version <= later.version));
      assert.equal(later.rows.find((row) => row.conversationId === otherId)!.active, true);
    }
  });

  it("moves with the cursor that follows what one sends, and not with what others send", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    await im.settled();
    const [mine, theirs] = [await forSync(a.userId), await forSync(b.userId)];
    const { seq } = await send(im, a, conversationId);
    const isWritten = async () => (await forSync(a.userId)).rows.some(({ version }) => version > mine.version);
    await waitFor(isWritten, "the cursor is written");
    const [row] = (await forSync(a.userId)).rows;
    assert.deepEqual([row!.readSeq, row!.deliveredSeq], [seq, seq]);
    assert.deepEqual(await forSync(b.userId), theirs);
  });

  it("moves for who joins, who leaves and who comes back, with their bounds", async () => {
    const [owner, member] = [await buildUser(im), await buildUser(im)];
    const { groupId, conversationId } = await buildGroup(im, owner, [member]);
    const joined = await forSync(member.userId);
    assert.deepEqual(
      joined.rows.map((row) => [row.conversationId, row.active, row.maxSeq]),
      [[conversationId, true, null]],
    );
    await im.node.as(member.userId, "group.removeMember", { groupId, userId: member.userId });
    await im.settled();
    const left = await forSync(member.userId);
    assert.equal(left.rows[0]!.active, false);
    assert.ok(left.rows[0]!.version > joined.version && left.rows[0]!.maxSeq! > 0);
    await addToGroup(im, owner, groupId, [member]);
    const [again] = (await forSync(member.userId)).rows;
    assert.ok(again!.version > left.version && again!.active && again!.maxSeq === null);
  });

  it("comes with what the list shows, in the order that was asked for", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const group = await buildGroup(im, a, [b]);
    await send(im, b, conversationId, "last words");
    const outsider = await buildUser(im);
    const asked = ["d_1_2", group.conversationId, conversationId];
    const viewed = await im.node.call("conversation.viewMany", { userId: a.userId, conversationIds: asked });
    const { items } = await im.node.as(a.userId, "conversation.list", {});
    assert.deepEqual(
      viewed,
      asked.slice(1).map((id) => items.find((item) => item.conversationId === id)),
    );
    assert.equal(viewed[1]!.unread, 1);
    assert.deepEqual(await im.node.call("conversation.viewMany", { userId: outsider.userId, conversationIds: asked }), []);
  });

  it("stands beside those of the user's friends and groups, as their lists give them", async () => {
    const { a, b } = await buildFriends(im);
    const versions = async () => [
      (await im.node.call("friend.version", { userId: a.userId })).version,
      (await im.node.call("group.version", { userId: a.userId })).version,
    ];
    const listed = async () => [
      (await im.node.as(a.userId, "friend.list", {})).version,
      (await im.node.as(a.userId, "group.mine", {})).version,
    ];
    const first = await versions();
    assert.deepEqual(first, await listed());
    await im.node.as(a.userId, "friend.update", { userId: b.userId, remark: "dear" });
    await buildGroup(im, a);
    const second = await versions();
    assert.deepEqual(second, await listed());
    assert.ok(second.every((version, i) => version !== first[i]));
  });
});

describe("the counter of a user's conversations", () => {
  it("is held by who changes rows until they are committed: nothing appears below a version that was read", async () => {
    await using db = await createDatabase();
    const [userId] = userIds(1) as [string];
    const repository = repositoryOn(db.sql);
    for (const conversationId of ["d_1_2", "d_1_3"]) await repository.ensure(conversationId, [userId], 1);
    const before = await repository.version(userId);
    const [held, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow = db.sql.transaction(async (tx) => {
      await advanceVersions(db.sql, tx, [userId]);
      held.resolve();
      await gate.promise;
    });
    await held.promise;
    let isDone = false;
    const quick = repository.change(userId, "d_1_3", { pinned: true }).then(() => (isDone = true));
    try {
      for (let looks = 0; looks < 20; looks++) assert.deepEqual([await repository.version(userId), isDone], [before, false]);
    } finally {
      gate.resolve();
    }
    await Promise.all([slow, quick]);
    assert.equal((await repository.find(userId, "d_1_3"))!.version, before + 2);
  });

  it("brings a reader who asks for what is above the last version all that others write at one time", async () => {
    await using db = await createDatabase();
    const nodes = [db.sql, await db.reopen()].map(repositoryOn) as [ConversationRepository, ConversationRepository];
    const people = userIds(3);
    const rooms = Array.from({ length: 6 }, (_, i) => `g_${i + 1}`);
    const [me] = people as [string];
    const copy = new Map<string, MemberRow>();
    let seen = 0;
    const sync = async (): Promise<void> => {
      const version = await nodes[0].version(me);
      for (const row of await nodes[0].ofUser(me)) if (row.version > seen) copy.set(row.conversation_id, row);
      seen = version;
    };
    const writes = rooms.flatMap((conversationId, at) => [
      () => nodes[at % 2]!.memberships.admit({ conversationId, userIds: people, seq: 0, at: 1 }, true),
      () => nodes[0].advance(people.map((userId) => move(userId, conversationId, 3))),
      () => nodes[1].advance(people.toReversed().map((userId) => move(userId, conversationId, 5))),
      () => nodes[at % 2]!.change(me, conversationId, { draft: `draft ${at}` }),
      () => nodes[1].clear(move(me, conversationId, 4)),
      () => nodes[0].memberships.leave({ conversationId, userIds: [me], seq: 7, at: 1 }),
    ]);
    let isWritten = false;
    const written = Promise.all(writes.map((write) => write())).then(() => (isWritten = true));
    for (; !isWritten; await setImmediate()) await sync();
    await written;
    await sync();
    const rows = await nodes[0].ofUser(me);
    assert.equal(rows.length, rooms.length);
    assert.deepEqual([...copy.values()].sort(byId), rows.toSorted(byId));
    assert.ok(rows.every(({ version }) => version <= seen));
  });

  it("is written in few statements, however many users move their cursors", async () => {
    await using db = await createDatabase();
    const people = userIds(256);
    await repositoryOn(db.sql).memberships.admit({ conversationId: "g_1", userIds: people, seq: 0, at: 1 }, true);
    const { sql, statements } = counting(db.sql);
    await repositoryOn(sql).advance(people.map((userId, i) => move(userId, "g_1", 1 + (i % 5))));
    assert.equal(statements(), 4);
    const rows = await db.sql.select<MemberRow>(
      "select user_id, read_seq, shown_seq, delivered_seq, read_at from conversation_member where conversation_id = 'g_1' order by user_id",
    );
    assert.deepEqual(
      rows.map((row) => [String(row.user_id), row.read_seq, row.shown_seq, row.delivered_seq, row.read_at]),
      people.map((userId, i) => [userId, ...Array<number>(4).fill(1 + (i % 5))]),
    );
  });

  it("makes no row for a cursor of somebody who is not there", async () => {
    await using db = await createDatabase();
    const [me, other] = userIds(2) as [string, string];
    const repository = repositoryOn(db.sql);
    await repository.ensure("d_1_2", [me], 1);
    await repository.advance([move(other, "d_1_2", 4), move(me, "d_1_2", 2), move(me, "d_1_3", 4)]);
    const rows = await db.sql.select<MemberRow>("select user_id, conversation_id, read_seq from conversation_member");
    assert.deepEqual(
      rows.map((row) => [String(row.user_id), row.conversation_id, row.read_seq]),
      [[me, "d_1_2", 2]],
    );
  });

  it("moves in portions when a group of 5,000 joins, and when it leaves", async () => {
    await using db = await createDatabase();
    const people = userIds(5_000);
    const { sql, statements } = counting(db.sql);
    const { memberships } = repositoryOn(sql);
    const group = { conversationId: "g_1", userIds: people, at: 1 };
    await memberships.admit({ ...group, seq: 1 }, false);
    assert.ok(statements() <= 10 * 5, `${statements()} statements`);
    const joined = statements();
    await memberships.join({ ...group, seq: 2 }, { historyVisible: false, admittedBehind: 1 });
    await memberships.closeFor({ ...group, seq: 4 });
    await memberships.leave({ ...group, seq: 5 }, 4);
    assert.ok(statements() - joined <= 10 * 8, `${statements() - joined} statements`);
    const [row] = await db.sql.select<Record<string, number>>(
      `select count(*) as count, min(c.version) as lowest, max(c.version) as highest, min(v.version) as counter, max(c.max_seq) as bound
       from conversation_member c join roster_version v on v.user_id = c.user_id and v.list = 'conversations' where c.active = 0`,
    );
    assert.deepEqual({ ...row }, { count: 5_000, lowest: 4, highest: 4, counter: 4, bound: 5 });
  });

  it("does not move when a conversation is only looked at", async () => {
    await using db = await createDatabase();
    const [a, b] = userIds(2) as [string, string];
    const repository = repositoryOn(db.sql);
    await repository.ensure("d_1_2", [a, b], 1);
    const { sql, statements } = counting(db.sql);
    await repositoryOn(sql).ensure("d_1_2", [a, b], 2);
    assert.deepEqual([statements(), await repository.version(a)], [1, 1]);
  });
});

const byId = (a: MemberRow, b: MemberRow): number => (a.conversation_id < b.conversation_id ? -1 : 1);
