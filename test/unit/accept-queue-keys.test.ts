import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AcceptRequest } from "../../mixins/hot-store/port.ts";
import { createWorld, newConversation, request, submit, typeOf, type World } from "../support/accept-queue.ts";
import { waitFor } from "../support/wait.ts";

/** A hot store that tells by itself of the ids in `known`, as one that keeps the last ones of each sender. */
function createKnowing(known: ReadonlySet<string>): World {
  const world = createWorld(undefined, true);
  const { accept } = world.hot;
  const told = (one: AcceptRequest): AcceptRequest =>
    one.inSql === "unasked" && known.has(one.clientMsgId) ? { ...one, inSql: "absent" } : one;
  world.hot.accept = (requests, now) => accept(requests.map(told), now);
  return world;
}

describe("AcceptQueue: a hot store that knows client message ids", { timeout: 10_000 }, () => {
  it("does not ask SQL for what the hot store can tell", async () => {
    const id = newConversation();
    const sends = [request(id), request(id)];
    const world = createKnowing(new Set(sends.map(({ clientMsgId }) => clientMsgId)));
    const sent = await Promise.all(sends.map((one) => submit(world, one)));
    assert.deepEqual(
      sent.map(({ seq }) => seq),
      [1, 2],
    );
    assert.deepEqual(world.lookedUp, []);
  });

  it("asks SQL once for all of a turn that only SQL can tell, and keeps their order", async () => {
    const [a, b] = [newConversation(), newConversation()];
    const [known, first, second, other] = [request(a), request(a), request(a), request(b)];
    const world = createKnowing(new Set([known.clientMsgId]));
    await Promise.all([submit(world, request(a)), submit(world, request(b))]);
    world.lookedUp.length = 0;
    const sent = await Promise.all([known, first, second, other].map((one) => submit(world, one)));
    assert.deepEqual(
      sent.map(({ seq }) => seq),
      [2, 3, 4, 2],
    );
    assert.deepEqual(world.lookedUp, [[first.clientMsgId, second.clientMsgId, other.clientMsgId]]);
  });

  it("answers a repeated message from SQL", async () => {
    const one = request(newConversation());
    const world = createKnowing(new Set());
    world.sql.set(one.clientMsgId, { messageId: "5", seq: 9, createdAt: 3, bodyHash: one.bodyHash });
    assert.deepEqual(await submit(world, one), { messageId: "5", seq: 9, createdAt: 3, repeated: true });
  });

  it("fails only those that need SQL when it is away", async () => {
    const [a, b] = [newConversation(), newConversation()];
    const known = request(a);
    const world = createKnowing(new Set([known.clientMsgId]));
    await Promise.all([submit(world, request(a)), submit(world, request(b))]);
    world.sql.get = () => {
      throw new Error("away");
    };
    const [sent, failed] = [submit(world, known), submit(world, request(b))];
    await assert.rejects(failed, /away/);
    assert.equal((await sent).seq, 2);
  });

  it("asks SQL again after a conversation had to be loaded, since it may have lost what was known", async () => {
    const one = request(newConversation());
    const world = createKnowing(new Set());
    await submit(world, request(one.conversationId));
    const { accept } = world.hot;
    let calls = 0;
    world.hot.accept = async (requests, now) => {
      if (++calls !== 2) return accept(requests, now);
      world.sql.set(one.clientMsgId, { messageId: "5", seq: 1, createdAt: 3, bodyHash: one.bodyHash });
      return requests.map(() => ({ kind: "cold" }));
    };
    assert.equal((await submit(world, one)).messageId, "5");
  });
});

describe("AcceptQueue: a hot store that lost a conversation", { timeout: 10_000 }, () => {
  it("acknowledges and announces nothing of it, and all of the others", async () => {
    const world = createWorld();
    const [lost, kept] = [request(newConversation()), request(newConversation())];
    const { logged } = world.hot;
    world.hot.logged = async (records) => {
      const stable = new Map(await logged(records));
      stable.delete(lost.conversationId);
      return stable;
    };
    const sends = [typeOf(submit(world, lost)), submit(world, kept).then(({ seq }) => seq)];
    assert.deepEqual(await Promise.all(sends), ["SEND_FAILED", 1]);
    assert.deepEqual(
      world.announced.map(({ record }) => record.messageId),
      [kept.messageId],
    );
    world.log.late(world.log.appends.flat());
    await waitFor(() => world.announced.length > 1);
    assert.ok(world.announced.every(({ record }) => record.messageId === kept.messageId));
  });
});
