import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ErrorType } from "../../contracts/errors.ts";
import type { Config } from "../../config/config.ts";
import { FRIEND_REQUESTS_PER_DAY } from "../../config/limits.ts";
import { isImError } from "../../lib/errors.ts";
import friend from "../../services/friend/friend.service.ts";
import { createNeighbours, type Neighbours } from "../support/neighbours.ts";
import { createNode, type TestNode } from "../support/node.ts";
import { waitFor } from "../support/wait.ts";

/** Ids of two lengths, so that their order as numbers differs from that as text. */
const ann = "9";
const bob = "10";
const cid = "1234567890123456789";

async function friendNode(
  config: Partial<Config> = {},
  without: string[] = [],
): Promise<{ node: TestNode; around: Neighbours } & AsyncDisposable> {
  const around = createNeighbours({ without });
  const node = await createNode([friend, ...around.services], { config });
  return { node, around, [Symbol.asyncDispose]: () => node.stop() };
}

const fails =
  (type: ErrorType) =>
  (error: unknown): boolean =>
    isImError(error, type);
const answer = (node: TestNode, who: string, requestId: string, action: "accept" | "reject") =>
  node.as(who, "friend.handleRequest", { requestId, action });

describe("friend requests", () => {
  it("wait until the other accepts, and then both are friends", async () => {
    await using world = await friendNode();
    const { node, around } = world;
    const { requestId } = await node.as(ann, "friend.request", { userId: bob, message: "hello" });
    const [incoming] = (await node.as(bob, "friend.requests", { direction: "in" })).items;
    assert.ok(incoming);
    const { createdAt, ...fields } = incoming;
    assert.ok(Math.abs(Date.now() - createdAt) < 60_000);
    assert.equal(fields.from.userId, ann);
    assert.equal(fields.to.userId, bob);
    assert.deepEqual([fields.requestId, fields.message, fields.status, fields.handledAt], [requestId, "hello", "pending", null]);
    assert.equal((await node.as(ann, "friend.requests", { direction: "out" })).items[0]?.requestId, requestId);
    assert.deepEqual((await node.as(bob, "friend.requests", { direction: "out" })).items, []);

    const handled = await answer(node, bob, requestId, "accept");
    assert.equal(handled.status, "accepted");
    assert.ok(handled.handledAt !== null);
    for (const [me, other] of [
      [ann, bob],
      [bob, ann],
    ] as const) {
      const { items, version } = await node.as(me, "friend.list", {});
      assert.deepEqual(
        items.map(({ user, remark, muted, tags }) => [user.userId, remark, muted, tags]),
        [[other, "", false, []]],
      );
      assert.deepEqual(
        around.deliveries.filter(({ room }) => room === `u:${me}`),
        [{ room: `u:${me}`, event: "friend:updated", payload: { version } }],
      );
    }
    assert.deepEqual(around.refreshed, [{ conversationId: "d_9_10", userIds: [ann, bob] }]);
    await waitFor(() => around.events.length === 2);
    assert.deepEqual(around.events, [
      { subject: "im.friend.request.sent", payload: { requestId, fromUserId: ann, toUserId: bob } },
      { subject: "im.friend.request.handled", payload: { requestId, fromUserId: ann, toUserId: bob, accepted: true } },
    ]);
  });

  it("are refused to oneself, to nobody, to friends, twice, and where none are wanted", async () => {
    await using world = await friendNode();
    const { node, around } = world;
    around.inactive.add("404");
    around.settings.set(cid, { whoMayAddMe: "nobody" });
    await assert.rejects(node.as(ann, "friend.request", { userId: ann }), fails("CANNOT_ADD_SELF"));
    await assert.rejects(node.as(ann, "friend.request", { userId: "404" }), fails("USER_NOT_FOUND"));
    await assert.rejects(node.as(ann, "friend.request", { userId: cid }), fails("REQUESTS_REFUSED"));
    const { requestId } = await node.as(ann, "friend.request", { userId: bob });
    await assert.rejects(node.as(ann, "friend.request", { userId: bob }), fails("REQUEST_PENDING"));
    await answer(node, bob, requestId, "accept");
    for (const [me, other] of [
      [ann, bob],
      [bob, ann],
    ] as const) {
      await assert.rejects(node.as(me, "friend.request", { userId: other }), fails("ALREADY_FRIENDS"));
    }
  });

  it("can only be answered by the person asked, and once", async () => {
    await using world = await friendNode();
    const { node } = world;
    const { requestId } = await node.as(ann, "friend.request", { userId: bob });
    for (const who of [ann, cid]) await assert.rejects(answer(node, who, requestId, "accept"), fails("REQUEST_NOT_FOUND"));
    await assert.rejects(answer(node, bob, "404", "accept"), fails("REQUEST_NOT_FOUND"));
    await answer(node, bob, requestId, "reject");
    for (const action of ["accept", "reject"] as const)
      await assert.rejects(answer(node, bob, requestId, action), fails("REQUEST_HANDLED"));
    assert.deepEqual((await node.as(ann, "friend.list", {})).items, []);
  });

  it("may come again after a rejection", async () => {
    await using world = await friendNode();
    const { node } = world;
    const first = await node.as(ann, "friend.request", { userId: bob });
    await answer(node, bob, first.requestId, "reject");
    const second = await node.as(ann, "friend.request", { userId: bob });
    assert.notEqual(second.requestId, first.requestId);
    assert.deepEqual(
      (await node.as(bob, "friend.requests", { direction: "in" })).items.map(({ status }) => status),
      ["pending", "rejected"],
    );
  });

  it("against one that waits from the other side accept it, even where none are wanted", async () => {
    await using world = await friendNode();
    const { node, around } = world;
    around.settings.set(ann, { whoMayAddMe: "nobody" });
    const first = await node.as(ann, "friend.request", { userId: bob });
    assert.deepEqual(await node.as(bob, "friend.request", { userId: ann }), first);
    assert.equal((await node.call("friend.relation", { userId: ann, peerId: bob })).areFriends, true);
    assert.deepEqual(around.refreshed, [{ conversationId: "d_9_10", userIds: [bob, ann] }]);
    await waitFor(() => around.events.length === 2);
    assert.deepEqual(around.events[1]?.payload, { requestId: first.requestId, fromUserId: ann, toUserId: bob, accepted: true });
  });

  it("of both sides at once make them friends once", async () => {
    await using world = await friendNode();
    const { node, around } = world;
    const answers = await Promise.all([
      node.as(ann, "friend.request", { userId: bob }),
      node.as(bob, "friend.request", { userId: ann }),
    ]);
    assert.equal(new Set(answers.map(({ requestId }) => requestId)).size, 1);
    for (const me of [ann, bob]) assert.equal((await node.as(me, "friend.list", {})).items.length, 1);
    await waitFor(() => around.events.length === 2);
    assert.deepEqual(
      around.events.map(({ subject }) => subject),
      ["im.friend.request.sent", "im.friend.request.handled"],
    );
  });

  it("made 20 times at once leave one that waits", async () => {
    await using world = await friendNode();
    const { node } = world;
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => node.as(ann, "friend.request", { userId: bob })));
    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    assert.equal(refused.length, 19);
    for (const { reason } of refused) assert.ok(isImError(reason, "REQUEST_PENDING"), String(reason));
    assert.equal((await node.as(bob, "friend.requests", { direction: "in" })).items.length, 1);
  });

  it("answered 10 times at once are answered once", async () => {
    await using world = await friendNode();
    const { node } = world;
    const { requestId } = await node.as(ann, "friend.request", { userId: bob });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) => answer(node, bob, requestId, index % 2 ? "accept" : "reject")),
    );
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  });

  it("look the same to someone who is blocked, who causes neither list entry nor event until the block is lifted", async () => {
    await using world = await friendNode();
    const { node, around } = world;
    await node.as(bob, "friend.block", { userId: ann });
    await waitFor(() => around.events.length === 1);
    const { requestId } = await node.as(ann, "friend.request", { userId: bob });
    const [sent] = (await node.as(ann, "friend.requests", { direction: "out" })).items;
    assert.deepEqual([sent?.requestId, sent?.status], [requestId, "pending"]);
    await assert.rejects(node.as(ann, "friend.request", { userId: bob }), fails("REQUEST_PENDING"));
    assert.deepEqual((await node.as(bob, "friend.requests", { direction: "in" })).items, []);
    assert.deepEqual((await node.call("friend.exportOf", { userId: bob }))["requestsIn"], []);

    await node.as(bob, "friend.unblock", { userId: ann });
    await waitFor(() => around.events.length === 2);
    assert.deepEqual(
      around.events.map(({ subject }) => subject),
      ["im.friend.block.changed", "im.friend.block.changed"],
    );
    assert.deepEqual(
      (await node.as(bob, "friend.requests", { direction: "in" })).items.map((item) => item.requestId),
      [requestId],
    );
  });

  it("are counted by the day, what is refused or accepts another one not among them", async () => {
    await using world = await friendNode({ rateLimits: true });
    const { node } = world;
    await node.as(bob, "friend.request", { userId: ann });
    await node.as(ann, "friend.request", { userId: bob });
    await node.as(ann, "friend.request", { userId: "1000" });
    for (let times = 0; times < 3; times++)
      await assert.rejects(node.as(ann, "friend.request", { userId: "1000" }), fails("REQUEST_PENDING"));
    for (let count = 1; count < FRIEND_REQUESTS_PER_DAY; count++)
      await node.as(ann, "friend.request", { userId: String(1_000 + count) });
    await assert.rejects(node.as(ann, "friend.request", { userId: "2000" }), (error: unknown) => {
      assert.ok(isImError(error, "QUOTA_EXCEEDED"));
      const { retryAfterMs } = error.data as { retryAfterMs: number };
      return retryAfterMs > 0 && retryAfterMs <= 86_400_000;
    });
    assert.deepEqual((await node.as("2000", "friend.requests", { direction: "in" })).items, []);
    await node.as(cid, "friend.request", { userId: "2000" });
  });

  it("come in pages, newest first", async () => {
    await using world = await friendNode();
    const { node } = world;
    const ids: string[] = [];
    for (let count = 0; count < 5; count++)
      ids.unshift((await node.as(String(100 + count), "friend.request", { userId: bob })).requestId);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: { items: { requestId: string }[]; nextCursor: string | null } = await node.as(bob, "friend.requests", {
        direction: "in",
        limit: 2,
        ...(cursor === null ? {} : { cursor }),
      });
      seen.push(...page.items.map(({ requestId }) => requestId));
      cursor = page.nextCursor;
    } while (cursor !== null);
    assert.deepEqual(seen, ids);
    await assert.rejects(node.as(bob, "friend.requests", { direction: "in", cursor: "nonsense" }), fails("VALIDATION"));
  });

  it("work while conversations and sockets are away", async () => {
    await using world = await friendNode({}, ["conversation", "socket"]);
    const { node } = world;
    const { requestId } = await node.as(ann, "friend.request", { userId: bob });
    assert.equal((await answer(node, bob, requestId, "accept")).status, "accepted");
  });
});
