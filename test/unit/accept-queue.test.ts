import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AcceptRequest } from "../../mixins/hot-store/port.ts";
import { createWorld, newConversation, request, submit, typeOf } from "../support/accept-queue.ts";
import { newId } from "../support/records.ts";
import { waitFor } from "../support/wait.ts";

describe("AcceptQueue: order", { timeout: 10_000 }, () => {
  it("gives seqs in the order of submission, however long a request takes to be made", async () => {
    const world = createWorld();
    const id = newConversation();
    const slow = Promise.withResolvers<AcceptRequest>();
    const sends = [submit(world, request(id)), world.queue.submit(id, slow.promise), submit(world, request(id))];
    await sends[0];
    slow.resolve(request(id));
    assert.deepEqual(
      (await Promise.all(sends)).map(({ seq }) => seq),
      [1, 2, 3],
    );
    assert.deepEqual(
      world.announced.map(({ record }) => record.seq),
      [1, 2, 3],
    );
  });

  it("keeps the order over a hundred submissions of which every third has yet to be made", async () => {
    const world = createWorld();
    const id = newConversation();
    const order: string[] = [];
    const sends = Array.from({ length: 100 }, (_, index) => {
      const one = request(id);
      order.push(one.messageId);
      const later = new Promise<AcceptRequest>((resolve) => setTimeout(() => resolve(one), (index * 7) % 5));
      return index % 3 === 0 ? world.queue.submit(id, later) : submit(world, one);
    });
    const sent = await Promise.all(sends);
    assert.deepEqual(
      sent.map(({ seq }) => seq),
      order.map((_, index) => index + 1),
    );
    assert.deepEqual(
      sent.map(({ messageId }) => messageId),
      order,
    );
    assert.deepEqual(
      world.log.appends.flat().map(({ seq }) => seq),
      order.map((_, index) => index + 1),
    );
  });

  it("passes on the error of a request that could not be made, and goes on with the next", async () => {
    const world = createWorld();
    const id = newConversation();
    const bad = world.queue.submit(id, Promise.reject(new Error("no such message")));
    const good = submit(world, request(id));
    await assert.rejects(bad, /no such message/);
    assert.equal((await good).seq, 1);
  });

  it("shares one append between what is submitted in one turn, over all conversations", async () => {
    const world = createWorld();
    const ids = [newConversation(), newConversation()];
    await Promise.all(ids.map((id) => submit(world, request(id))));
    world.log.appends.length = 0;
    await Promise.all([...ids, ...ids].map((id) => submit(world, request(id))));
    assert.deepEqual(
      world.log.appends.map(({ length }) => length),
      [4],
    );
  });

  it("shares one append between what comes while the hot store would gather", async (t) => {
    const world = createWorld(undefined, false, 50);
    const ids = [newConversation(), newConversation()];
    await Promise.all(ids.map((id) => submit(world, request(id))));
    world.log.appends.length = 0;
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const first = submit(world, request(ids[0]!));
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const second = submit(world, request(ids[1]!));
    t.mock.timers.tick(50);
    await Promise.all([first, second]);
    assert.deepEqual(
      world.log.appends.map(({ length }) => length),
      [2],
    );
  });

  it("holds up no other conversation while one is loaded", async () => {
    const gate = Promise.withResolvers<void>();
    const cold = newConversation();
    const world = createWorld((id, load) => (id === cold ? gate.promise.then(load) : load()));
    const other = newConversation();
    const waiting = submit(world, request(cold));
    assert.equal((await submit(world, request(other))).seq, 1);
    assert.equal((await submit(world, request(other))).seq, 2, "after one that shared a turn with the cold one");
    gate.resolve();
    assert.equal((await waiting).seq, 1);
  });

  it("loads a conversation once for all that wait for it, and they keep their order", async () => {
    const world = createWorld();
    const id = newConversation();
    const sent = await Promise.all([1, 2, 3].map(() => submit(world, request(id))));
    assert.deepEqual(
      sent.map(({ seq }) => seq),
      [1, 2, 3],
    );
    assert.deepEqual(world.warmed, [id]);
  });

  it("loads again when the members change while it loads, and gives up when that does not end", async () => {
    const world = createWorld(async (id, load) => {
      await load();
      if (world.warmed.length < 3) await world.hot.invalidateMembers(id);
      return true;
    });
    assert.equal((await submit(world, request(newConversation()))).seq, 1);
    const endless = createWorld(async () => true);
    assert.equal(await typeOf(submit(endless, request(newConversation()))), "SEND_FAILED");
  });
});

