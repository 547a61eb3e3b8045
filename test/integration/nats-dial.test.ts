import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { test } from "node:test";
import { openNats } from "../../mixins/nats/connection.ts";
import { waitFor } from "../support/wait.ts";

const INFO = `INFO ${JSON.stringify({ server_id: "slow", version: "2.9.0", proto: 1, max_payload: 1_048_576 })}\r\n`;

test("a dial that is given up leaves no connection behind, though the server answers it later", async (t) => {
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined).resume();
    accepted.push(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of accepted) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  await assert.rejects(openNats(`nats://127.0.0.1:${port}`, "test"), new RegExp(`127\\.0\\.0\\.1:${port} cannot be reached`));
  for (const socket of accepted) if (!socket.destroyed) socket.write(INFO);
  assert.ok(accepted.length > 0);
  await waitFor(() => accepted.every(({ destroyed }) => destroyed), "the connections to end");
});
