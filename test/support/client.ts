import assert from "node:assert/strict";
import { io, type Socket } from "socket.io-client";
import { API_PREFIX } from "../../contracts/routes.ts";
import { serverEvents, type ServerEventName } from "../../contracts/socket-events.ts";
import { checkOf } from "../../lib/validation.ts";
import { waitFor } from "./wait.ts";

/** An answer of the REST edge; `data` is whatever the route promises. */
export interface RestAnswer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly code: number;
  readonly message: string;
  readonly data: T;
}
interface RequestOptions {
  readonly headers?: Record<string, string>;
  /** Sent as it stands, instead of `body` as JSON. */
  readonly raw?: string;
}
type Send = <T = unknown>(path: string, body?: unknown, options?: RequestOptions) => Promise<RestAnswer<T>>;
type Ask = <T = unknown>(path: string, options?: RequestOptions) => Promise<RestAnswer<T>>;

/** REST calls below `/api/v1`, as the holder of `token`. */
export interface RestClient {
  readonly get: Ask;
  readonly delete: Ask;
  readonly post: Send;
  readonly put: Send;
}

export function api(url: string, token?: string): RestClient {
  const request = async <T>(
    method: string,
    path: string,
    body: unknown,
    { headers = {}, raw }: RequestOptions = {},
  ): Promise<RestAnswer<T>> => {
    const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(`${url}${API_PREFIX}${path}`, {
      method,
      headers: {
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        ...(text !== undefined && { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(text !== undefined && { body: text }),
    });
    const { code, message, data } = (await response.json()) as RestAnswer<T>;
    return { status: response.status, headers: response.headers, code, message, data };
  };
  return {
    get: (path, options) => request("GET", path, undefined, options),
    delete: (path, options) => request("DELETE", path, undefined, options),
    post: (path, body, options) => request("POST", path, body, options),
    put: (path, body, options) => request("PUT", path, body, options),
  };
}

/** The data of a successful answer; fails with the error otherwise. */
export async function dataOf<T>(answer: Promise<RestAnswer<T>>): Promise<T> {
  const { code, message, data, status } = await answer;
  assert.equal(code, 0, `${status} ${code} ${message} ${JSON.stringify(data)}`);
  return data;
}

export interface Ack<T = unknown> {
  readonly code: number;
  readonly message?: string;
  readonly data?: T;
}
export interface Received {
  readonly event: string;
  readonly payload: Record<string, unknown>;
}

/**
 * A connection of a device. It records all that the server sends, and `await using` closes it; closing fails when something
 * was sent that is not what the contract says.
 */
export interface Client extends AsyncDisposable {
  readonly socket: Socket;
  readonly received: readonly Received[];
  /** What was received of one event. */
  of<T = Record<string, unknown>>(event: ServerEventName): T[];
  /** Sends an event; gives the acknowledgement. */
  send<T = unknown>(event: string, ...payload: unknown[]): Promise<Ack<T>>;
  /** Sends an event that must succeed; gives its data. */
  ok<T = Record<string, unknown>>(event: string, payload?: unknown): Promise<T>;
  /** The first event of this name that fits and that no earlier `next` gave; waits for it. */
  next<T = Record<string, unknown>>(event: ServerEventName, fits?: (payload: T) => boolean): Promise<T>;
  /** Resolves with the reason when the connection is closed. */
  readonly closed: Promise<string>;
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly token?: string;
  readonly deviceId?: string;
  readonly headers?: Record<string, string>;
}

/** What a refused handshake says. */
export class Refused extends Error {
  readonly data: { readonly code: number; readonly message: string } | undefined;

  constructor(error: Error) {
    super(error.message);
    this.data = (error as { data?: Refused["data"] }).data;
  }
}

/** Waits for an acknowledgement no longer than this. */
const ACK_TIMEOUT_MS = 10_000;

/** @throws Refused */
export async function connectClient(url: string, { token, deviceId, headers }: ConnectOptions): Promise<Client> {
  const socket = io(url, {
    transports: ["websocket"],
    reconnection: false,
    forceNew: true,
    auth: { ...(token !== undefined && { token }), ...(deviceId !== undefined && { deviceId }) },
    ...(headers && { extraHeaders: headers }),
  });
  const received: Received[] = [];
  const problems: string[] = [];
  const taken = new Set<Received>();
  socket.onAny((event: string, payload: Record<string, unknown>) => {
    received.push({ event, payload });
    const problem = problemOf(event, payload);
    if (problem) problems.push(problem);
  });
  const closed = new Promise<string>((resolve) => socket.on("disconnect", resolve));
  await connected(socket);

  const close = async (): Promise<void> => {
    socket.disconnect();
    assert.deepEqual(problems, [], "events that break their contract");
  };
  const send = <T>(event: string, ...payload: unknown[]): Promise<Ack<T>> =>
    socket.timeout(ACK_TIMEOUT_MS).emitWithAck(event, ...payload) as Promise<Ack<T>>;
  return {
    socket,
    received,
    closed,
    close,
    send,
    of: <T>(event: ServerEventName) => received.filter((one) => one.event === event).map(({ payload }) => payload as T),
    async ok<T>(event: string, payload: unknown = {}): Promise<T> {
      const answer = await send<T>(event, payload);
      assert.equal(answer.code, 0, `${event}: ${JSON.stringify(answer)}`);
      return answer.data as T;
    },
    async next<T>(event: ServerEventName, fits: (payload: T) => boolean = () => true): Promise<T> {
      const found = await waitFor(
        () => received.find((one) => one.event === event && !taken.has(one) && fits(one.payload as T)),
        `${event}; received ${JSON.stringify(received.map((one) => one.event))}`,
      );
      taken.add(found);
      return found.payload as T;
    },
    [Symbol.asyncDispose]: close,
  };
}

async function connected(socket: Socket): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("connect_error", reject);
    });
  } catch (error) {
    socket.disconnect();
    throw new Refused(error as Error);
  }
}

function problemOf(event: string, payload: unknown): string | null {
  const schema = Object.hasOwn(serverEvents, event) ? serverEvents[event as ServerEventName] : undefined;
  if (!schema) return `unknown event ${event}`;
  try {
    checkOf(schema)(payload);
    return null;
  } catch (error) {
    return `${event} ${JSON.stringify(payload)}: ${JSON.stringify((error as { data?: unknown }).data)}`;
  }
}