describe("AcceptQueue: answers", { timeout: 10_000 }, () => {
  it("answers a repeated message from SQL without logging it", async () => {
    const world = createWorld();
    const one = request(newConversation());
    world.sql.set(one.clientMsgId, { messageId: "5", seq: 9, createdAt: 3, bodyHash: one.bodyHash });
    assert.deepEqual(await submit(world, one), { messageId: "5", seq: 9, createdAt: 3, repeated: true });
    assert.equal(await typeOf(submit(world, { ...one, bodyHash: "other" })), "IDEMPOTENCY_CONFLICT");
    assert.deepEqual(world.log.appends, []);
    assert.equal(world.announced.length, 0);
  });

  it("announces a message once, whoever sends it again while it is on its way", async () => {
    const world = createWorld();
    const gate = Promise.withResolvers<void>();
    world.log.answer = (records) => gate.promise.then(() => records.map(() => ({ ok: true })));
    const one = request(newConversation());
    const first = submit(world, one, "a");
    const twin = submit(world, { ...one, messageId: newId() }, "a");
    await waitFor(() => world.log.appends.length);
    const retry = submit(world, { ...one, messageId: newId() }, "b");
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    gate.resolve();
    const answer = { messageId: one.messageId, seq: 1, createdAt: 1_000 };
    assert.deepEqual(await first, { ...answer, repeated: false });
    assert.deepEqual(await twin, { ...answer, repeated: true });
    assert.deepEqual(await retry, { ...answer, repeated: true });
    assert.deepEqual(
      world.announced.map(({ record, connectionId }) => [record.messageId, connectionId]),
      [[one.messageId, "a"]],
    );
  });

  it("refuses before a seq is taken while the log takes nothing", async () => {
    const world = createWorld();
    const id = newConversation();
    world.log.accepting = false;
    assert.equal(await typeOf(submit(world, request(id))), "SEND_FAILED");
    world.log.accepting = true;
    assert.equal((await submit(world, request(id))).seq, 1);
  });

  it("says that sending failed when the log does not know, keeps the message pending, and gives the retry the same seq", async () => {
    const world = createWorld();
    const one = request(newConversation());
    world.log.answer = async (records) => records.map(() => ({ ok: false, retryable: true, reason: "slow" }));
    assert.equal(await typeOf(submit(world, one)), "SEND_FAILED");
    assert.equal(world.announced.length, 0);
    assert.equal((await world.hot.pendingStats()).count, 1);
    world.log.answer = async (records) => records.map(() => ({ ok: true }));
    assert.deepEqual(await submit(world, { ...one, messageId: newId() }), {
      messageId: one.messageId,
      seq: 1,
      createdAt: 1_000,
      repeated: true,
    });
    assert.deepEqual(
      world.announced.map(({ record }) => record.messageId),
      [one.messageId],
    );
  });

  it("announces what turns out to be in the log after its sender was told that nobody knew", async () => {
    const world = createWorld();
    const one = request(newConversation());
    world.log.answer = async (records) => records.map(() => ({ ok: false, retryable: true, reason: "slow" }));
    assert.equal(await typeOf(submit(world, one, "a")), "SEND_FAILED");
    world.log.late(world.log.appends[0]!);
    await waitFor(() => world.announced.length);
    assert.deepEqual(
      world.announced.map(({ record, connectionId }) => [record.messageId, connectionId]),
      [[one.messageId, undefined]],
    );
    assert.deepEqual(await world.hot.stableSeqs([one.conversationId]), new Map([[one.conversationId, 1]]));
  });

  it("forgets what the log refuses for good: the same client message id may come again", async () => {
    const world = createWorld();
    const one = request(newConversation());
    const next = request(one.conversationId);
    world.log.answer = async (records) =>
      records.map(({ messageId }) =>
        messageId === one.messageId ? { ok: false, retryable: false, reason: "odd" } : { ok: true },
      );
    const sends = [typeOf(submit(world, one)), submit(world, next).then(({ seq }) => seq)];
    assert.deepEqual(await Promise.all(sends), ["SEND_FAILED", 2]);
    assert.deepEqual(
      world.announced.map(({ record }) => record.seq),
      [2],
    );
    assert.equal((await submit(world, { ...one, messageId: newId() })).seq, 3);
  });

  it("answers that there is no such conversation when it cannot be loaded, by its kind", async () => {
    const world = createWorld(async () => false);
    assert.equal(await typeOf(submit(world, request(newConversation()))), "GROUP_NOT_FOUND");
    assert.equal(await typeOf(submit(world, request("d_7_8"))), "CONVERSATION_NOT_FOUND");
  });

  it("passes on the error of loading to those who wait for it, and to nobody else", async () => {
    const bad = newConversation();
    const world = createWorld((id, load) => (id === bad ? Promise.reject(new Error("away")) : load()));
    const [first, second] = [submit(world, request(bad)), submit(world, request(newConversation()))];
    await assert.rejects(first, /away/);
    assert.equal((await second).seq, 1);
  });

  it("survives a log or store that throws: everybody is answered, and the next message goes on", async () => {
    const world = createWorld();
    const id = newConversation();
    await submit(world, request(id));
    const { answer } = world.log;
    world.log.answer = () => Promise.reject(new Error("log broke"));
    await assert.rejects(submit(world, request(id)), /log broke/);
    world.log.answer = answer;
    const { accept } = world.hot;
    world.hot.accept = () => Promise.reject(new Error("store broke"));
    await assert.rejects(submit(world, request(id)), /store broke/);
    world.hot.accept = accept;
    assert.equal((await submit(world, request(id))).seq, 3);
  });

  it("is idle when all are answered, whatever the answer", async () => {
    const world = createWorld();
    await world.queue.idle();
    const gate = Promise.withResolvers<void>();
    world.log.answer = (records) => gate.promise.then(() => records.map(() => ({ ok: true })));
    let isLogged = false;
    const sent = submit(world, request(newConversation()));
    const refused = typeOf(submit(world, request(newConversation(), { senderId: "404" })));
    const idle = world.queue.idle().then(() => assert.ok(isLogged));
    await refused;
    isLogged = true;
    gate.resolve();
    await Promise.all([sent, refused, idle]);
  });
});
