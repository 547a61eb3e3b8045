import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { MessageRecord } from "../../contracts/records.ts";
import { KNOWN_CLIENT_MSG_IDS } from "../../config/limits.ts";
import type { AcceptOutcome, AcceptRequest } from "../../mixins/hot-store/port.ts";
import type { SeqBlocks } from "../../mixins/hot-store/seq-blocks.ts";
import { persistBatch } from "../../services/persister/persist.ts";
import { PersistRepository } from "../../services/persister/repository.ts";
import { accept, accepted, buildRequest, load, seqOf } from "../contract/hot-store-conversations/requests.ts";
import { createDatabase } from "../support/database.ts";
import { keysOf, newPrefix, redisNode, wipe, type RedisNode, type RedisNodeOptions } from "../support/redis-conversations.ts";
import { newId } from "../support/records.ts";
import { serversFor } from "../support/servers.ts";
import { waitFor } from "../support/wait.ts";

const redis = await serversFor("redis");
const database = await createDatabase();
const { sql } = database;
after(() => database[Symbol.asyncDispose]());

/** A node with keys of its own, which are taken away when the test ends. */
async function openNode(more: Partial<RedisNodeOptions> = {}): Promise<RedisNode & { keyPrefix: string }> {
  const keyPrefix = newPrefix();
  const node = await redisNode({ url: redis.url, sql, keyPrefix, ...more });
  return {
    ...node,
    keyPrefix,
    async [Symbol.asyncDispose]() {
      await node.conversations.close();
      await wipe(node.client, keyPrefix);
      await node[Symbol.asyncDispose]();
    },
  };
}

const many = (count: number, id: string, more: (index: number) => Partial<AcceptRequest> = () => ({})): AcceptRequest[] =>
  Array.from({ length: count }, (_, index) => buildRequest(id, more(index)));

const recordsOf = (outcomes: readonly AcceptOutcome[]): MessageRecord[] =>
  outcomes.flatMap((outcome) => (outcome.kind === "accepted" ? [outcome.record] : []));

/** Puts them into SQL and tells the hot store, as the persister does. */
async function persist({ conversations }: RedisNode, records: readonly MessageRecord[]): Promise<void> {
  await persistBatch({ repository: new PersistRepository(sql), now: Date.now }, records);
  await conversations.persisted(records);
}

describe("the pace of a conversation in Redis", { skip: redis.skip, timeout: 60_000 }, () => {
  it("is one for all nodes, whatever their clocks say", async () => {
    await using a = await openNode();
    await using b = await redisNode({ url: redis.url, sql, keyPrefix: a.keyPrefix });
    const id = await load(a.conversations);
    const pace = { mostPerSecond: 1 / 60, leastPerSecond: 0.001, deliveriesPerSecond: 1_000, burstMs: 30 * 60_000 };
    const calls = Array.from({ length: 20 }, (_, i) =>
      (i % 2 === 0 ? a : b).conversations.accept(many(3, id), Date.now() + (i % 2) * 3_600_000, pace),
    );
    const outcomes = (await Promise.all(calls)).flat();
    assert.deepEqual(
      recordsOf(outcomes)
        .map(({ seq }) => seq)
        .toSorted((x, y) => x - y),
      Array.from({ length: 30 }, (_, i) => i + 1),
    );
    assert.equal(outcomes.filter(({ kind }) => kind === "throttled").length, 30);
  });
});

