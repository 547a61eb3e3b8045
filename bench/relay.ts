/**
 * The yardstick: a bare Socket.IO server that passes messages on. No sign-in, no storage, no check. Prints its address.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";

const server = createServer();
const io = new Server(server, { transports: ["websocket"], perMessageDeflate: false, serveClient: false });

/** To one user, or to a room that clients named when they connected. */
interface Sent {
  readonly to: string;
  readonly room?: string;
  readonly clientMsgId: string;
}

io.on("connection", (socket) => {
  const { token, room } = socket.handshake.auth as { token: string; room?: string };
  void socket.join(`u:${token}`);
  if (room !== undefined) void socket.join(room);
  socket.on("message:send", (payload: Sent, acknowledge: (answer: unknown) => void) => {
    const target = payload.room === undefined ? io.to(`u:${payload.to}`) : socket.to(payload.room);
    target.emit("message:new", payload);
    acknowledge({ code: 0, data: { clientMsgId: payload.clientMsgId } });
  });
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`));
