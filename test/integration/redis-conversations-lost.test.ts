import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { conversationKeys, messageKey, pendingKey } from "../../config/redis-keys.ts";
import { COUNTER_WAIT_MS, DRAIN_TOGETHER_MS } from "../../mixins/hot-store/redis/conversations-counters.ts";
import { luaScript } from "../../mixins/hot-store/redis/client.ts";
import { accept, accepted, buildRequest, load, seqOf } from "../contract/hot-store-conversations/requests.ts";
import { createDatabase } from "../support/database.ts";
import { answering, redisPair } from "../support/redis-pair.ts";
import { endingOf } from "../support/redis.ts";
import { newPrefix, redisNode, wipe } from "../support/redis-conversations.ts";
import { newId } from "../support/records.ts";
import { serversFor } from "../support/servers.ts";
import { stopwatch } from "../support/stopwatch.ts";
import { waitFor } from "../support/wait.ts";

const redis = await serversFor("redis");
const database = await createDatabase();
const { sql } = database;
after(() => database[Symbol.asyncDispose]());

interface Standing {
  readonly seq: number;
  readonly type: string;
  readonly message_id: string;
}
async function rowsOf(conversationId: string): Promise<Standing[]> {
  const rows = await sql.select<Standing>(
    "select seq, type, message_id from message where conversation_id = :conversationId order by seq",
    { conversationId },
  );
  return rows.map(({ seq, type, message_id }) => ({ seq: Number(seq), type, message_id: String(message_id) }));
}
const seqsUpTo = (seq: number): number[] => Array.from({ length: seq }, (_, index) => index + 1);

