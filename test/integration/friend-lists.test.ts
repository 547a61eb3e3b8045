import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ErrorType } from "../../contracts/errors.ts";
import { isImError } from "../../lib/errors.ts";
import friend from "../../services/friend/friend.service.ts";
import { createNeighbours, type Neighbours } from "../support/neighbours.ts";
import { createNode, type TestNode } from "../support/node.ts";
import { waitFor } from "../support/wait.ts";

const ann = "9";
const bob = "10";
const cid = "1234567890123456789";
const dan = "77";

async function friendNode(): Promise<{ node: TestNode; around: Neighbours } & AsyncDisposable> {
  const around = createNeighbours();
  const node = await createNode([friend, ...around.services]);
  return { node, around, [Symbol.asyncDispose]: () => node.stop() };
}

const fails =
  (type: ErrorType) =>
  (error: unknown): boolean =>
    isImError(error, type);

async function befriend(node: TestNode, a: string, b: string): Promise<void> {
  const { requestId } = await node.as(a, "friend.request", { userId: b });
  await node.as(b, "friend.handleRequest", { requestId, action: "accept" });
}

const idsOf = (items: readonly { user: { userId: string } }[]): string[] => items.map(({ user }) => user.userId);

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
