import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ann, befriend, bob, cid, dan, fails, friendNode, idsOf } from "../support/friend-node.ts";
import { waitFor } from "../support/wait.ts";

describe("the list of friends", () => {
  it("gives what changed since a version, and nothing when nothing did", async () => {
    await using world = await friendNode();
    const { node } = world;
    const start = (await node.as(ann, "friend.list", {})).version;
    await befriend(node, ann, bob);
    const one = await node.as(ann, "friend.list", { sinceVersion: start });
    assert.deepEqual(idsOf(one.items), [bob]);
    await befriend(node, ann, cid);
    const two = await node.as(ann, "friend.list", { sinceVersion: one.version });
    assert.deepEqual(idsOf(two.items), [cid]);
    assert.deepEqual(await node.as(ann, "friend.list", { sinceVersion: two.version }), {
      items: [],
      removed: [],
      version: two.version,
    });
  });

  it("answers a version it never had with all there is and all that ended", async () => {
    await using world = await friendNode();
    const { node } = world;
    await befriend(node, ann, bob);
    await befriend(node, ann, cid);
    await node.as(ann, "friend.remove", { userId: bob });
    for (const sinceVersion of ["f999", "17", "f-1", "f1e3", "g2", "f9999999999999999"]) {
      const { items, removed } = await node.as(ann, "friend.list", { sinceVersion });
      assert.deepEqual([idsOf(items), removed], [[cid], [bob]], sinceVersion);
    }
  });

  it("misses no change that is made while it is followed", async () => {
    await using world = await friendNode();
    const { node } = world;
    const others = Array.from({ length: 12 }, (_, index) => String(500 + index));
    const followed = new Set<string>();
    let version = (await node.as(ann, "friend.list", {})).version;
    const follow = async (): Promise<void> => {
      const delta = await node.as(ann, "friend.list", { sinceVersion: version });
      for (const id of idsOf(delta.items)) followed.add(id);
      for (const id of delta.removed) followed.delete(id);
      version = delta.version;
    };
    let isDone = false;
    const changes = Promise.all(
      others.map(async (other, index) => {
        await befriend(node, ann, other);
        if (index % 3 === 0) await node.as(other, "friend.remove", { userId: ann });
      }),
    ).finally(() => {
      isDone = true;
    });
    while (!isDone) await follow();
    await changes;
    await follow();
    assert.deepEqual([...followed].toSorted(), idsOf((await node.as(ann, "friend.list", {})).items).toSorted());
    assert.equal(followed.size, 8);
  });

  it("shows friends again whose profile changed", async () => {
    await using world = await friendNode();
    const { node, around } = world;
    await befriend(node, ann, bob);
    await befriend(node, ann, cid);
    const { version } = await node.as(ann, "friend.list", {});
    await around.publish("im.user.updated", { userId: bob });
    const changed = await waitFor(async () => {
      const delta = await node.as(ann, "friend.list", { sinceVersion: version });
      return delta.items.length > 0 ? delta : null;
    });
    assert.deepEqual(idsOf(changed.items), [bob]);
    await waitFor(() =>
      around.deliveries.some(
        ({ room, payload }) => room === `u:${ann}` && (payload as { version: string }).version === changed.version,
      ),
    );
  });
});

