import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Redis } from "ioredis";
import type { HistoryItem, SendResult } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import { startIm, text, type Im } from "../support/im.ts";
import { buildFriends } from "../support/people.ts";
import { ownServers, reasonToSkip } from "../support/servers.ts";
import { waitFor } from "../support/wait.ts";

const skip = await reasonToSkip("redis");

type Sender = { readonly userId: string };

/** Sends until it is acknowledged, under one client message id. */
async function sendUntilKnown(im: Im, from: Sender, params: Params<"message.send">): Promise<SendResult> {
  return waitFor(
    () =>
      im.node.as(from.userId, "message.send", params).catch((error: unknown) => {
        assert.equal((error as { retryable?: boolean }).retryable, true, String(error));
        return null;
      }),
    "the message to be acknowledged",
    15_000,
  );
}

const historyOf = async (im: Im, user: Sender, conversationId: string): Promise<HistoryItem[]> => {
  const { items } = await im.node.as(user.userId, "message.history", { conversationId, afterSeq: 0, limit: 100 });
  return items as HistoryItem[];
};

describe("a node whose conversations are in Redis", { skip, timeout: 120_000 }, () => {
  it("keeps what it acknowledged when Redis is wiped and when it is killed, and shows what stayed empty as void", async () => {
    await using servers = await ownServers("redis");
    await using im = await startIm({ redisUrl: servers.redis.url });
    const operator = new Redis(servers.redis.url);
    operator.on("error", () => undefined); // it is killed on purpose
    try {
      const { a, b, conversationId } = await buildFriends(im);
      const params = text(conversationId, "before");
      const first = await sendUntilKnown(im, a, params);
      assert.equal(first.seq, 1);
      assert.deepEqual(await sendUntilKnown(im, a, params), first);

      await operator.flushall();
      const second = await sendUntilKnown(im, b, text(conversationId, "wiped"));
      assert.deepEqual(await sendUntilKnown(im, a, params), first, "the same answer, from SQL");
      assert.ok(second.seq > 2);

      await servers.redis.kill();
      await servers.redis.restart();
      const third = await sendUntilKnown(im, a, text(conversationId, "killed"));
      assert.ok(third.seq > second.seq + 1);

      const shown = (await historyOf(im, b, conversationId)).map((item) =>
        "toSeq" in item ? [item.seq, item.toSeq] : [item.seq, item.messageId],
      );
      assert.deepEqual(shown, [
        [1, first.messageId],
        [2, second.seq - 1],
        [second.seq, second.messageId],
        [second.seq + 1, third.seq - 1],
        [third.seq, third.messageId],
      ]);
      const { items } = await im.node.as(b.userId, "conversation.list", {});
      const listed = items.find((one) => one.conversationId === conversationId);
      assert.deepEqual([listed?.maxSeq, listed?.unread, listed?.lastMessage?.messageId], [third.seq, 1, third.messageId]);
      assert.deepEqual(await im.hot.conversations.pendingStats(), { count: 0, oldestAt: null });
      assert.equal((await im.log.deadLetters(10)).length, 0);
    } finally {
      operator.disconnect();
    }
  });
});
