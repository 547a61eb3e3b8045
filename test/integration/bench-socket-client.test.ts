import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { Server } from "socket.io";
import { SocketClient } from "../../bench/socket-client.ts";
import { waitFor } from "../support/wait.ts";

/** A Socket.IO server that refuses whom it does not know, answers `echo` and leaves `silence` without an answer. */
async function listen(t: TestContext): Promise<{ io: Server; url: string; received: string[] }> {
  const http = createServer();
  const io = new Server(http, { transports: ["websocket"], serveClient: false });
  const received: string[] = [];
  io.use((socket, next) => next(socket.handshake.auth["token"] === "known" ? undefined : new Error("who are you")));
  io.on("connection", (socket) => {
    socket.onAny((event: string) => void received.push(event));
    socket.on("echo", (payload: unknown, answer: (value: unknown) => void) => answer(payload));
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  t.after(() => io.close());
  return { io, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, received };
}

const connect = async (t: TestContext, url: string): Promise<SocketClient> => {
  const client = await SocketClient.connect(url, { token: "known" });
  t.after(() => client.close());
  return client;
};

describe("the client of the benchmarks", () => {
  it("leaves no connection open that was refused", async (t) => {
    const { io, url } = await listen(t);
    await assert.rejects(SocketClient.connect(url, { token: "stranger" }), /^Error: 44.*who are you/);
    await waitFor(() => io.engine.clientsCount === 0, "the refused connection is gone");
  });

  it("gives the data of an answer, and throws one whose code is not 0", async (t) => {
    const { url } = await listen(t);
    const client = await connect(t, url);
    assert.deepEqual(await client.ask("echo", { code: 0, data: { seq: 7 } }), { seq: 7 });
    await assert.rejects(client.ask("echo", { code: 3002 }), /3002/);
  });

  for (const [how, end] of [
    ["the server ends the connection", (io: Server) => io.disconnectSockets(true)],
    ["the server lets it go, but not its connection", (io: Server) => io.disconnectSockets(false)],
  ] as const) {
    it(`does not wait for an answer after ${how}`, async (t) => {
      const { io, url, received } = await listen(t);
      const client = await connect(t, url);
      const closed = new Promise<void>((resolve) => (client.onClose = resolve));
      const asked = assert.rejects(client.ask("silence", null), /silence: the connection ended before the answer/);
      await waitFor(() => received.includes("silence"), "the question arrived");
      end(io);
      await Promise.all([asked, closed]);
    });
  }

  it("does not wait for an answer after it closed the connection itself, nor on one that is closed", async (t) => {
    const { io, url } = await listen(t);
    const client = await connect(t, url);
    const asked = assert.rejects(client.ask("silence", null), /before the answer/);
    client.close();
    await asked;
    await assert.rejects(client.ask("echo", { code: 0 }), /before the answer/);
    await waitFor(() => io.engine.clientsCount === 0, "the connection is gone");
  });
});