describe("the block list", () => {
  it("holds whom I block, once, and keeps the friendship", async () => {
    await using world = await friendNode();
    const { node, around } = world;
    await befriend(node, ann, bob);
    around.refreshed.length = 0;
    await node.as(ann, "friend.block", { userId: bob });
    await node.as(ann, "friend.block", { userId: bob });
    assert.deepEqual(idsOf((await node.as(ann, "friend.blocked", {})).items), [bob]);
    assert.deepEqual((await node.as(bob, "friend.blocked", {})).items, []);
    assert.deepEqual(await node.call("friend.relation", { userId: ann, peerId: bob }), {
      areFriends: true,
      blockedByMe: true,
      blocksMe: false,
      muted: false,
    });
    assert.deepEqual(await node.call("friend.relation", { userId: bob, peerId: ann }), {
      areFriends: true,
      blockedByMe: false,
      blocksMe: true,
      muted: false,
    });
    assert.deepEqual(idsOf((await node.as(bob, "friend.list", {})).items), [ann]);
    await node.as(ann, "friend.unblock", { userId: bob });
    await node.as(ann, "friend.unblock", { userId: bob });
    assert.deepEqual((await node.as(ann, "friend.blocked", {})).items, []);
    assert.equal(around.refreshed.length, 2);
    const blocks = await waitFor(() => {
      const changes = around.events.filter(({ subject }) => subject === "im.friend.block.changed");
      return changes.length === 2 ? changes : null;
    });
    assert.deepEqual(
      blocks.map(({ payload }) => payload),
      [
        { userId: ann, peerId: bob, blocked: true },
        { userId: ann, peerId: bob, blocked: false },
      ],
    );
  });

  it("and the white list take neither oneself nor nobody", async () => {
    await using world = await friendNode();
    const { node, around } = world;
    around.inactive.add("404");
    for (const action of ["friend.block", "friend.allow"] as const) {
      await assert.rejects(node.as(ann, action, { userId: ann }), fails("CANNOT_ADD_SELF"));
      await assert.rejects(node.as(ann, action, { userId: "404" }), fails("USER_NOT_FOUND"));
    }
  });

  it("comes in pages", async () => {
    await using world = await friendNode();
    const { node } = world;
    for (const userId of [cid, bob, dan]) await node.as(ann, "friend.block", { userId });
    const first = await node.as(ann, "friend.blocked", { limit: 2 });
    assert.deepEqual(idsOf(first.items), [bob, dan]);
    assert.ok(first.nextCursor);
    const second = await node.as(ann, "friend.blocked", { limit: 2, cursor: first.nextCursor });
    assert.deepEqual([idsOf(second.items), second.nextCursor], [[cid], null]);
  });
});

describe("who may be invited", () => {
  it("is a friend or someone whose white list holds me, unless they have blocked me", async () => {
    await using world = await friendNode();
    const { node } = world;
    await befriend(node, ann, bob);
    await befriend(node, ann, cid);
    await node.as(cid, "friend.block", { userId: ann });
    await node.as(dan, "friend.allow", { userId: ann });
    await node.as(dan, "friend.allow", { userId: ann });
    await node.as("78", "friend.allow", { userId: ann });
    await node.as("78", "friend.block", { userId: ann });
    await node.as(ann, "friend.allow", { userId: "79" });
    const userIds = [bob, cid, dan, "78", "79", ann];
    assert.deepEqual(await node.call("friend.invitable", { inviterId: ann, userIds }), {
      invitable: [bob, dan],
      joinAtOnce: [dan],
    });
    assert.deepEqual(idsOf((await node.as(dan, "friend.allowed", {})).items), [ann]);
    await node.as(dan, "friend.disallow", { userId: ann });
    await node.as(dan, "friend.disallow", { userId: ann });
    assert.deepEqual(await node.call("friend.invitable", { inviterId: ann, userIds: [dan] }), { invitable: [], joinAtOnce: [] });
  });

  it("and who are my friends is asked by id, those who blocked me left out on demand", async () => {
    await using world = await friendNode();
    const { node } = world;
    await befriend(node, ann, bob);
    await befriend(node, ann, cid);
    await node.as(cid, "friend.block", { userId: ann });
    assert.deepEqual(await node.call("friend.friendIds", { userId: ann }), [bob, cid]);
    assert.deepEqual(await node.call("friend.friendIds", { userId: ann, among: [cid, dan] }), [cid]);
    assert.deepEqual(await node.call("friend.friendIds", { userId: ann, among: [] }), []);
    assert.deepEqual(await node.call("friend.friendIds", { userId: ann, exceptBlockers: true }), [bob]);
  });
});
