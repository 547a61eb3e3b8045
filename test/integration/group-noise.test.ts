import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { JOIN_NOISE_GROUP } from "../../contracts/limits.ts";
import { imError } from "../../lib/errors.ts";
import { announceChange, type Announcement } from "../../services/group/announce-change.ts";
import { AnnouncementQueue } from "../../services/group/announcement-queue.ts";
import { refuses, type GroupWorld } from "../support/group-world.ts";
import { intercept } from "../support/intercept.ts";
import { boundsOf, createLargeWorld, crowd, largeGroup, pushedSince, readBy, say } from "../support/large-group.ts";

let world: GroupWorld;
before(async () => void (world = await createLargeWorld()));
after(() => world[Symbol.asyncDispose]());

const SIZE = JOIN_NOISE_GROUP + 1;
const join = (userId: string, groupId: string) => world.as(userId, "group.join", { groupId });
const leave = (userId: string, groupId: string) => world.as(userId, "group.removeMember", { groupId, userId });
const headOf = async (conversationId: string): Promise<number> => (await readBy(world, "1", conversationId)).at(-1)!;
const countOf = (groupId: string): Promise<number> => world.node.call("group.memberCount", { groupId });

async function announcementsOf(groupId: string): Promise<Announcement[]> {
  const rows = await world.deps.sql.select<{ event_id: string; payload: string }>(
    "select event_id, payload from outbox where event_key = :groupId and subject like 'im.group.member.%' order by position",
    { groupId },
  );
  return rows.map(({ event_id: eventId, payload }) => ({ eventId, ...(JSON.parse(payload) as Omit<Announcement, "eventId">) }));
}

describe("who joins a large group", () => {
  it("is no message to the others; who joins, and who let them in, hear of it", async () => {
    const { groupId, conversationId } = await largeGroup(world, SIZE);
    const [head, from] = [await headOf(conversationId), world.told.length];
    world.neighbours.allows.add("1:7");
    await world.as("1", "group.invite", { groupId, userIds: ["7"] });
    await join("8", groupId);
    assert.equal(await headOf(conversationId), head);
    assert.deepEqual(pushedSince(world, from, "message:new"), []);
    assert.deepEqual(pushedSince(world, from, "group:updated"), ["u:1", "u:7", "u:8"]);
    assert.equal(await countOf(groupId), SIZE + 2);
    assert.deepEqual(
      world.told
        .slice(from)
        .filter(({ action }) => action === "socket.join")
        .map(({ params }) => params["userIds"]),
      [["7"], ["8"]],
    );
  });

  it("sends, and reads from their joining on, or everything where the group shows it", async () => {
    for (const historyVisible of [false, true]) {
      const { groupId, conversationId } = await largeGroup(world, SIZE, { historyVisible });
      const { seq } = await say(world, "1", conversationId);
      await join("7", groupId);
      assert.deepEqual(await boundsOf(world, "7", conversationId), {
        active: 1,
        min_seq: historyVisible ? 1 : seq + 1,
        max_seq: null,
        since_seq: seq,
        read_seq: seq,
      });
      assert.equal((await say(world, "7", conversationId)).seq, seq + 1);
      const seen = await readBy(world, "7", conversationId);
      assert.deepEqual(seen, historyVisible ? Array.from({ length: seq + 1 }, (_, i) => i + 1) : [seq + 1]);
    }
  });

  it("is a message up to the size, and when many come at once", async () => {
    const { groupId, conversationId } = await largeGroup(world, JOIN_NOISE_GROUP - 1);
    const head = await headOf(conversationId);
    await join("7", groupId);
    assert.equal(await countOf(groupId), JOIN_NOISE_GROUP);
    assert.equal(await headOf(conversationId), head + 1);
    await join("8", groupId);
    assert.equal(await headOf(conversationId), head + 1);
    const many = crowd(400).slice(-60);
    for (const userId of many) world.neighbours.allows.add(`1:${userId}`);
    await world.as("1", "group.invite", { groupId, userIds: many });
    assert.equal(await headOf(conversationId), head + 2);
  });
});

