import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { createClient, type ImClient, type ImClientOptions } from "@moleculer-im/client";

/** What the hidden parts of a page set up, in the process that runs the page. */

/** Of the real server. */
export const url = process.argv[2] ?? "";
export const PASSWORD = "lantern-quartz-42";

const clients: ImClient[] = [];
const endings: (() => Promise<void>)[] = [];
let people = 0;

/** A client that ends with the page. */
export function client(options: ImClientOptions = {}): ImClient {
  const made = createClient({ url, ...options });
  clients.push(made);
  return made;
}

/** Somebody who is signed in and up to date. */
export async function newcomer(nickname: string, options: ImClientOptions = {}): Promise<ImClient> {
  const made = client(options);
  await made.start();
  await made.register({ username: `${nickname.toLowerCase()}.${process.pid}.${++people}`, password: PASSWORD, nickname });
  await online(made);
  return made;
}

/** Another device of the same user. */
export async function deviceOf({ me }: ImClient, options: ImClientOptions = {}): Promise<ImClient> {
  const made = client(options);
  await made.start();
  await made.signIn({ username: me!.username, password: PASSWORD });
  await online(made);
  return made;
}

export const online = (im: ImClient): Promise<void> => until(() => im.connection.state === "online", "online");

/** Makes them friends, and waits until both know. @returns their conversation */
export async function befriend(a: ImClient, b: ImClient): Promise<string> {
  const { requestId } = await a.call("friend.request", { userId: b.me!.userId });
  await b.call("friend.handleRequest", { requestId, action: "accept" });
  await until(() => a.friends.length > 0 && b.friends.length > 0, "friends");
  return (await a.openDirect(b.me!.userId)).conversationId;
}

/** Waits for what must become true. */
export async function until(isTrue: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`waited in vain for: ${what}`);
    await delay(5);
  }
}

/** A way to the server that can be cut. */
export interface Wire {
  readonly url: string;
  cut(): Promise<void>;
  mend(): Promise<void>;
}

export async function wire(): Promise<Wire> {
  const { port, hostname } = new URL(url);
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket.on("error", () => undefined).on("close", () => sockets.delete(socket)));
    return socket;
  };
  const listen = async (at: number): Promise<Server> => {
    const server = createServer((near) => {
      const far = keep(connect(Number(port), hostname));
      keep(near).pipe(far).pipe(near);
      near.on("close", () => far.destroy());
      far.on("close", () => near.destroy());
    }).listen(at, "127.0.0.1");
    await once(server, "listening");
    return server;
  };
  let server = await listen(0);
  const own = (server.address() as { port: number }).port;
  const cut = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, "close");
  };
  endings.push(cut);
  return {
    url: `http://127.0.0.1:${own}`,
    cut,
    mend: async () => {
      server = await listen(own);
    },
  };
}

/** The end of a page. */
export async function done(): Promise<void> {
  await Promise.all(clients.map((one) => one.stop()));
  for (const end of endings) await end();
}