describe("a conversation whose counter is lost", { skip: redis.skip, timeout: 60_000 }, () => {
  it("begins at once when no seq was ever reserved, behind what SQL has", async () => {
    await using world = await redisPair(redis.url, sql);
    const id = await load(world.a.conversations, { headSeq: 7 });
    assert.equal((await accepted(world.a.conversations, buildRequest(id))).seq, 8);
    assert.deepEqual(world.drains, []);
    assert.deepEqual(await rowsOf(id), []);
  });

  it("goes on behind all that was reserved, and what stayed empty below is void", async () => {
    await using world = await redisPair(redis.url, sql);
    const { a, b, log } = world;
    const id = await load(a.conversations);
    const first = await accepted(a.conversations, buildRequest(id));
    const unlogged = await accepted(a.conversations, buildRequest(id));
    const third = await accepted(a.conversations, buildRequest(id));
    log.put([first, third]);
    assert.deepEqual(await a.conversations.logged([first, third]), new Map([[id, 1]]));
    const { reserved } = (await a.blocks.find(id))!;
    await world.wipe();
    assert.deepEqual(await accept(b.conversations, buildRequest(id)), { kind: "cold" });
    await load(b.conversations, { conversationId: id });
    assert.equal(world.drains.length, 1);
    const next = await accepted(b.conversations, buildRequest(id));
    assert.equal(next.seq, reserved + 1);
    assert.deepEqual(await b.conversations.stableSeqs([id]), new Map([[id, reserved]]));
    const rows = await rowsOf(id);
    assert.deepEqual(
      rows.map(({ seq }) => seq),
      seqsUpTo(reserved),
    );
    assert.deepEqual(
      rows.filter(({ type }) => type !== "void").map(({ message_id }) => message_id),
      [first.messageId, third.messageId],
    );
    assert.deepEqual((await b.blocks.find(id))!.epoch, 2);

    // What arrives now was never acknowledged: its place is void, and who sends it again gets another.
    log.put([unlogged]);
    await waitFor(() => log.rejected.length);
    assert.match(log.rejected[0]!.reason, /its seq 2 is void/);
    const again = { ...buildRequest(id), clientMsgId: unlogged.clientMsgId, messageId: newId() };
    assert.equal((await accepted(b.conversations, again)).seq, reserved + 2);
  });

  it("acknowledges nothing that was accepted before", async () => {
    await using world = await redisPair(redis.url, sql);
    const { a } = world;
    const [id, other] = [await load(a.conversations), await load(a.conversations)];
    const record = await accepted(a.conversations, buildRequest(id));
    await world.wipe();
    await load(a.conversations, { conversationId: other });
    const kept = await accepted(a.conversations, buildRequest(other));
    assert.deepEqual([...(await a.conversations.logged([record, kept])).keys()], [other], "while it is lost");
    await load(a.conversations, { conversationId: id });
    assert.deepEqual([...(await a.conversations.logged([record, kept])).keys()], [other], "in a later epoch");
    await a.conversations.persisted([record]);
    await a.conversations.refused([record]);
    assert.equal((await a.conversations.pendingStats()).count, 1);
  });

  it("waits for what is in the log, and answers after a while that it takes longer", { timeout: 20_000 }, async () => {
    await using world = await redisPair(redis.url, sql);
    const { a, log } = world;
    const id = await load(a.conversations);
    const release = log.hold();
    const record = await accepted(a.conversations, buildRequest(id));
    log.put([record]);
    await world.wipe();
    const generation = await a.conversations.generation(id);
    const snapshot = { conversationId: id, headSeq: 0, allMuted: false, dissolved: false, members: {} };
    const [began, lived] = [performance.now(), stopwatch()];
    await assert.rejects(a.conversations.load(snapshot, generation), { type: "SEND_FAILED", retryable: true });
    const took = performance.now() - began;
    assert.ok(took >= COUNTER_WAIT_MS - 5 && lived() < 5_000, `${took} ms`);
    assert.equal(await a.conversations.member(id, "7"), null, "its members are known meanwhile");
    release();
    await load(a.conversations, { conversationId: id });
    assert.equal((await a.blocks.find(id))!.epoch, 2);
    assert.deepEqual((await rowsOf(id))[0], { seq: 1, type: "text", message_id: record.messageId });
    const again = { ...buildRequest(id), clientMsgId: record.clientMsgId, messageId: newId(), inSql: "unasked" as const };
    assert.equal((await accept(a.conversations, again)).kind, "unknown_key", "SQL has it");
  });

  it("is begun once by nodes that do it at the same time", async () => {
    await using world = await redisPair(redis.url, sql);
    const { a, b } = world;
    const ids = await Promise.all(Array.from({ length: 10 }, () => load(a.conversations)));
    for (const id of ids) await accepted(a.conversations, buildRequest(id));
    await world.wipe();
    await Promise.all(
      ids.flatMap((id) =>
        [a, b].map(async ({ conversations }) => {
          const snapshot = { conversationId: id, headSeq: 0, allMuted: false, dissolved: false, members: {} };
          await conversations.load(snapshot, await conversations.generation(id));
        }),
      ),
    );
    for (const id of ids) assert.equal((await a.blocks.find(id))!.epoch, 2);
    // Whoever finds another at it looks again, so it is the longer it takes the oftener, but never for each conversation.
    for (const drains of Object.values(world.drainsOf)) {
      const pauses = drains.slice(1).map((at, i) => at - drains[i]!);
      assert.ok(
        pauses.every((pauseMs) => pauseMs > DRAIN_TOGETHER_MS - 2),
        `the log was looked at after ${pauses.join(", ")} ms`,
      );
    }
  });

  it("is not begun by a node whose claim is over", async () => {
    await using world = await redisPair(redis.url, sql);
    const { a } = world;
    const id = await load(a.conversations);
    await accepted(a.conversations, buildRequest(id));
    const { tag, counter, ahead, waiting, claim } = conversationKeys(id);
    const begin = (token: string): Promise<unknown> =>
      a.client.run(
        luaScript("conversation-begin"),
        [counter, ahead, pendingKey(tag), waiting, claim, messageKey(tag, "")],
        [token, "run", 9, 0, 16, 8, id],
      );
    assert.equal(await begin("late"), 0);
    await a.client.attempt((server) => server.set(claim, "another"));
    assert.equal(await begin("late"), 0);
    assert.equal((await accepted(a.conversations, buildRequest(id))).seq, 2);
  });

  it("is begun anew when SQL has gone on without this Redis", async () => {
    await using world = await redisPair(redis.url, sql);
    const { a } = world;
    const id = await load(a.conversations);
    const seen = (await a.blocks.find(id))!;
    const renewed = (await a.blocks.renew(id, seen))!;
    const seqs: (number | string)[] = [];
    while (seqs.at(-1) !== "cold") seqs.push(...(await a.conversations.accept([buildRequest(id)], 1)).map(seqOf));
    assert.ok(seqs.length - 1 <= seen.reserved, "no seq that was not reserved");
    await load(a.conversations, { conversationId: id });
    assert.equal((await accepted(a.conversations, buildRequest(id))).seq, renewed.reserved + 1);
  });

  it("shows no seq behind a gap, and begins anew when there is one", async () => {
    await using world = await redisPair(redis.url, sql);
    const { a, log } = world;
    const [whole, gapped] = [await load(a.conversations), await load(a.conversations)];
    for (const id of [whole, gapped]) {
      const records = [];
      for (let i = 0; i < 4; i++) records.push(await accepted(a.conversations, buildRequest(id)));
      const known = id === whole ? records : records.filter(({ seq }) => seq !== 3);
      log.put(known);
      await a.conversations.logged(known);
    }
    await log.settled(5_000);
    await world.wipe();
    const shown = await a.conversations.stableSeqs([whole, gapped, "g_404"]);
    assert.deepEqual(
      shown,
      new Map([
        [whole, 4],
        [gapped, 2],
      ]),
    );
    await waitFor(async () => (await a.conversations.stableSeqs([gapped])).get(gapped)! > 4, "the gap to be closed");
    assert.deepEqual(
      (await rowsOf(gapped)).slice(0, 4).map(({ type }) => type),
      ["text", "text", "void", "text"],
    );
    assert.equal((await a.blocks.find(whole))!.epoch, 1);
  });

  it("never tells less than a lost counter had, but waits for SQL to have it, and once for all", async () => {
    await using world = await redisPair(redis.url, sql);
    const { a, b, log, drains } = world;
    const id = await load(a.conversations);
    const persist = log.hold();
    const record = await accepted(a.conversations, buildRequest(id));
    log.put([record]);
    assert.deepEqual(await a.conversations.logged([record]), new Map([[id, record.seq]]));
    await world.wipe();
    const told = a.conversations.stableSeqs([id]);
    await waitFor(() => drains.length === 1);
    persist();
    assert.deepEqual(await told, new Map([[id, record.seq]]));
    assert.deepEqual(await b.conversations.stableSeqs([id]), new Map([[id, record.seq]]));
    assert.equal(drains.length, 1, "another node goes by the note");
    await world.wipe();
    assert.deepEqual(await b.conversations.stableSeqs([id]), new Map([[id, record.seq]]));
    assert.equal(drains.length, 2, "which is lost with the rest");
  });

  it("tells nothing while it is not known that SQL has it", async () => {
    await using world = await redisPair(redis.url, sql);
    const id = await load(world.a.conversations);
    await world.wipe();
    const blind = await redisNode({ url: redis.url, sql, keyPrefix: newPrefix(), drained: async () => false });
    assert.equal((await endingOf(() => blind.conversations.stableSeqs([id]))).outcome, "unavailable");
    await blind[Symbol.asyncDispose]();
  });

  it("drops what is pending of another run of the server, and what it knew of ids", async () => {
    await using world = await redisPair(redis.url, sql);
    const { a } = world;
    const id = await load(a.conversations);
    const request = buildRequest(id);
    const record = await accepted(a.conversations, request, 1_000);
    await a.client.attempt((server) => server.hset(conversationKeys(id).counter, "run", "another"));
    assert.deepEqual(await accept(a.conversations, request), { kind: "cold" });
    assert.deepEqual(await a.conversations.unpersisted(id), []);
    assert.deepEqual(await a.conversations.pending(9_000, 10), [], "it was never acknowledged");
    await waitFor(async () => (await a.conversations.pendingStats()).count === 0, "a new epoch");
    assert.equal(await a.conversations.find(record.messageId), null);
    const again = await accepted(a.conversations, { ...request, messageId: newId() });
    assert.ok(again.seq > record.seq);
  });

  it("has members that were read before another run of the server no more", async () => {
    await using world = await redisPair(redis.url, sql);
    const id = await load(world.a.conversations);
    await world.a.client.attempt((server) => server.hset(conversationKeys(id).members, ".", "00another"));
    assert.equal(await world.a.conversations.member(id, "7"), "cold");
    assert.deepEqual(await accept(world.a.conversations, buildRequest(id)), { kind: "cold" });
  });

  it("is not taken for lost by a node that has not heard of the server's new name", async () => {
    await using world = await redisPair(redis.url, sql);
    const { a, b } = world;
    const id = await load(a.conversations);
    const info = await a.client.attempt((server) => server.info());
    const renamed = info.replace(/^(master_replid:)\w+/m, "$1ffffffffffffffff");
    await using outdated = await redisNode({ url: redis.url, sql, keyPrefix: "", client: answering(a.client, [renamed, info]) });
    assert.equal(await outdated.conversations.member(id, "7"), "cold", "it goes by the old name");
    await load(outdated.conversations, { conversationId: id });
    await load(outdated.conversations, { conversationId: id });
    await accepted(outdated.conversations, buildRequest(id));
    await accepted(b.conversations, buildRequest(id));
    assert.equal((await a.blocks.find(id))!.epoch, 1);
  });

  it("ends in time when the log does not answer", async () => {
    const keyPrefix = newPrefix();
    await using node = await redisNode({ url: redis.url, sql, keyPrefix, drained: async () => false });
    const id = await load(node.conversations);
    await wipe(node.client, keyPrefix);
    const ending = await endingOf(() => load(node.conversations, { conversationId: id }));
    assert.equal((ending.error as { type?: string }).type, "SEND_FAILED");
    await wipe(node.client, keyPrefix);
  });
});
