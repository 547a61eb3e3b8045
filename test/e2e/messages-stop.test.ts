import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Message, SendResult } from "../../contracts/entities.ts";
import { breakMessages } from "../support/faults.ts";
import { befriend, buildUser, startIm, text, type Im, type TestUser } from "../support/im.ts";
import { waitFor } from "../support/wait.ts";

/** A data folder that outlives the nodes on it. */
async function createFolder(): Promise<AsyncDisposable & { dataDir: string }> {
  const dataDir = await mkdtemp(join(tmpdir(), "im-stop-"));
  return { dataDir, [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true, force: true }) };
}

async function allOf(im: Im, reader: Pick<TestUser, "userId">, conversationId: string): Promise<Message[]> {
  const items: Message[] = [];
  for (;;) {
    const page = await im.node.as(reader.userId, "message.history", {
      conversationId,
      afterSeq: items.at(-1)?.seq ?? 0,
      limit: 100,
    });
    if (page.items.length === 0) return items;
    items.push(...(page.items as Message[]));
  }
}

describe("a stop while people write", () => {
  it(
    "loses nothing that was acknowledged, leaves no hole, and what was sent again appears once",
    { timeout: 60_000 },
    async () => {
      await using folder = await createFolder();
      const acknowledged = new Map<string, SendResult>();
      const sent: ReturnType<typeof text>[] = [];
      let a: TestUser;
      let b: TestUser;
      let conversationId: string;
      {
        const im = await startIm({}, { dataDir: folder.dataDir });
        [a, b] = [await buildUser(im), await buildUser(im)];
        conversationId = await befriend(im, a, b);
        const client = await im.connect({ token: a.token });
        const acks: Promise<void>[] = [];
        const writing = setInterval(() => {
          for (let i = 0; i < 40 && client.socket.connected; i++) {
            const params = text(conversationId, String(sent.length));
            sent.push(params);
            const ack = client.send<SendResult>("message:send", params).then(
              ({ code, data }) => void (code === 0 && acknowledged.set(params.clientMsgId, data!)),
              () => undefined,
            );
            acks.push(ack);
          }
        }, 2);
        await waitFor(() => acknowledged.size > 300, "some acknowledgements");
        const stopping = im.node.stop();
        await client.closed;
        clearInterval(writing);
        await stopping;
        // What was on its way when the connection closed is never answered.
        client.socket.io.engine.close();
        await Promise.race([Promise.all(acks), client.closed]);
      }
      await using again = await startIm({}, { dataDir: folder.dataDir });
      const stored = await allOf(again, b, conversationId);
      const bySent = new Map(stored.map((message) => [message.clientMsgId, message]));
      for (const [clientMsgId, { messageId, seq, createdAt }] of acknowledged) {
        const message = bySent.get(clientMsgId);
        assert.deepEqual(
          [message?.messageId, message?.seq, message?.createdAt],
          [messageId, seq, createdAt],
          `lost ${clientMsgId}`,
        );
      }
      assert.deepEqual(
        stored.map(({ seq }) => seq),
        stored.map((_, index) => index + 1),
        "no hole",
      );
      const order = stored.map(({ content }) => Number(content["text"]));
      assert.deepEqual(
        order,
        order.toSorted((x, y) => x - y),
        "in the order of sending",
      );

      const results = await Promise.all(sent.map((params) => again.node.as(a.userId, "message.send", params)));
      for (const [index, { seq }] of results.entries()) {
        const before = acknowledged.get(sent[index]!.clientMsgId);
        if (before) assert.equal(seq, before.seq);
      }
      const after = await allOf(again, b, conversationId);
      assert.equal(after.length, sent.length);
      assert.deepEqual(new Set(after.map(({ clientMsgId }) => clientMsgId)), new Set(sent.map(({ clientMsgId }) => clientMsgId)));
      assert.deepEqual(
        after.map(({ seq }) => seq),
        after.map((_, index) => index + 1),
      );
    },
  );

  it("answers what is on its way before it closes the connections", { timeout: 30_000 }, async () => {
    await using folder = await createFolder();
    const im = await startIm({}, { dataDir: folder.dataDir });
    const [a, b] = [await buildUser(im), await buildUser(im)];
    const conversationId = await befriend(im, a, b);
    const client = await im.connect({ token: a.token });
    const repair = breakMessages(im.sql);
    const sent = client.send<SendResult>("message:send", text(conversationId));
    await waitFor(async () => (await im.hot.conversations.pendingStats()).count === 1, "the message is on its way");
    const stopping = im.node.stop();
    await waitFor(
      async () => (await client.send("typing", { conversationId, kind: "text" })).code === 9006,
      "it takes nothing new",
    );
    repair();
    assert.deepEqual((await sent).data?.seq, 1);
    await client.closed;
    await stopping;
  });

  it("keeps the cursor of who sent last", async () => {
    await using folder = await createFolder();
    let userId: string;
    let conversationId: string;
    {
      await using im = await startIm({}, { dataDir: folder.dataDir });
      const [a, b] = [await buildUser(im), await buildUser(im)];
      userId = a.userId;
      conversationId = await befriend(im, a, b);
      await im.node.as(b.userId, "message.send", text(conversationId));
      await im.node.as(userId, "message.send", text(conversationId));
    }
    await using again = await startIm({}, { dataDir: folder.dataDir });
    const { readSeq, deliveredSeq } = await again.node.call("conversation.access", { conversationId, userId });
    assert.deepEqual([readSeq, deliveredSeq], [2, 2]);
  });
});

describe("a connection that breaks", () => {
  it("costs nothing when the same is sent again over the next one", { timeout: 30_000 }, async () => {
    await using im = await startIm();
    const [a, b] = [await buildUser(im), await buildUser(im)];
    const conversationId = await befriend(im, a, b);
    const reader = await im.connect({ token: b.token });
    const sends = Array.from({ length: 200 }, (_, index) => text(conversationId, String(index)));
    const first = await im.connect({ token: a.token });
    for (const params of sends.slice(0, 150)) first.socket.emit("message:send", params);
    await reader.next<Message>("message:new");
    first.socket.io.engine.close();
    const second = await im.connect({ token: a.token });
    const acks = await Promise.all(sends.map((params) => second.ok<SendResult>("message:send", params)));
    assert.deepEqual(
      acks.map(({ seq }) => seq),
      sends.map((_, index) => index + 1),
    );
    await reader.next<Message>("message:new", ({ seq }) => seq === 200);
    const seqs = reader.of<Message>("message:new").map(({ seq }) => seq);
    assert.deepEqual(
      seqs,
      sends.map((_, index) => index + 1),
      "each is pushed once",
    );
  });
});
