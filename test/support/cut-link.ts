import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** The way to a MySQL server, which breaks at a statement. */
export interface CutLink extends AsyncDisposable {
  /** `url` with the address of the link. */
  readonly url: string;
  /**
   * The next connection that sends this text breaks: before the server gets it, or after it has answered and before the
   * answer arrives.
   */
  cutAt(statement: string, when: "before" | "answered"): void;
}

/** @param url of the server */
export async function createCutLink(url: string): Promise<CutLink> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let cut: { readonly statement: string; readonly when: "before" | "answered" } | null = null;

  const listener = createServer((client) => {
    const server = connect(Number(port), hostname);
    let isAwaited = false;
    const end = (): void => {
      client.resetAndDestroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", end).on("close", () => {
        sockets.delete(socket);
        end();
      });
    }
    client.on("data", (data) => {
      if (cut && data.includes(cut.statement)) {
        const { when } = cut;
        cut = null;
        if (when === "before") return end();
        isAwaited = true;
      }
      server.write(data);
    });
    server.on("data", (data) => (isAwaited ? end() : client.write(data)));
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  listener.listen(0, "127.0.0.1", resolve);
  await promise;

  return {
    url: Object.assign(new URL(url), { port: String((listener.address() as AddressInfo).port) }).href,
    cutAt: (statement, when) => void (cut = { statement, when }),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => listener.close(closed));
    },
  };
}
