import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { Server, transports } from "engine.io";

type Request = ConstructorParameters<typeof transports.websocket>[0];
type WebSocket = NonNullable<Request["websocket"]>;
type Packets = Parameters<InstanceType<typeof transports.websocket>["send"]>[0];

/** Bytes of a packet, which is text: nothing else is sent. What goes to many comes with its frame, made once for all. */
export function bytesOf(data: unknown, options: object | undefined): number {
  const { wsPreEncodedFrame } = (options ?? {}) as { wsPreEncodedFrame?: readonly Buffer[] };
  if (wsPreEncodedFrame) return wsPreEncodedFrame.reduce((sum, { length }) => sum + length, 0);
  return typeof data === "string" ? Buffer.byteLength(data) : 0;
}

/**
 * The WebSocket transport of Engine.IO, which hands each packet to the system by itself. Here the packets of one turn of the
 * event loop (the acknowledgements and pushes of a batch) leave in one call, in their order. Only one such group is on its
 * way; what comes meanwhile waits in the connection's own buffer, as ever.
 */
export class TurnWebSocket extends transports.websocket {
  readonly #connection: Socket;
  readonly #webSocket: WebSocket;
  #held: Packets | null = null;
  #heldBytes = 0;

  constructor(request: Request) {
    super(request);
    this.#connection = request.socket;
    this.#webSocket = request.websocket!;
  }

  /** Bytes that were given to it and that the system has not taken. */
  get queuedBytes(): number {
    return this.#heldBytes + this.#webSocket.bufferedAmount;
  }

  /** Ends the connection at once, with all that waits for it. */
  abort(): void {
    this.#webSocket.terminate();
  }

  override send(packets: Packets): void {
    this.writable = false;
    for (const { data, options } of packets) this.#heldBytes += bytesOf(data, options);
    if (this.#held) {
      this.#held.push(...packets);
      this.emit("drain"); // Engine.IO waits for one of each call; the last comes when all are written.
      return;
    }
    this.#held = [...packets];
    process.nextTick(() => this.#release());
  }

  /** What was sent before leaves before. */
  override doClose(done?: () => void): void {
    this.#release();
    super.doClose(done);
  }

  #release(): void {
    if (!this.#held) return;
    this.writable = true;
    this.emit("ready"); // The connection adds what was written since; it may close itself on that, and come here again.
    const packets = this.#held;
    this.#held = null;
    this.#heldBytes = 0;
    if (packets === null || this.readyState === "closed") return;
    this.#connection.cork();
    super.send(packets);
    this.#connection.uncork();
  }
}

/** Engine.IO whose WebSocket connections write once for each turn of the event loop. */
export class TurnEngine extends Server {
  protected override createTransport(
    ...[name, request]: Parameters<Server["createTransport"]>
  ): ReturnType<Server["createTransport"]> {
    return name === "websocket" ? new TurnWebSocket(request as IncomingMessage as Request) : super.createTransport(name, request);
  }
}
