import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { it } from "node:test";
import type { HttpVars } from "../../mixins/http/index.ts";
import socket from "../../services/socket/socket.service.ts";
import { connectClient } from "../support/client.ts";
import { standInServices, type StandIns } from "../support/edge.ts";
import { createNode, type TestNode } from "../support/node.ts";
import { waitFor } from "../support/wait.ts";

const neighbours: StandIns = {
  "auth.verify": (ctx) => ({
    ...{ userId: String(ctx.params["token"]), sessionId: "9", deviceId: "test", deviceType: "web" },
    expiresAt: Date.now() + 60_000,
  }),
  "presence.connected": () => ({ accepted: true }),
  "conversation.roomsOf": () => [],
};

it("what one connection sends without waiting is accepted in its order, though two nodes accept", async () => {
  const broker = { transporter: "Fake" as const, namespace: `order-${randomUUID()}` };
  const accepted: string[] = [];
  let turn = 0;
  /** One that takes a moment, different at each message, before it takes a place. */
  const core = (): Promise<TestNode> => {
    let queue = Promise.resolve();
    const accept = async (clientMsgId: string): Promise<void> => {
      await delay(++turn % 2 === 1 ? 15 : 1);
      accepted.push(clientMsgId);
    };
    const send: StandIns[string] = async (ctx) => {
      const accepting = (queue = queue.then(() => accept(String(ctx.params["clientMsgId"]))));
      await accepting;
      return { messageId: "1", seq: accepted.length, createdAt: 0 };
    };
    return createNode(standInServices({ "message.send": send }, ["message"]), { broker });
  };
  const [one, two, gateway] = await Promise.all([
    core(),
    core(),
    createNode([socket, ...standInServices(neighbours, ["auth", "presence", "conversation"])], { broker }),
  ]);
  await using stack = new AsyncDisposableStack();
  for (const node of [one, two, gateway]) stack.defer(() => node.stop());
  await waitFor(() => gateway.broker.registry.getActionEndpoints("message.send")?.count() === 2, "both to be known", 10_000);
  const { port } = (gateway.broker.getLocalService("socket") as unknown as HttpVars).http.address();
  await using client = await connectClient(`http://127.0.0.1:${port}`, { token: "7" });
  const sent = Array.from({ length: 30 }, (_, n) => `m${String(n)}`);
  for (const half of [sent.slice(0, 15), sent.slice(15)]) {
    await Promise.all(
      half.map((clientMsgId) =>
        client.ok("message:send", { conversationId: "g_1", clientMsgId, type: "text", content: { text: "x" } }),
      ),
    );
  }
  assert.deepEqual(accepted, sent);
});
