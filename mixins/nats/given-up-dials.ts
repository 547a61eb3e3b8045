import { createRequire } from "node:module";
import type { Socket } from "node:net";

/** What this file needs to know of the client's `NodeTransport`, one for each dial. */
interface Transport {
  /** Once the server has answered. */
  readonly connected: boolean;
  socket?: Socket;
  dial: (this: Transport, place: object) => Promise<Socket>;
  close: (this: Transport, error?: Error) => Promise<void>;
}

let isDone = false;

/**
 * nats 2.29.3 gives a dial up after its timeout, but leaves its socket: when the server answers later, the connection stays open,
 * nobody's, and keeps the process alive. With this it is ended.
 */
export function endGivenUpDials(): void {
  if (isDone) return;
  isDone = true;
  const { NodeTransport } = createRequire(import.meta.url)("nats/lib/src/node_transport") as {
    NodeTransport: { prototype: Transport };
  };
  const { prototype } = NodeTransport;
  const { dial, close } = prototype;
  const givenUp = new WeakSet<Transport>();
  prototype.dial = async function (place) {
    const socket = await dial.call(this, place);
    if (givenUp.has(this)) {
      socket.destroy();
      throw new Error("the dial was given up");
    }
    return socket;
  };
  prototype.close = async function (error) {
    if (!this.connected) {
      givenUp.add(this);
      this.socket?.destroy();
    }
    await close.call(this, error);
  };
}
