import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import type { Config } from "../../config/config.ts";
import {
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_MS,
  MAX_HEADER_BYTES,
  RECEIVE_TIMEOUT_MS,
  RETRY_AFTER_S,
} from "../../config/http-limits.ts";
import { SHUTDOWN_TIMEOUT_MS } from "../../config/limits.ts";
import type { ErrorType } from "../../contracts/errors.ts";
import { errorEnvelope, sendJson } from "../../lib/envelope.ts";
import { imError, toWireError } from "../../lib/errors.ts";
import { requestIdOf } from "../../lib/request-id.ts";
import { answerProbe } from "../health/index.ts";
import { answerClientError } from "./client-error.ts";
import { addressOf, listen } from "./listen.ts";

/** One user of the server: what it answers. */
export interface HttpMount {
  /** This path and what lies below it; "/" is all that no other mount answers. */
  readonly path: string;
  request(req: IncomingMessage, res: ServerResponse): void;
  /** Takes connections that ask for WebSocket at this path. Requests of such a mount (long polls) do not delay a stop. */
  upgrade?(req: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** On a server that was handed in, everything else stays with its owner. */
const OUR_PATHS = ["/api/v1", "/socket.io", "/health", "/openapi.json", "/asyncapi.json", "/docs"];

type RequestListener = (req: IncomingMessage, res: ServerResponse) => void;

const pathOf = (req: IncomingMessage): string => (req.url ?? "/").split(/[?#]/, 1)[0] ?? "/";
const isBelow = (path: string, base: string): boolean => base === "/" || path === base || path.startsWith(`${base}/`);

/**
 * The HTTP server that REST and Socket.IO share. It answers the probes from the moment it listens; requests that nobody has
 * mounted yet, or that come while it drains, get 503 with Retry-After.
 */
export class HttpHost {
  readonly server: Server;
  readonly #broker: ServiceBroker;
  readonly #logger: ReturnType<ServiceBroker["getLogger"]>;
  readonly #mounts = new Set<HttpMount>();
  readonly #answering = new Set<ServerResponse>();
  readonly #sockets = new Set<Socket>();
  /** The request listeners of a server that was handed in; null when the server is our own. */
  readonly #owners: readonly RequestListener[] | null;
  #isDraining = false;

  private constructor(broker: ServiceBroker, given: Server | null) {
    this.#broker = broker;
    this.#logger = broker.getLogger("http");
    this.server = given ?? this.#createServer();
    this.#owners = given ? (given.listeners("request") as RequestListener[]) : null;
    if (given) given.removeAllListeners("request");
    this.server.on("request", this.#onRequest);
    this.server.on("upgrade", this.#onUpgrade);
  }

  /** @param given a server that someone else listens on and closes; without it one is made that listens as `config` says */
  static async open(broker: ServiceBroker, config: Config, given: Server | null): Promise<HttpHost> {
    const host = new HttpHost(broker, given);
    if (!given) await listen(host.server, { host: config.host, port: config.port, portName: "IM_PORT" });
    return host;
  }

  address(): { host: string; port: number } {
    return addressOf(this.server);
  }

  /** @returns takes it out again */
  mount(mount: HttpMount): () => void {
    this.#mounts.add(mount);
    return () => void this.#mounts.delete(mount);
  }

  /** Takes no new request, and resolves when the running ones have been answered or `SHUTDOWN_TIMEOUT_MS` has passed. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    if (!this.#owners && this.server.listening) this.server.close();
    const end = performance.now() + SHUTDOWN_TIMEOUT_MS;
    while (this.#answering.size > 0 && performance.now() < end) await delay(10);
    this.server.closeIdleConnections();
  }

  /** Drains, then cuts what is still open. A server that was handed in goes back to its owner as it was. */
  async close(): Promise<void> {
    await this.drain();
    this.server.off("request", this.#onRequest);
    this.server.off("upgrade", this.#onUpgrade);
    for (const owner of this.#owners ?? []) this.server.on("request", owner);
    if (this.#owners) return;
    this.server.closeAllConnections();
    for (const socket of this.#sockets) socket.destroy();
  }

  #createServer(): Server {
    const server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: RECEIVE_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
      shouldUpgradeCallback: (req) => this.#mountOf(req)?.upgrade !== undefined || this.#hasOtherUpgrades(),
    });
    server.on("clientError", answerClientError);
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    return server;
  }

  readonly #onRequest = (req: IncomingMessage, res: ServerResponse): void => {
    if (this.#owners && !OUR_PATHS.some((base) => isBelow(pathOf(req), base))) {
      for (const owner of this.#owners) owner.call(this.server, req, res);
      if (this.#owners.length === 0) refuse(req, res, "ROUTE_NOT_FOUND");
    } else if (!answerProbe(this.#broker, req, res)) this.#answer(req, res);
  };

  #answer(req: IncomingMessage, res: ServerResponse): void {
    const mount = this.#mountOf(req);
    if (!mount || this.#isDraining)
      return refuse(req, res, "UNAVAILABLE", { "Retry-After": String(RETRY_AFTER_S), Connection: "close" });
    if (!mount.upgrade) {
      this.#answering.add(res);
      res.once("close", () => this.#answering.delete(res));
    }
    try {
      mount.request(req, res);
    } catch (error) {
      this.#logger.error(`${req.method} ${pathOf(req)} failed`, error);
      refuse(req, res, "INTERNAL");
    }
  }

  readonly #onUpgrade = (req: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const mount = this.#mountOf(req);
    if (mount?.upgrade && !this.#isDraining) mount.upgrade(req, socket, head);
    else if (!this.#hasOtherUpgrades())
      socket
        .on("error", () => socket.destroy())
        .end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  };

  #hasOtherUpgrades(): boolean {
    return this.server.listenerCount("upgrade") > 1;
  }

  #mountOf(req: IncomingMessage): HttpMount | null {
    const path = pathOf(req);
    const found = [...this.#mounts].filter((mount) => isBelow(path, mount.path));
    return found.find((mount) => mount.path !== "/") ?? found[0] ?? null;
  }
}

function refuse(req: IncomingMessage, res: ServerResponse, type: ErrorType, headers: Record<string, string> = {}): void {
  const requestId = requestIdOf(req.headers["x-request-id"]);
  const wire = toWireError(imError(type));
  sendJson(res, wire.status, errorEnvelope(wire, requestId), { "X-Request-Id": requestId, ...headers });
}
