// node examples/socket-client.mjs <accessToken> <conversationId> [url]
import { io } from "socket.io-client";

const [token, conversationId, url = "http://127.0.0.1:3000"] = process.argv.slice(2);
const socket = io(url, { transports: ["websocket"], auth: { token } });

socket.on("connect_error", (error) => console.log("refused", JSON.stringify(error.data ?? error.message)));
socket.onAny((event, payload) => console.log(event, JSON.stringify(payload)));
socket.once("connect", async () => {
  const message = { conversationId, clientMsgId: crypto.randomUUID(), type: "text", content: { text: "Hello from a socket" } };
  console.log("answer", JSON.stringify(await socket.emitWithAck("message:send", message)));
});
