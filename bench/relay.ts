/**
 * The yardstick: a bare Socket.IO server that passes messages on. No sign-in, no storage, no check. Prints its address.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";

const server = createServer();
const io = new Server(server, { transports: ["websocket"], perMessageDeflate: false, serveClient: false });

io.on("connection", (socket) => {
  const { token } = socket.handshake.auth as { token: string };
  void socket.join(`u:${token}`);
  socket.on("message:send", (payload: { to: string; clientMsgId: string }, acknowledge: (answer: unknown) => void) => {
    io.to(`u:${payload.to}`).emit("message:new", payload);
    acknowledge({ code: 0, data: { clientMsgId: payload.clientMsgId } });
  });
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`));
