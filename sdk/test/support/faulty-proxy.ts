import { once } from "node:events";
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";

/** An event of the server, not an answer: Socket.IO's packet type 2 in Engine.IO's type 4. */
const isPush = (frame: string): boolean => frame.startsWith("42");

export interface Faults {
  /** Of pushes that are lost, doubled, or held until others have passed; between 0 and 1. */
  drop: number;
  double: number;
  swap: number;
  /** Of answers after which the connection is cut, before or behind them. */
  cut: number;
}

/** What a test does to one frame: another text instead, or null to lose it. */
export type FrameRule = (frame: string, connection: Ends) => string | null;
export interface Ends {
  readonly toClient: (frame: string) => void;
  readonly toServer: (frame: string) => void;
  readonly cut: () => void;
}

/** Stands between a client and its server, and does to what passes what a network never should. */
export class FaultyProxy implements AsyncDisposable {
  readonly url: string;
  faults: Faults = { drop: 0, double: 0, swap: 0, cut: 0 };
  readonly counted = { dropped: 0, doubled: 0, swapped: 0, cut: 0 };
  /** What was asked by REST: `POST /api/v1/auth/refresh`. */
  readonly requests: string[] = [];
  /** What the server has answered of that. */
  readonly answered: string[] = [];
  /** Sockets that were opened so far. */
  upgrades = 0;
  /** Frames of clients and of the server pass by these. */
  fromClient: FrameRule = (frame) => frame;
  fromServer: FrameRule = (frame) => frame;
  /** Called before an answer to a REST request is passed on; false loses it. */
  onAnswer: (asked: string) => boolean | Promise<boolean> = () => true;
  readonly #server: Server;
  readonly #open = new Set<WebSocket>();

  private constructor(url: string, server: Server) {
    this.url = url;
    this.#server = server;
  }

  static async start(target: string, random: () => number = Math.random): Promise<FaultyProxy> {
    const server = createServer((req, res) => proxy.#pass(target, req, res)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const sockets = new WebSocketServer({ server });
    const { port } = server.address() as AddressInfo;
    const proxy = new FaultyProxy(`http://127.0.0.1:${port}`, server);
    sockets.on("connection", (client, req) => proxy.#join(client, target.replace("http", "ws") + (req.url ?? ""), random));
    return proxy;
  }

  /** Nobody listens here any more, and all connections end. */
  async down(): Promise<void> {
    if (!this.#server.listening) return;
    this.cutAll();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Listens again where it did before. */
  async up(): Promise<void> {
    this.#server.listen(Number(new URL(this.url).port), "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** Ends all connections at once, without a word. */
  cutAll(): void {
    for (const socket of this.#open) {
      this.counted.cut++;
      socket.terminate();
    }
  }

  /** Sockets that are open. */
  get connections(): number {
    return this.#open.size;
  }

  /** How often a REST request was made that contains this. */
  count(part: string): number {
    return this.requests.filter((asked) => asked.includes(part)).length;
  }

  /** Keeps back the answer to the next request that contains this, until what it gives is called. */
  hold(part: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.onAnswer;
    this.onAnswer = async (asked) => {
      if (asked.includes(part)) {
        this.onAnswer = before;
        await promise;
      }
      return before(asked);
    };
    return resolve;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  #join(client: WebSocket, url: string, random: () => number): void {
    this.upgrades++;
    const server = new WebSocket(url);
    const waiting: string[] = [];
    const held: string[] = [];
    const end = (): void => {
      client.terminate();
      server.terminate();
      this.#open.delete(client);
    };
    this.#open.add(client);
    const toClient = (frame: string): void => {
      if (client.readyState === WebSocket.OPEN) client.send(frame);
    };
    const toServer = (frame: string): void => {
      if (server.readyState === WebSocket.OPEN) server.send(frame);
      else waiting.push(frame);
    };
    const connection: Ends = { toClient, toServer, cut: end };
    client.on("message", (data) => {
      const frame = this.fromClient(textOf(data), connection);
      if (frame !== null) toServer(frame);
    });
    server.on("open", () => {
      for (const frame of waiting) server.send(frame);
    });
    server.on("message", (data) => {
      const frame = this.fromServer(textOf(data), connection);
      if (frame === null) return;
      if (isPush(frame)) return this.#push(frame, held, toClient, random);
      if (frame.startsWith("43") && happens(this.faults.cut, random)) {
        this.counted.cut++;
        if (random() < 0.5) toClient(frame);
        return end();
      }
      toClient(frame);
    });
    for (const socket of [client, server]) socket.on("close", end).on("error", end);
  }

  #push(frame: string, held: string[], toClient: (frame: string) => void, random: () => number): void {
    const { drop, double, swap } = this.faults;
    if (happens(drop, random)) {
      this.counted.dropped++;
      return;
    }
    if (happens(swap, random)) {
      this.counted.swapped++;
      held.push(frame);
      return;
    }
    toClient(frame);
    if (happens(double, random)) {
      this.counted.doubled++;
      toClient(frame);
    }
    for (const late of held.splice(0).reverse()) toClient(late);
  }

  #pass(target: string, req: IncomingMessage, res: ServerResponse): void {
    const asked = `${req.method} ${req.url}`;
    this.requests.push(asked);
    const onward = request(target + (req.url ?? ""), { method: req.method, headers: req.headers }, (answer) => {
      this.answered.push(asked);
      void Promise.resolve(this.onAnswer(asked)).then((passes) => {
        if (!passes) return res.destroy();
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        return answer.pipe(res);
      });
    });
    onward.on("error", () => res.destroy());
    req.pipe(onward);
  }
}

/** What never happens takes no number: those of the others do not depend on how often it could have. */
const happens = (chance: number, random: () => number): boolean => chance > 0 && random() < chance;

const textOf = (data: WebSocket.RawData): string => (data as Buffer).toString();

/** The name of the event that a client's frame carries, its payload and the id of its acknowledgement; null for other frames. */
export function eventOf(frame: string): { readonly name: string; readonly payload: unknown; readonly id: string } | null {
  const match = /^42(\d*)(\[.*)$/s.exec(frame);
  if (!match) return null;
  const [name, payload] = JSON.parse(match[2]!) as [string, unknown];
  return { name, payload, id: match[1]! };
}
