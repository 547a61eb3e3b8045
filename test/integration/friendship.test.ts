import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ann, befriend, bob, cid, dan, fails, friendNode, idsOf } from "../support/friend-node.ts";
import { waitFor } from "../support/wait.ts";

describe("a friendship", () => {
  it("has a remark, a mute and tags on each side alone", async () => {
    await using world = await friendNode();
    const { node, around } = world;
    await befriend(node, ann, bob);
    const before = (await node.as(ann, "friend.list", {})).version;
    const changed = await node.as(ann, "friend.update", { userId: bob, remark: "Bobby", tags: ["work"] });
    assert.deepEqual([changed.remark, changed.tags, changed.muted], ["Bobby", ["work"], false]);
    const muted = await node.as(ann, "friend.update", { userId: bob, muted: true });
    assert.deepEqual([muted.remark, muted.tags, muted.muted], ["Bobby", ["work"], true]);
    assert.deepEqual(await node.as(ann, "friend.update", { userId: bob }), muted);
    assert.equal((await node.call("friend.relation", { userId: ann, peerId: bob })).muted, true);
    assert.equal((await node.call("friend.relation", { userId: bob, peerId: ann })).muted, false);
    assert.deepEqual(
      (await node.as(bob, "friend.list", {})).items.map(({ remark, tags }) => [remark, tags]),
      [["", []]],
    );
    const { items, version } = await node.as(ann, "friend.list", { sinceVersion: before });
    assert.deepEqual(items, [muted]);
    assert.deepEqual(around.deliveries.at(-1), { room: `u:${ann}`, event: "friend:updated", payload: { version } });
    await waitFor(() => around.events.filter(({ subject }) => subject === "im.friend.updated").length === 2);
  });

  it("that is none can be neither changed nor ended", async () => {
    await using world = await friendNode();
    const { node } = world;
    await node.as(ann, "friend.request", { userId: bob });
    for (const [me, other] of [
      [ann, bob],
      [bob, ann],
      [ann, ann],
    ] as const) {
      await assert.rejects(node.as(me, "friend.update", { userId: other, remark: "x" }), fails("NOT_FRIENDS"));
      await assert.rejects(node.as(me, "friend.update", { userId: other }), fails("NOT_FRIENDS"));
      await assert.rejects(node.as(me, "friend.remove", { userId: other }), fails("NOT_FRIENDS"));
    }
    assert.equal((await node.as(ann, "friend.list", {})).version, "f0");
  });

  it("ends on both sides, and a new request restores it with its remark", async () => {
    await using world = await friendNode();
    const { node, around } = world;
    await befriend(node, ann, bob);
    await node.as(ann, "friend.update", { userId: bob, remark: "Bobby" });
    const versions = {
      [ann]: (await node.as(ann, "friend.list", {})).version,
      [bob]: (await node.as(bob, "friend.list", {})).version,
    };
    await node.as(bob, "friend.remove", { userId: ann });
    await assert.rejects(node.as(bob, "friend.remove", { userId: ann }), fails("NOT_FRIENDS"));
    for (const [me, other] of [
      [ann, bob],
      [bob, ann],
    ] as const) {
      const { items, removed } = await node.as(me, "friend.list", { sinceVersion: versions[me] });
      assert.deepEqual([items, removed], [[], [other]]);
      const all = await node.as(me, "friend.list", {});
      assert.deepEqual([all.items, all.removed], [[], []]);
      assert.deepEqual(await node.call("friend.friendIds", { userId: me }), []);
      assert.equal((await node.call("friend.relation", { userId: me, peerId: other })).areFriends, false);
    }
    await waitFor(() => around.events.some(({ subject }) => subject === "im.friend.removed"));
    assert.deepEqual(around.events.at(-1)?.payload, { userId: bob, peerId: ann });

    await befriend(node, bob, ann);
    assert.deepEqual(
      (await node.as(ann, "friend.list", {})).items.map(({ remark }) => remark),
      ["Bobby"],
    );
    const { items, removed } = await node.as(ann, "friend.list", { sinceVersion: versions[ann] });
    assert.deepEqual([idsOf(items), removed], [[bob], []]);
  });

  it("ends once when both end it at once", async () => {
    await using world = await friendNode();
    const { node, around } = world;
    await befriend(node, ann, bob);
    const outcomes = await Promise.allSettled([
      node.as(ann, "friend.remove", { userId: bob }),
      node.as(bob, "friend.remove", { userId: ann }),
    ]);
    assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
    await waitFor(() => around.events.some(({ subject }) => subject === "im.friend.removed"));
  });
});

describe("a deleted user", () => {
  it("is nobody's friend, waits for no answer and stands on no list", async () => {
    await using world = await friendNode();
    const { node, around } = world;
    await befriend(node, ann, bob);
    await befriend(node, cid, ann);
    await node.as(ann, "friend.request", { userId: dan, message: "secret" });
    await node.as("80", "friend.request", { userId: ann });
    await node.as(bob, "friend.allow", { userId: ann });
    await node.as(ann, "friend.block", { userId: dan });
    const { version } = await node.as(bob, "friend.list", {});
    await around.publish("im.user.deleted", { userId: ann, groupIds: [] });
    await waitFor(async () => (await node.as(bob, "friend.allowed", {})).items.length === 0);
    const delta = await node.as(bob, "friend.list", { sinceVersion: version });
    assert.deepEqual([delta.items, delta.removed], [[], [ann]]);
    assert.deepEqual((await node.as(cid, "friend.list", {})).items, []);
    assert.deepEqual(
      (await node.as(dan, "friend.requests", { direction: "in" })).items.map(({ status, message }) => [status, message]),
      [["rejected", ""]],
    );
    assert.deepEqual(
      (await node.as("80", "friend.requests", { direction: "out" })).items.map(({ status }) => status),
      ["rejected"],
    );
    const kept = await node.call("friend.exportOf", { userId: ann });
    assert.deepEqual([kept["friends"], kept["blocked"], kept["allowed"]], [[], [], []]);
    await waitFor(() => around.events.filter(({ subject }) => subject === "im.friend.removed").length === 2);
  });
});

describe("the export", () => {
  it("holds all of a user's own rows", async () => {
    await using world = await friendNode();
    const { node } = world;
    await befriend(node, ann, bob);
    await node.as(ann, "friend.update", { userId: bob, remark: "Bobby" });
    await node.as(ann, "friend.request", { userId: cid });
    await node.as(dan, "friend.request", { userId: ann, message: "it is me" });
    await node.as(ann, "friend.block", { userId: cid });
    await node.as(ann, "friend.allow", { userId: bob });
    const own = (await node.call("friend.exportOf", { userId: ann })) as Record<string, Record<string, unknown>[]>;
    assert.deepEqual(
      own["friends"]?.map(({ userId, remark, ended }) => [userId, remark, ended]),
      [[bob, "Bobby", false]],
    );
    assert.deepEqual(
      own["requestsOut"]?.map(({ toUserId }) => toUserId),
      [cid, bob],
    );
    assert.deepEqual(
      own["requestsIn"]?.map(({ fromUserId, message }) => [fromUserId, message]),
      [[dan, "it is me"]],
    );
    assert.deepEqual(
      own["blocked"]?.map(({ userId }) => userId),
      [cid],
    );
    assert.deepEqual(
      own["allowed"]?.map(({ userId }) => userId),
      [bob],
    );
  });
});
