import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { SOCKET_QUEUE_CUT_BYTES } from "../../config/limits.ts";
import type { Message } from "../../contracts/entities.ts";
import type { ImServer } from "../../services/socket/types.ts";
import { befriend, buildUser, startIm, text } from "../support/im.ts";
import { waitFor } from "../support/wait.ts";

/** Of what no system takes into its own buffers. */
const LOAD_BYTES = 4 * SOCKET_QUEUE_CUT_BYTES;
const TEXT = "x".repeat(8_000);

test("a connection that does not read is cut, another of the same user is not", { timeout: 60_000 }, async () => {
  await using im = await startIm();
  const [a, b] = [await buildUser(im), await buildUser(im)];
  const conversationId = await befriend(im, a, b);
  const slow = await im.connect({ token: b.token });
  const other = await im.connect({ token: b.token });
  const { io } = im.broker.getLocalService("socket") as unknown as { io: ImServer };
  const ids = (): string[] => [...io.of("/").sockets.keys()];
  assert.equal(ids().length, 2);
  tcpOf(slow.socket).pause();
  await im.node.as(a.userId, "message.send", { ...text(conversationId), content: { text: TEXT } });
  const payload = await other.next<Message>("message:new");
  const count = Math.ceil(LOAD_BYTES / TEXT.length);
  const again = { deliveries: [{ room: `u:${b.userId}`, event: "message:new" as const, payload }] };
  for (let i = 1; i < count; i++) {
    await im.node.call("socket.deliver", again);
    await nextTurn(); // or all would be written in one call
  }
  await waitFor(() => other.received.filter(({ event }) => event === "message:new").length === count, "all that was sent");
  await waitFor(() => ids().length === 1, "the slow reader to be cut", 20_000);
  assert.deepEqual(ids(), [other.socket.id]);
});

function tcpOf(socket: { io: { engine: { transport: unknown } } }): Socket {
  return (socket.io.engine.transport as { ws: { _socket: Socket } }).ws._socket;
}
