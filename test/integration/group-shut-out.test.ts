import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { JOIN_NOISE_GROUP } from "../../contracts/limits.ts";
import { announceChange, type Announcement } from "../../services/group/announce-change.ts";
import { AnnouncementQueue } from "../../services/group/announcement-queue.ts";
import type { GroupWorld } from "../support/group-world.ts";
import { intercept } from "../support/intercept.ts";
import { boundsOf, createLargeWorld, largeGroup, readBy, say } from "../support/large-group.ts";

let world: GroupWorld;
before(async () => void (world = await createLargeWorld()));
after(() => world[Symbol.asyncDispose]());

const away = (): Promise<never> => Promise.reject(new Error("away"));

/** The change that ended the last membership in a group. */
async function lastLeaving(groupId: string): Promise<Announcement> {
  const [row] = await world.deps.sql.select<{ event_id: string; payload: string }>(
    "select event_id, payload from outbox where event_key = :groupId and subject = 'im.group.member.left' order by position desc limit 1",
    { groupId },
  );
  return { eventId: row!.event_id, ...(JSON.parse(row!.payload) as Omit<Announcement, "eventId">) };
}

/** Announces a change as a node does that cannot keep the others from it. */
const announceInVain = (announcement: Announcement): Promise<void> =>
  announceChange({ ...world.deps, queue: new AnnouncementQueue(away) }, announcement);

describe("who left, where the leaving could not be announced", () => {
  for (const [size, kind] of [
    [2, "small"],
    [JOIN_NOISE_GROUP + 1, "large"],
  ] as const)
    it(`and is back in a ${kind} group before they are shut out, stays and sees what they saw`, async () => {
      const { groupId, conversationId } = await largeGroup(world, size);
      await world.as("7", "group.join", { groupId });
      await say(world, "1", conversationId);
      await world.as("7", "group.removeMember", { groupId, userId: "7" });
      const leaving = await lastLeaving(groupId);
      let joined: Record<string, unknown> = {};
      let from = 0;
      const end = intercept(world.node.broker, "conversation.leaving", async (proceed) => {
        end();
        await world.as("7", "group.join", { groupId });
        joined = await boundsOf(world, "7", conversationId);
        from = world.told.length;
        return proceed();
      });
      await assert.rejects(announceInVain(leaving), /away/);
      assert.equal(joined["active"], 1);
      assert.deepEqual(await boundsOf(world, "7", conversationId), joined);
      const { seq } = await say(world, "7", conversationId);
      assert.ok((await readBy(world, "7", conversationId)).includes(seq));
      const moves = world.told.slice(from).filter(({ action }) => action === "socket.join" || action === "socket.leave");
      assert.equal(moves.at(-1)?.action, "socket.join", "they hear what is said");
    });

  it("sees nothing more, whoever else waits for it, and the error is that of the announcement", async () => {
    const { groupId, conversationId } = await largeGroup(world, 2);
    await world.as("7", "group.join", { groupId });
    await world.as("7", "group.removeMember", { groupId, userId: "7" });
    const leaving = await lastLeaving(groupId);
    let closed = 0;
    const stop = intercept(world.node.broker, "conversation.leaving", (proceed) => {
      closed++;
      return proceed();
    });
    const deps = { ...world.deps, queue: new AnnouncementQueue(away) };
    const waiting = [announceChange(deps, leaving), announceChange(deps, leaving)];
    for (const one of await Promise.allSettled(waiting)) assert.equal(one.status, "rejected");
    assert.equal(closed, 1);
    stop();
    assert.equal((await boundsOf(world, "7", conversationId))["active"], 0);
    const sql = { ...world.deps.sql, select: () => Promise.reject(new Error("no database")) } as unknown as typeof deps.sql;
    await assert.rejects(announceChange({ ...deps, sql }, leaving), /away/);
  });
});
