import assert from "node:assert/strict";
import { readdir, truncate, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Redis } from "ioredis";
import type { MessageRecord } from "../../contracts/records.ts";
import { accept, accepted, buildRequest, load, member, seqOf } from "../contract/hot-store-conversations/requests.ts";
import { createDatabase } from "../support/database.ts";
import { endingOf } from "../support/redis.ts";
import { newPrefix, redisNode, type RedisNode } from "../support/redis-conversations.ts";
import { newId } from "../support/records.ts";
import { ownServers, reasonToSkip } from "../support/servers.ts";
import { waitFor } from "../support/wait.ts";

const skip = await reasonToSkip("redis");
const database = await createDatabase();
const { sql } = database;
after(() => database[Symbol.asyncDispose]());

const DEADLINE_MS = 2_000;
const open = (url: string): Promise<RedisNode> => redisNode({ url, sql, keyPrefix: newPrefix() });

/** Every method, each of which must end in time and refuse in a way that another try can cure. */
async function assertRefused(node: RedisNode, id: string, record: MessageRecord, methods?: readonly string[]): Promise<void> {
  const { conversations: hot } = node;
  const snapshot = { conversationId: id, headSeq: 0, allMuted: false, dissolved: false, members: { 7: member() } };
  const calls: Record<string, () => Promise<unknown>> = {
    accept: () => hot.accept([buildRequest(id), buildRequest(`g_${newId()}`)], 1_000),
    generation: () => hot.generation(id),
    load: () => hot.load(snapshot, 1),
    setMembers: () => hot.setMembers(id, { 8: null }, {}, 1),
    invalidateMembers: () => hot.invalidateMembers(id),
    member: () => hot.member(id, "7"),
    logged: () => hot.logged([record]),
    refused: () => hot.refused([record]),
    persisted: () => hot.persisted([record]),
    pending: () => hot.pending(9_000, 10),
    pendingStats: () => hot.pendingStats(),
    find: () => hot.find(record.messageId),
    unpersisted: () => hot.unpersisted(id),
    stableSeqs: () => hot.stableSeqs([id]),
  };
  const asked = Object.entries(calls).filter(([name]) => methods?.includes(name) ?? true);
  const endings = await Promise.all(asked.map(([, call]) => endingOf(call)));
  endings.forEach(({ outcome, tookMs, error }, i) => {
    const name = asked[i]![0];
    assert.equal(outcome, "unavailable", `${name}: ${String(error)}`);
    assert.ok(tookMs < DEADLINE_MS, `${name} took ${tookMs} ms`);
  });
}

const answers = ({ client }: RedisNode): Promise<unknown> =>
  waitFor(async () => (await endingOf(() => client.ping())).outcome === "done", "Redis", 10_000);

const WRITES = ["accept", "load", "setMembers", "invalidateMembers", "generation"];

describe("conversations while Redis is out of order", { skip, timeout: 120_000 }, () => {
  it("ends every call in time while it is frozen, and gives a repeated message one seq", async () => {
    await using servers = await ownServers("redis");
    await using node = await open(servers.redis.url);
    const id = await load(node.conversations);
    const record = await accepted(node.conversations, buildRequest(id));
    await servers.redis.pause();
    const request = buildRequest(id);
    const [ending] = await Promise.all([
      endingOf(() => accept(node.conversations, request)),
      assertRefused(node, id, record, ["logged", "find", "pending", "stableSeqs"]),
    ]);
    assert.deepEqual([ending.outcome, ending.tookMs < DEADLINE_MS], ["unavailable", true]);
    await assertRefused(node, id, record);
    await servers.redis.resume();
    await answers(node);
    const outcomes = [await accept(node.conversations, request), await accept(node.conversations, request)];
    const seqs = outcomes.map((outcome) => (outcome.kind === "duplicate" ? outcome.seq : seqOf(outcome)));
    assert.equal(seqs[0], seqs[1]);
    const { seq } = await accepted(node.conversations, buildRequest(id));
    assert.deepEqual(await node.conversations.pendingStats(), { count: seq, oldestAt: 1_000 }, "each seq is one message");
  });

  it("ends every call in time while it is gone, and goes on in a new epoch when it is back, with what it was told last", async () => {
    await using servers = await ownServers("redis");
    await using node = await open(servers.redis.url);
    const id = await load(node.conversations);
    const record = await accepted(node.conversations, buildRequest(id));
    const { reserved } = (await node.blocks.find(id))!;
    await servers.redis.kill();
    await assertRefused(node, id, record);
    await servers.redis.restart();
    await answers(node);
    assert.deepEqual(await node.conversations.logged([record]), new Map(), "it may have lost its last second");
    assert.deepEqual(await accept(node.conversations, buildRequest(id)), { kind: "cold" });
    await load(node.conversations, { conversationId: id });
    assert.equal((await accepted(node.conversations, buildRequest(id))).seq, reserved + 1);
  });

  it("gives no seq twice when it comes back without its last second", async () => {
    await using servers = await ownServers("redis");
    await using node = await open(servers.redis.url);
    const id = await load(node.conversations);
    await accepted(node.conversations, buildRequest(id));
    const file = await appendOnlyFile(servers.dir);
    const sizeBefore = (await stat(file)).size;
    const lost = await accepted(node.conversations, buildRequest(id));
    await servers.redis.kill();
    await truncate(file, sizeBefore);
    await servers.redis.restart();
    await answers(node);
    assert.equal(await node.conversations.find(lost.messageId), null, "it forgot that it gave this seq");
    await load(node.conversations, { conversationId: id });
    assert.ok((await accepted(node.conversations, buildRequest(id))).seq > lost.seq);
  });

  it("refuses to accept while it only reads, its disk or its memory is full, and takes what is persisted when memory is", async () => {
    await using servers = await ownServers("redis");
    await using node = await open(servers.redis.url);
    const operator = new Redis(servers.redis.url);
    try {
      const id = await load(node.conversations);
      const record = await accepted(node.conversations, buildRequest(id));

      await operator.config("SET", "maxmemory", "1");
      await assertRefused(node, id, record, ["accept", "load"]);
      await node.conversations.logged([record]);
      await node.conversations.persisted([record]);
      await operator.config("SET", "maxmemory", "0");
      assert.equal((await accepted(node.conversations, buildRequest(id))).seq, 2);

      await operator.config("SET", "min-replicas-to-write", "1");
      await assertRefused(node, id, record, [...WRITES, "logged", "persisted", "refused"]);
      await operator.config("SET", "min-replicas-to-write", "0");
      assert.equal((await accepted(node.conversations, buildRequest(id))).seq, 3);

      await operator.replicaof("127.0.0.1", 1);
      await assertRefused(node, id, record, [...WRITES, "logged", "persisted", "refused"]);
      await operator.replicaof("NO", "ONE");
      await answers(node);
      assert.equal((await accept(node.conversations, buildRequest(id))).kind, "cold", "who takes over may lack what was given");
    } finally {
      operator.disconnect();
    }
  });
});

/** Where the server notes its last writes. */
async function appendOnlyFile(folder: string): Promise<string> {
  const files = await readdir(folder, { recursive: true });
  const file = files.find((name) => name.endsWith(".incr.aof"));
  assert.ok(file, files.join(" "));
  return join(folder, file);
}
