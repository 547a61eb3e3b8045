import WebSocket from "ws";

/** What the server answers to an event. */
export interface Answer {
  readonly code: number;
  readonly data?: unknown;
}
/** null: the connection ended before the answer. */
type Done = (answer: Answer | null) => void;
type Listener = (event: string, payload: unknown) => void;

/**
 * A Socket.IO client of the least weight, so that a benchmark measures the server: WebSocket only, text frames, no
 * reconnection. Both sides of a comparison use it.
 */
export class SocketClient {
  readonly #socket: WebSocket;
  readonly #acks = new Map<number, Done>();
  #nextAck = 0;
  onEvent: Listener = () => undefined;
  /** Gets each event as it came, in the place of `onEvent`: where thousands come, reading them would be all that is measured. */
  onFrame: ((frame: string) => void) | null = null;
  /** The connection ended, by the server or on the way. */
  onClose: () => void = () => undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** @throws when the server refuses or ends the connection before it is signed in; none is left open then */
  static connect(url: string, auth: Record<string, string>): Promise<SocketClient> {
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/socket.io/?EIO=4&transport=websocket`, {
      perMessageDeflate: false,
    });
    const client = new SocketClient(socket);
    return new Promise((resolve, reject) => {
      socket.on("error", reject);
      socket.on("close", () => {
        reject(new Error("the server closed the connection"));
        client.#loseAnswers();
        client.onClose();
      });
      socket.on("message", (data: Buffer) => {
        const frame = data.toString();
        if (frame.startsWith("0{")) socket.send(`40${JSON.stringify(auth)}`);
        else if (frame.startsWith("40")) resolve(client);
        else if (frame.startsWith("44")) {
          reject(new Error(frame));
          socket.terminate();
        } else if (frame.startsWith("41")) socket.terminate();
        else if (frame === "2") socket.send("3");
        else client.#receive(frame);
      });
    });
  }

  #receive(frame: string): void {
    if (frame.startsWith("43")) {
      const start = frame.indexOf("[");
      const id = Number(frame.slice(2, start));
      const done = this.#acks.get(id);
      this.#acks.delete(id);
      const [answer] = JSON.parse(frame.slice(start)) as [Answer];
      done?.(answer);
    } else if (this.onFrame) this.onFrame(frame);
    else if (frame.startsWith("42")) {
      const [event, payload] = JSON.parse(frame.slice(frame.indexOf("["))) as [string, unknown];
      this.onEvent(event, payload);
    }
  }

  /** Without a promise for each, where thousands are sent. */
  send(event: string, payload: unknown, done: Done): void {
    if (this.#socket.readyState !== WebSocket.OPEN) {
      setImmediate(done, null);
      return;
    }
    const id = this.#nextAck++;
    this.#acks.set(id, done);
    this.#socket.send(`42${id}${JSON.stringify([event, payload])}`);
  }

  /** @returns the answer's data @throws when its code is not 0, or the connection ends before it comes */
  ask<T>(event: string, payload: unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      this.send(event, payload, (answer) => {
        if (answer?.code === 0) resolve(answer.data as T);
        else reject(new Error(answer === null ? `${event}: the connection ended before the answer` : JSON.stringify(answer)));
      });
    });
  }

  /** Ends the connection at once; `onClose` is not called. */
  close(): void {
    this.#socket.removeAllListeners("close");
    this.#socket.terminate();
    this.#loseAnswers();
  }

  #loseAnswers(): void {
    const lost = [...this.#acks.values()];
    this.#acks.clear();
    for (const done of lost) done(null);
  }
}
