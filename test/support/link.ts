import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

/** The way to a server, which a test can hold up and cut. */
export interface Link extends AsyncDisposable {
  /** For a client that lets its connections be made elsewhere. */
  connect(): Socket;
  /** Nothing gets through any more, in either direction, and no connection breaks. @returns lets all of it go on */
  hold(): () => void;
  /** Every connection breaks, and each new one too. @returns repairs it */
  cut(): () => void;
  /** Nothing gets through any more on the connections that stand, ever; new ones are as good as before. */
  strand(): void;
  /** Connections that stand. */
  readonly open: number;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

/** @param address `host:port` of the server */
export async function createLink(address: string): Promise<Link> {
  const [host, port] = address.split(":") as [string, string];
  const pairs = new Set<Pair>();
  const stranded = new WeakSet<Pair>();
  let isHeld = false;
  let isCut = false;

  const listener = createServer((client) => {
    if (isCut) return void client.resetAndDestroy();
    const server = connect({ host, port: Number(port) });
    const pair = { client, server };
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.on("error", end).on("close", end);
    if (!isHeld) joinPair(pair);
  });
  await listening(listener);

  return {
    get open() {
      return pairs.size;
    },
    connect: () => connect((listener.address() as AddressInfo).port, "127.0.0.1"),
    hold() {
      isHeld = true;
      for (const pair of pairs) holdPair(pair);
      return () => {
        isHeld = false;
        for (const pair of pairs) if (!stranded.has(pair)) joinPair(pair);
      };
    },
    strand() {
      for (const pair of pairs) {
        holdPair(pair);
        stranded.add(pair);
      }
    },
    cut() {
      isCut = true;
      for (const { client, server } of pairs) {
        client.resetAndDestroy();
        server.destroy();
      }
      return () => void (isCut = false);
    },
    async [Symbol.asyncDispose]() {
      for (const { client, server } of pairs) {
        client.destroy();
        server.destroy();
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      listener.close(() => resolve());
      await promise;
    },
  };
}

function joinPair({ client, server }: Pair): void {
  client.pipe(server);
  server.pipe(client);
}

function holdPair({ client, server }: Pair): void {
  client.unpipe().pause();
  server.unpipe().pause();
}

function listening(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
}