describe("seqs in Redis", { skip: redis.skip, timeout: 60_000 }, () => {
  it("gives two nodes that race each seq once, without a hole, over many blocks", async () => {
    await using a = await openNode();
    await using b = await redisNode({ url: redis.url, sql, keyPrefix: a.keyPrefix });
    const id = await load(a.conversations);
    const calls = Array.from({ length: 120 }, (_, i) => (i % 2 === 0 ? a : b).conversations.accept(many(1 + (i % 9), id), 1_000));
    const outcomes = await Promise.all(calls);
    for (const call of outcomes) {
      const seqs = call.map(seqOf) as number[];
      assert.deepEqual(
        seqs,
        seqs.toSorted((x, y) => x - y),
        "those of one call keep their order",
      );
    }
    const seqs = outcomes.flat().map(seqOf) as number[];
    assert.deepEqual(
      seqs.toSorted((x, y) => x - y),
      seqs.map((_, index) => index + 1),
    );
    assert.deepEqual(await b.conversations.stableSeqs([id]), new Map([[id, 0]]));
    await Promise.all([
      a.conversations.logged(recordsOf(outcomes.slice(0, 60).flat())),
      b.conversations.logged(recordsOf(outcomes.slice(60).flat())),
    ]);
    assert.deepEqual(await a.conversations.stableSeqs([id]), new Map([[id, seqs.length]]));
  });

  it("reserves seqs in SQL before it gives them, and ahead of time", async () => {
    await using node = await openNode();
    const id = await load(node.conversations);
    const given: number[] = [];
    for (let round = 0; round < 60; round++) {
      given.push(...((await node.conversations.accept(many(10, id), 1_000)).map(seqOf) as number[]));
      assert.ok((await node.blocks.find(id))!.reserved >= given.at(-1)!);
    }
    assert.equal(given.at(-1), 600);
    await waitFor(async () => (await node.blocks.find(id))!.reserved > 600 + 100, "a block ahead");
  });

  it("gives what is reserved while SQL is away, then refuses that conversation and no other of the same call", async () => {
    let isAway = false;
    let wrapped: SeqBlocks | null = null;
    const check = async (): Promise<SeqBlocks> => {
      if (isAway) throw new Error("SQL is away");
      return wrapped!;
    };
    const blocks: SeqBlocks = {
      find: async (...args) => (await check()).find(...args),
      first: async (...args) => (await check()).first(...args),
      extend: async (...args) => (await check()).extend(...args),
      renew: async (...args) => (await check()).renew(...args),
      inSql: async (...args) => (await check()).inSql(...args),
    };
    await using node = await openNode({ blocks });
    wrapped = node.blocks;
    const [id, other] = [await load(node.conversations), await load(node.conversations)];
    const { reserved } = (await node.blocks.find(id))!;
    isAway = true;
    const outcomes = await node.conversations.accept([...many(reserved + 3, id), buildRequest(other)], 1_000);
    assert.deepEqual(outcomes.slice(reserved).map(seqOf), ["cold", "cold", "cold", 1]);
    assert.equal(seqOf(outcomes[reserved - 1]!), reserved);
    await assert.rejects(load(node.conversations, { conversationId: id }), /SQL is away/);
    isAway = false;
    await load(node.conversations, { conversationId: id });
    assert.equal((await accepted(node.conversations, buildRequest(id))).seq, reserved + 1);
  });

  it("goes on when its scripts were forgotten", async () => {
    await using node = await openNode();
    const id = await load(node.conversations);
    await accepted(node.conversations, buildRequest(id));
    await node.client.attempt((server) => server.script("FLUSH"));
    const outcomes = await node.conversations.accept(
      [buildRequest(id), buildRequest(await load(node.conversations)), buildRequest(id)],
      1,
    );
    assert.deepEqual(outcomes.map(seqOf), [2, 1, 3]);
  });

  it("keeps no message for ever that is persisted, and everything that is pending", async () => {
    await using node = await openNode();
    const id = await load(node.conversations);
    const [pending, stored] = recordsOf(await node.conversations.accept(many(2, id), 1_000));
    await node.conversations.logged([pending!, stored!]);
    await persist(node, [stored!]);
    const lives = async (messageId: string): Promise<number[]> => {
      const keys = await keysOf(node.client, node.keyPrefix, `*:${messageId}`);
      return Promise.all(keys.map((key) => node.client.attempt((server) => server.pttl(key))));
    };
    assert.deepEqual(await lives(pending!.messageId), [-1]);
    const [life] = await lives(stored!.messageId);
    assert.ok(life! > 0 && life! <= 60_000);
    assert.equal((await node.conversations.find(stored!.messageId))?.persistStatus, "PERSISTED");
    assert.equal((await node.conversations.find(pending!.messageId, id))?.persistStatus, "PENDING");
    const counters = await keysOf(node.client, node.keyPrefix, `im:conv:*:${id}`);
    assert.equal(await node.client.attempt((server) => server.pttl(counters[0]!)), -1, "a counter is never dropped");
  });
});

