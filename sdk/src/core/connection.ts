import { io, type Socket } from "socket.io-client";
import type { ServerEventName } from "../../../contracts/socket-events.ts";
import { backoffMs } from "../backoff.ts";
import { ImError } from "../errors.ts";
import type { Connection } from "../types.ts";
import type { SessionKeeper } from "./session-keeper.ts";

const CONNECT_TIMEOUT_MS = 20_000;
const TOKEN_EXPIRED = 1003;
/** Codes that say that the token does not do: expired, of a session that is over, signed with a key that was replaced. */
const TOKEN_REFUSED = new Set([TOKEN_EXPIRED, 1004, 1010]);
const TOO_MANY_CONNECTIONS = 1008;
const TOO_MANY_WAIT_MS = 10_000;

export interface ConnectionEvents {
  onState(connection: Connection): void;
  /** Let in by the server: events flow, and nothing is known of what was before. */
  onOpen(): void;
  onClose(): void;
  onPush(event: ServerEventName, payload: unknown): void;
  /** The session is over. */
  onEnded(reason: string): void;
}

type Answer = { code: number; message?: string; data?: unknown };

/** The socket, and the tries to have one: with a token that holds, later each time, as the server asks. */
export class SocketConnection {
  #socket: Socket | null = null;
  #tries = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #wanted = false;
  /** The token was replaced since the last try that waited: one that is refused too is not replaced at once again. */
  #isRenewed = false;
  #last: Connection = { state: "signed-out", retryAt: null, refusal: null };
  readonly #url: string;
  readonly #session: SessionKeeper;
  readonly #events: ConnectionEvents;

  constructor(url: string, session: SessionKeeper, events: ConnectionEvents) {
    this.#url = url;
    this.#session = session;
    this.#events = events;
  }

  get isOpen(): boolean {
    return this.#socket?.connected === true;
  }

  get current(): Connection {
    return this.#last;
  }

  open(): void {
    this.#wanted = true;
    this.now();
  }

  /** Tries at once, unless it is connected or trying. */
  now(): void {
    if (!this.#wanted || this.#socket) return;
    this.#clear();
    void this.#connect();
  }

  /** @param isSignedOut nobody is there to connect for */
  close(isSignedOut: boolean): void {
    this.#wanted = false;
    this.#clear();
    this.#drop();
    this.#tell(isSignedOut ? "signed-out" : "offline");
  }

  /** Brought up to date. */
  synced(): void {
    if (this.isOpen && this.#last.state !== "online") this.#tell("online");
  }

  /** @throws ImError; with code 0 when there was no answer in time */
  async send(event: string, payload: unknown, timeoutMs: number): Promise<unknown> {
    const socket = this.#socket;
    if (!socket?.connected) throw new ImError(0, "Not connected");
    let answer: Answer;
    try {
      answer = (await socket.timeout(timeoutMs).emitWithAck(event, payload)) as Answer;
    } catch (cause) {
      throw Object.assign(new ImError(0, "No answer"), { cause });
    }
    if (answer.code === 0) return answer.data;
    throw new ImError(answer.code, answer.message ?? "", { data: (answer.data as Record<string, unknown> | undefined) ?? null });
  }

  async #connect(): Promise<void> {
    this.#tell("connecting");
    const socket = io(this.#url, {
      transports: ["websocket"],
      reconnection: false, // the tries are ours: they renew tokens and wait as the server asks
      forceNew: true,
      autoConnect: false,
      timeout: CONNECT_TIMEOUT_MS,
    });
    this.#socket = socket;
    try {
      socket.auth = { token: await this.#session.token() };
    } catch (error) {
      if (this.#socket === socket) this.#failed(error);
      return;
    }
    if (this.#socket !== socket) return;
    socket.on("connect", () => this.#opened());
    socket.on("connect_error", (error) => this.#refused(socket, error));
    socket.on("disconnect", () => this.#lost(socket));
    socket.onAny((event: string, payload: unknown) => this.#pushed(event as ServerEventName, payload));
    socket.connect();
  }

  #opened(): void {
    this.#tries = 0;
    this.#isRenewed = false;
    this.#tell("syncing");
    this.#events.onOpen();
  }

  #pushed(event: ServerEventName, payload: unknown): void {
    if (event !== "session:ended") return this.#events.onPush(event, payload);
    const { code, reason } = payload as { code: number; reason: string };
    if (code === TOKEN_EXPIRED) return; // it closes; the next try brings a new token
    this.#events.onEnded(reason);
  }

  #refused(socket: Socket, error: Error & { data?: { code?: number; message?: string; data?: Record<string, unknown> } }): void {
    if (this.#socket !== socket) return;
    const { code, message = error.message, data } = error.data ?? {};
    if (typeof code !== "number") return this.#failed(new ImError(0, error.message));
    const failure = new ImError(code, message, { data: data ?? null });
    if (!TOKEN_REFUSED.has(code) || this.#isRenewed) return this.#failed(failure);
    // The server knows the session only by its tokens: whether it is over, the refresh token tells.
    const { token } = socket.auth as { token: string };
    this.#session.token(token).then(
      () => {
        if (this.#socket !== socket) return;
        this.#isRenewed = true;
        this.#again(0);
      },
      (cause: unknown) => this.#socket === socket && this.#failed(cause),
    );
  }

  #lost(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#events.onClose();
    this.#failed(null);
  }

  /** @param error why; null: it had been connected */
  #failed(error: unknown): void {
    this.#drop();
    if (!this.#wanted) return;
    this.#tries++;
    this.#isRenewed = false;
    const refusal = error instanceof ImError && error.code !== 0 ? error : null;
    const asked = refusal?.code === TOO_MANY_CONNECTIONS ? TOO_MANY_WAIT_MS : (refusal?.retryAfterMs ?? 0);
    this.#again(backoffMs(this.#tries, asked), refusal);
  }

  #again(ms: number, refusal: ImError | null = null): void {
    this.#drop();
    this.#clear();
    if (!this.#wanted) return;
    if (ms > 0) this.#tell("offline", Date.now() + ms, refusal);
    this.#timer = setTimeout(() => void this.#connect(), ms);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.removeAllListeners();
    socket.offAny();
    socket.disconnect();
  }

  #clear(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #tell(state: Connection["state"], retryAt: number | null = null, refusal: ImError | null = null): void {
    this.#last = { state, retryAt, refusal: refusal && { code: refusal.code, message: refusal.message } };
    this.#events.onState(this.#last);
  }
}
