import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { ConversationSnapshot } from "../../mixins/hot-store/port.ts";
import { conversationKeys } from "../../config/redis-keys.ts";
import { bringMembers } from "../../mixins/hot-store/redis/conversations-loading.ts";
import { luaScript } from "../../mixins/hot-store/redis/client.ts";
import { accepted, buildRequest, load, member } from "../contract/hot-store-conversations/requests.ts";
import { createDatabase } from "../support/database.ts";
import { newId } from "../support/records.ts";
import { keysOf, newPrefix, redisNode, wipe, type RedisNode } from "../support/redis-conversations.ts";
import { ownRedis } from "../support/redis.ts";
import { reasonToSkip, serversFor } from "../support/servers.ts";

const redis = await serversFor("redis");
const skipOwn = await reasonToSkip("redis");
const database = await createDatabase();
after(() => database[Symbol.asyncDispose]());

const SIZE = 5_000;
const members = Object.fromEntries(Array.from({ length: SIZE }, (_, i) => [String(1_000 + i), member()]));

async function openNode(): Promise<RedisNode & { keyPrefix: string }> {
  const keyPrefix = newPrefix();
  const node = await redisNode({ url: redis.url, sql: database.sql, keyPrefix });
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

describe("a group of 5,000 in Redis", { skip: redis.skip, timeout: 60_000 }, () => {
  it("is loaded in portions that leave nothing behind, be it that the load comes too late", async () => {
    await using node = await openNode();
    const id = await load(node.conversations, { members });
    await accepted(node.conversations, buildRequest(id, { senderId: "5999" }));
    assert.deepEqual(await keysOf(node.client, node.keyPrefix, "*:loading:*"), []);
    const before = await node.conversations.generation(id);
    await node.conversations.invalidateMembers(id);
    const snapshot: ConversationSnapshot = { conversationId: id, headSeq: 0, allMuted: false, dissolved: false, members };
    assert.equal(await node.conversations.load(snapshot, before), false);
    assert.deepEqual(await keysOf(node.client, node.keyPrefix, "*:loading:*"), []);
  });

  it("is not loaded by halves: what was brought and lost is brought again", async () => {
    await using node = await openNode();
    const id = `g_${newId()}`;
    const keys = conversationKeys(id);
    const generation = await node.conversations.generation(id);
    const { key, count, rest } = await bringMembers(node.client, keys, members);
    assert.deepEqual([count, rest], [SIZE, []]);
    await node.client.attempt((server) => server.hdel(key, "1000"));
    const loaded = await node.client.run(
      luaScript("conversation-load"),
      [keys.members, keys.generation, keys.counter, key],
      ["run", generation, "00", 60_000, count],
    );
    assert.equal(loaded, 0);
    assert.equal(await node.conversations.member(id, "1001"), "cold");
  });

  it("leaves what nobody came to use to go by itself", async () => {
    await using node = await openNode();
    const { key } = await bringMembers(node.client, conversationKeys(`g_${newId()}`), members);
    assert.ok((await node.client.attempt((server) => server.pttl(key))) > 0);
  });
});

describe("what a message costs Redis", { skip: skipOwn, timeout: 60_000 }, () => {
  it("is the same commands and bytes in a group of 5,000 as in a group of two", async () => {
    await using own = await ownRedis();
    await using node = await redisNode({ url: own.url, sql: database.sql, keyPrefix: newPrefix() });
    const [small, large] = [`g_${newId()}`, `g_${newId()}`];
    await load(node.conversations, { conversationId: small, members: { 1000: member(), 1001: member() } });
    await load(node.conversations, { conversationId: large, members });
    const send = async (id: string, round: number): Promise<void> => {
      const record = await accepted(node.conversations, buildRequest(id, { senderId: "1000", clientMsgId: `round-${round}` }));
      await node.conversations.logged([record]);
      await node.conversations.persisted([record]);
    };
    /** Calls of each command, those of scripts too, and bytes that came and went. */
    const used = async (id: string, round: number): Promise<Record<string, number>> => {
      await own.command("CONFIG", "RESETSTAT");
      await send(id, round);
      const commands = String(await own.command("INFO", "commandstats")).matchAll(/^cmdstat_(\S+):calls=(\d+)/gm);
      const [, came] = /^total_net_input_bytes:(\d+)/m.exec(String(await own.command("INFO", "stats")))!;
      return { ...Object.fromEntries([...commands].map(([, name, calls]) => [name!, Number(calls)])), came: Number(came) };
    };
    for (const id of [small, large]) await send(id, 1); // Redis has the scripts now
    assert.deepEqual(await used(large, 2), await used(small, 2));
    const { hset = 0, evalsha = 0 } = await used(large, 3);
    assert.ok(hset > 0 && hset < 10 && evalsha === 3, `${hset} ${evalsha}`);
  });
});
