import { after, describe } from "node:test";
import { createDatabase } from "../support/database.ts";
import { newPrefix, redisNode, wipe } from "../support/redis-conversations.ts";
import { serversFor } from "../support/servers.ts";
import { hotConversationsContract } from "./hot-store-conversations.ts";

const redis = await serversFor("redis");

describe("hot conversations in Redis", { skip: redis.skip }, async () => {
  const database = await createDatabase();
  after(() => database[Symbol.asyncDispose]());

  hotConversationsContract("Redis", async () => {
    const keyPrefix = newPrefix();
    const node = await redisNode({ url: redis.url, sql: database.sql, keyPrefix });
    return {
      conversations: node.conversations,
      async close() {
        await node.conversations.close();
        await wipe(node.client, keyPrefix);
        await node[Symbol.asyncDispose]();
      },
    };
  });
});