describe("who leaves a large group", () => {
  it("is no message, reads what was said until then and nothing later, and is back from their return on", async () => {
    const { groupId, conversationId } = await largeGroup(world, SIZE + 5);
    const [member] = crowd(1) as [string];
    const { seq } = await say(world, member, conversationId);
    const from = world.told.length;
    await leave(member, groupId);
    assert.deepEqual(pushedSince(world, from, "message:new"), []);
    assert.deepEqual(pushedSince(world, from, "group:updated"), [`u:${member}`]);
    assert.ok(world.told.slice(from).some(({ action }) => action === "socket.leave"));
    await say(world, "1", conversationId);
    await refuses(say(world, member, conversationId), "GROUP_NOT_FOUND");
    const before = await readBy(world, member, conversationId);
    assert.equal(before.at(-1), seq);
    await join(member, groupId);
    const { seq: later } = await say(world, "1", conversationId);
    assert.deepEqual(await readBy(world, member, conversationId), [later]);
    assert.deepEqual(await boundsOf(world, member, conversationId), {
      ...{ active: 1, min_seq: later, max_seq: null, since_seq: seq + 1, read_seq: seq + 1 },
    });
  });

  it("may come and go while nobody says anything, and is in or out as the last of it says", async () => {
    const { groupId, conversationId } = await largeGroup(world, SIZE + 5);
    for (let i = 0; i < 3; i++) {
      await join("7", groupId);
      assert.deepEqual(await readBy(world, "7", conversationId), []);
      await leave("7", groupId);
      assert.equal((await boundsOf(world, "7", conversationId))["active"], 0);
    }
    await say(world, "1", conversationId);
    assert.deepEqual(await readBy(world, "7", conversationId), []);
    await join("7", groupId);
    const { seq } = await say(world, "7", conversationId);
    assert.deepEqual(await readBy(world, "7", conversationId), [seq]);
  });

  it("is a message when they were removed, which they still read", async () => {
    const { groupId, conversationId } = await largeGroup(world, SIZE + 5);
    const [member] = crowd(1) as [string];
    const head = await headOf(conversationId);
    await world.as("1", "group.removeMember", { groupId, userId: member });
    assert.equal(await headOf(conversationId), head + 1);
    assert.equal((await readBy(world, member, conversationId)).at(-1), head + 1);
  });

  it("sees what was pushed to them until they were out of the room", async () => {
    const { groupId, conversationId } = await largeGroup(world, SIZE + 5);
    const [member] = crowd(1) as [string];
    let heard = 0;
    const end = intercept(world.node.broker, "socket.leave", async (proceed) => {
      heard = (await say(world, "1", conversationId)).seq;
      return proceed();
    });
    await leave(member, groupId);
    end();
    await say(world, "1", conversationId);
    assert.equal((await readBy(world, member, conversationId)).at(-1), heard);
  });
});

describe("the announcement of such a change", () => {
  it("changes nothing when it comes again, be it behind a later one", async () => {
    const { groupId, conversationId } = await largeGroup(world, SIZE + 5);
    await join("7", groupId);
    const { seq } = await say(world, "1", conversationId);
    await leave("7", groupId);
    await join("7", groupId);
    const announcements = (await announcementsOf(groupId)).filter(({ change }) => change.userIds.includes("7"));
    assert.deepEqual(
      announcements.map(({ change: { event, quiet } }) => [event, quiet]),
      ["member.joined", "member.left", "member.joined"].map((event) => [event, true]),
    );
    const before = await boundsOf(world, "7", conversationId);
    assert.equal(before["min_seq"], seq + 1);
    for (const announcement of [...announcements, ...announcements]) {
      await announceChange({ ...world.deps, queue: new AnnouncementQueue() }, announcement);
      assert.deepEqual(await boundsOf(world, "7", conversationId), before);
    }
    assert.equal((await say(world, "7", conversationId)).seq, seq + 1);
  });

  it("comes again when a neighbour was away: who left is out at once, who joined is in afterwards", async () => {
    const { groupId, conversationId } = await largeGroup(world, SIZE + 5);
    const [member] = crowd(1) as [string];
    let away = true;
    const end = intercept(world.node.broker, "conversation.left", (proceed) =>
      away ? Promise.reject(imError("UNAVAILABLE")) : proceed(),
    );
    const notYet = intercept(world.node.broker, "conversation.admit", (proceed) =>
      away ? Promise.reject(imError("UNAVAILABLE")) : proceed(),
    );
    await leave(member, groupId);
    assert.equal((await boundsOf(world, member, conversationId))["active"], 0);
    await refuses(say(world, member, conversationId), "GROUP_NOT_FOUND");
    await join("7", groupId);
    await refuses(say(world, "7", conversationId), "GROUP_NOT_FOUND");
    away = false;
    await world.settled();
    await say(world, "7", conversationId);
    assert.equal((await boundsOf(world, member, conversationId))["active"], 0);
    end();
    notYet();
  });

  it("waits until the seq of an earlier message about the same member is there", async () => {
    const { groupId, conversationId } = await largeGroup(world, SIZE + 5);
    const head = await headOf(conversationId);
    await join("7", groupId);
    // As if a message said so whose seq nobody may be shown yet, since an earlier one is still on its way.
    await world.deps.sql.execute(
      "update conversation_member set since_seq = :seq where user_id = '7' and conversation_id = :conversationId",
      { seq: head + 1, conversationId },
    );
    await leave("7", groupId);
    assert.equal((await boundsOf(world, "7", conversationId))["active"], 1);
    await refuses(say(world, "7", conversationId), "GROUP_NOT_FOUND");
    await refuses(world.node.call("conversation.leaving", { conversationId, userIds: ["7"], quiet: true }), "UNAVAILABLE");
    await say(world, "1", conversationId);
    await world.settled();
    assert.equal((await boundsOf(world, "7", conversationId))["active"], 0);
  });

  it("is not waited for by who made the change when it takes long", { timeout: 20_000 }, async () => {
    const { groupId, conversationId } = await largeGroup(world, 3);
    const gate = Promise.withResolvers<void>();
    const end = intercept(world.node.broker, "message.sendSystem", async (proceed) => {
      await gate.promise;
      return proceed();
    });
    const began = performance.now();
    await join("7", groupId);
    assert.ok(performance.now() - began < 4_000);
    gate.resolve();
    end();
    await world.settled();
    await say(world, "7", conversationId);
  });
});