describe("client message ids in Redis", { skip: redis.skip, timeout: 60_000 }, () => {
  const unasked = { inSql: "unasked" } as const;

  /** Sends, and persists it, until the store tells of this sender's ids by itself. */
  async function settled(node: RedisNode, id: string, at = Date.now()): Promise<void> {
    await persist(node, [await accepted(node.conversations, buildRequest(id), at)]);
    await waitFor(async () => {
      const outcome = await accept(node.conversations, buildRequest(id, unasked), at);
      await persist(node, recordsOf([outcome]));
      return outcome.kind === "accepted";
    }, "the ids of the sender");
  }

  /** A UUIDv7 of this time. */
  function uuid(at: number): string {
    const time = at.toString(16).padStart(12, "0");
    return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${newId().slice(-12)}`;
  }

  it("asks SQL for a sender that it does not know, and no more when it has read what they sent", async () => {
    await using node = await openNode();
    const id = await load(node.conversations);
    const first = buildRequest(id);
    assert.equal((await accept(node.conversations, { ...first, ...unasked })).kind, "unknown_key");
    const record = await accepted(node.conversations, first, Date.now());
    await persist(node, [record]);
    await wipe(node.client, node.keyPrefix);
    await load(node.conversations, { conversationId: id });
    assert.equal((await accept(node.conversations, { ...first, ...unasked })).kind, "unknown_key");
    await settled(node, id);
    const { messageId, seq, createdAt } = record;
    assert.deepEqual(await accept(node.conversations, { ...first, ...unasked, messageId: newId() }), {
      kind: "duplicate",
      messageId,
      seq,
      createdAt,
      pending: null,
    });
    assert.deepEqual(await accept(node.conversations, { ...first, ...unasked, bodyHash: "other" }), { kind: "conflict" });
  });

  it("tells a sender who was asked for of nobody else", async () => {
    await using node = await openNode();
    const id = await load(node.conversations);
    await settled(node, id);
    assert.equal((await accept(node.conversations, buildRequest(id, { ...unasked, senderId: "8" }))).kind, "unknown_key");
    const outsider = buildRequest(id, { ...unasked, senderId: "9" });
    assert.equal((await accept(node.conversations, outsider)).kind, "unknown_key", "who left may repeat what they sent");
    assert.equal((await accept(node.conversations, { ...outsider, inSql: "absent" })).kind, "refused");
  });

  it("keeps the last thousand of a sender, and knows of a later UUIDv7 that it is none of the older ones", async () => {
    await using node = await openNode();
    const id = await load(node.conversations);
    const began = Date.now() - 120_000;
    await settled(node, id, began);
    const requests = many(KNOWN_CLIENT_MSG_IDS, id, (i) => ({ ...unasked, clientMsgId: uuid(began + i) }));
    const old = recordsOf(await node.conversations.accept(requests, began));
    assert.equal(old.length, KNOWN_CLIENT_MSG_IDS);
    await persist(node, old);
    const later = many(KNOWN_CLIENT_MSG_IDS + 100, id, (i) => ({ ...unasked, clientMsgId: uuid(began + 60_000 + i) }));
    await persist(node, recordsOf(await node.conversations.accept(later, began + 60_000)));

    const kindOf = async (clientMsgId: string): Promise<string> =>
      (await accept(node.conversations, buildRequest(id, { ...unasked, clientMsgId }), began + 70_000)).kind;
    assert.equal(await kindOf(requests[0]!.clientMsgId), "unknown_key", "it is forgotten");
    for (const { clientMsgId } of later.slice(-KNOWN_CLIENT_MSG_IDS)) assert.equal(await kindOf(clientMsgId), "duplicate");
    assert.equal(await kindOf(uuid(began + 70_000)), "accepted", "a new one");
    assert.equal(await kindOf(uuid(began + 1)), "unknown_key", "it may be one of the forgotten");
    assert.equal(await kindOf("c-new"), "unknown_key", "it says nothing of its time");
  });

  it("forgets no id of a message that SQL does not have yet, nor of one that is young", async () => {
    await using node = await openNode();
    const [waiting, young] = [await load(node.conversations), await load(node.conversations)];
    const began = Date.now() - 120_000;
    for (const id of [waiting, young]) await settled(node, id, began);
    const count = 2 * KNOWN_CLIENT_MSG_IDS + 100;
    const burst = async (id: string): Promise<MessageRecord[]> =>
      recordsOf(await node.conversations.accept(many(count, id), began + 60_000));
    const [pending, fresh] = [buildRequest(waiting, unasked), buildRequest(young, unasked)];
    await accepted(node.conversations, pending, began);
    assert.equal((await burst(waiting)).length, count);
    assert.equal((await accept(node.conversations, pending, began)).kind, "duplicate");
    await persist(node, [await accepted(node.conversations, fresh, began + 55_000)]);
    await burst(young);
    assert.equal((await accept(node.conversations, fresh, began)).kind, "duplicate");
  });

  it("keeps the ids of a sender for at least an hour after the last one", async () => {
    await using node = await openNode();
    const id = await load(node.conversations);
    await accepted(node.conversations, buildRequest(id), Date.now());
    const [key] = await keysOf(node.client, node.keyPrefix, `im:conv:*:${id}:known:7`);
    const life = (): Promise<number> => node.client.attempt((server) => server.pttl(key!));
    const hour = 3_600_000;
    assert.ok((await life()) > 2 * hour - 10_000);
    await node.client.attempt((server) => server.pexpire(key!, hour - 1));
    await accepted(node.conversations, buildRequest(id), Date.now());
    assert.ok((await life()) > 2 * hour - 10_000);
  });

  it("knows an id whose message is pending for longer than that", async () => {
    await using node = await openNode();
    const id = await load(node.conversations);
    const longAgo = Date.now() - 2 * 3_600_000;
    const requests = many(3, id, (i) => ({ senderId: i === 1 ? "8" : "7" }));
    const records = recordsOf(await node.conversations.accept(requests, longAgo));
    const keys = await keysOf(node.client, node.keyPrefix, `im:conv:*:${id}:known:*`);
    await node.client.attempt((server) => server.del(keys));
    for (const [index, request] of requests.entries()) {
      const again = { ...request, messageId: newId(), inSql: "unasked" as const };
      const { messageId, seq, createdAt } = records[index]!;
      assert.deepEqual(await accept(node.conversations, again, Date.now()), {
        kind: "duplicate",
        messageId,
        seq,
        createdAt,
        pending: records[index],
      });
      assert.deepEqual(await accept(node.conversations, { ...again, bodyHash: "other" }, Date.now()), { kind: "conflict" });
    }
    assert.equal((await accept(node.conversations, buildRequest(id, unasked), Date.now())).kind, "unknown_key");
  });
});
