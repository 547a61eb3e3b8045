import { once } from "node:events";
import { createServer, request } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { WebSocket, WebSocketServer } from "ws";

/** What a request was seen as behind a proxy. */
export interface Seen {
  /** The address of the gateway that got it. */
  readonly gateway: string;
  readonly headers: IncomingHttpHeaders;
}

/** Answers every request with what it has seen of it; a WebSocket is told first, and then echoed. */
export async function openGateway(address: string, port: number): Promise<AsyncDisposable> {
  const seen = (headers: IncomingHttpHeaders): string => JSON.stringify({ gateway: address, headers } satisfies Seen);
  const server = createServer((req, res) => res.end(seen(req.headers)));
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket, { headers }) => {
    socket.send(seen(headers));
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  server.listen(port, address);
  await once(server, "listening");
  return {
    [Symbol.asyncDispose]: async () => {
      for (const client of sockets.clients) client.terminate();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** @param from the client's own address */
export async function ask(
  url: string,
  { from = "127.0.0.1", headers = {} }: { from?: string; headers?: Record<string, string> } = {},
) {
  const asked = request(url, { localAddress: from, headers, agent: false });
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const text = Buffer.concat(await response.toArray()).toString();
  if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}`);
  return JSON.parse(text) as Seen;
}

/** Opens a WebSocket, which is closed by `await using`. */
export async function openSocket(url: string, from = "127.0.0.1"): Promise<{ socket: WebSocket; seen: Seen } & AsyncDisposable> {
  const socket = new WebSocket(url.replace("http", "ws"), { localAddress: from });
  const [first] = (await once(socket, "message")) as [Buffer];
  const close = async (): Promise<void> => {
    socket.close();
    if (socket.readyState !== WebSocket.CLOSED) await once(socket, "close");
  };
  return { socket, seen: JSON.parse(first.toString()) as Seen, [Symbol.asyncDispose]: close };
}
