import { once } from "node:events";
import { WebSocket } from "ws";
import type { Im, TestUser } from "./im.ts";

/** How many connections the server knows of a user. */
export async function connectionsOf(im: Im, user: Pick<TestUser, "userId">): Promise<number> {
  const presence = await im.hot.presence.of([user.userId], Date.now());
  return presence.get(user.userId)?.connections.length ?? 0;
}

/** A WebSocket that speaks Socket.IO by hand. */
export async function rawSocket(url: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
  await once(socket, "open");
  return socket;
}

/** The same, once the server has let it in. */
export async function rawSignedIn(url: string, token: string): Promise<WebSocket> {
  const socket = await rawSocket(url);
  const isIn = new Promise<void>((resolve, reject) => {
    socket.on("message", (data: Buffer) => {
      if (data.toString().startsWith("40")) resolve();
      if (data.toString().startsWith("44")) reject(new Error(data.toString()));
    });
  });
  socket.send(`40${JSON.stringify({ token })}`);
  await isIn;
  return socket;
}
