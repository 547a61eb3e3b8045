import { setTimeout as delay } from "node:timers/promises";
import { connect, ErrorCode, Events, NatsError, type ConnectionOptions, type NatsConnection } from "nats";
import { backoffMs } from "../../lib/backoff.ts";
import { within } from "../../lib/within.ts";
import { endGivenUpDials } from "./given-up-dials.ts";

endGivenUpDials();

const DIAL_TIMEOUT_MS = 2_000;
const OPEN_TIMEOUT_MS = 4_500;
const PING_TIMEOUT_MS = 1_800;
const CLOSE_TIMEOUT_MS = 1_000;
/** A frozen server never ends its connections: who gets no answer to three of these in a row leaves it and dials again. */
const PING_EVERY_MS = 4_000;
const MAX_SILENT_PINGS = 2;
const RECONNECT = { firstMs: 100, maxMs: 2_000 };

/**
 * A connection to NATS that is made again by itself, for ever. What is published while there is none is lost, and requests
 * that were on their way when it broke time out: whoever needs to know listens to `onChange`.
 */
export interface NatsLink {
  readonly client: NatsConnection;
  /** Host and port, for people. */
  readonly address: string;
  readonly isConnected: boolean;
  /** Calls `listener` each time the connection is lost or is back. @returns ends that */
  onChange(listener: (isConnected: boolean) => void): () => void;
  /** Resolves when the server answers. @throws Error of one line, within 2 s */
  ping(): Promise<void>;
  /** What was written before leaves first, unless the server does not take it within a second. */
  close(): Promise<void>;
}

/** Host and port of a URL, without who connects. */
export function natsAddress(natsUrl: string): string {
  const { host, hostname, port } = new URL(natsUrl);
  return port === "" ? `${hostname}:4222` : host;
}

/**
 * Connects once.
 * @param name what the server's list of connections shows
 * @throws Error within 5 s: one line that names host and port, never the password. Nothing is left open then.
 */
export async function openNats(natsUrl: string, name: string): Promise<NatsLink> {
  const address = natsAddress(natsUrl);
  let lostAt: number | null = null;
  const connecting = connect({
    ...credentialsOf(natsUrl),
    ...{ servers: [address], name, timeout: DIAL_TIMEOUT_MS, pingInterval: PING_EVERY_MS, maxPingOut: MAX_SILENT_PINGS },
    ...{ reconnect: true, maxReconnectAttempts: -1, ignoreAuthErrorAbort: true, noAsyncTraces: true },
    // The client says neither how often it has tried nor since when: the wait grows with the outage.
    reconnectDelayHandler: () => (lostAt === null ? RECONNECT.firstMs : pauseAfter(performance.now() - lostAt)),
  });
  const client = await inTime(connecting, address);
  return linkOf(client, address, (isConnected) => (lostAt = isConnected ? null : performance.now()));
}

function credentialsOf(natsUrl: string): ConnectionOptions {
  const { protocol, username, password } = new URL(natsUrl);
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
  const identity = user === "" ? {} : pass === "" ? { token: user } : { user, pass };
  return protocol === "tls:" ? { ...identity, tls: {} } : identity;
}

/** As long as the outage has lasted, within bounds. */
function pauseAfter(outageMs: number): number {
  const attempt = 1 + Math.max(0, Math.log2(outageMs / RECONNECT.firstMs));
  return backoffMs(attempt, RECONNECT);
}

async function inTime(connecting: Promise<NatsConnection>, address: string): Promise<NatsConnection> {
  const abort = new AbortController();
  const late = delay(OPEN_TIMEOUT_MS, null, { signal: abort.signal }).then(() => Promise.reject(new Error("no answer in time")));
  try {
    return await Promise.race([connecting, late]);
  } catch (error) {
    connecting.then(
      (client) => client.close(),
      () => undefined,
    );
    throw new Error(`NATS at ${address} cannot be reached: ${reasonOf(error)}`, { cause: error });
  } finally {
    abort.abort();
  }
}

/** In words; the client's own are codes in capitals. */
export function reasonOf(error: unknown): string {
  if (error instanceof NatsError) {
    if (error.api_error) return error.api_error.description;
    if (error.code === String(ErrorCode.NoResponders)) return "nobody there answers; is JetStream enabled (nats-server -js)?";
    return error.message.toLowerCase().replaceAll("_", " ").replaceAll("'", "");
  }
  return error instanceof Error ? error.message : String(error);
}

function linkOf(client: NatsConnection, address: string, noteChange: (isConnected: boolean) => void): NatsLink {
  const listeners = new Set<(isConnected: boolean) => void>();
  let isConnected = true;
  const change = (now: boolean): void => {
    if (now === isConnected) return;
    isConnected = now;
    noteChange(now);
    for (const listener of listeners) listener(now);
  };
  void watch(client, change);
  void client.closed().then(() => change(false));
  return {
    client,
    address,
    get isConnected() {
      return isConnected;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async ping() {
      const answered = isConnected && (await within(PING_TIMEOUT_MS, client.flush()));
      if (!answered) throw new Error(`NATS at ${address} does not answer`);
    },
    async close() {
      listeners.clear();
      if (isConnected) await within(CLOSE_TIMEOUT_MS, client.flush()).catch(() => undefined); // lost just now
      await within(CLOSE_TIMEOUT_MS, client.close());
    },
  };
}

/** Ends when the client is closed. */
async function watch(client: NatsConnection, change: (isConnected: boolean) => void): Promise<void> {
  for await (const { type } of client.status()) {
    if (type === Events.Disconnect) change(false);
    else if (type === Events.Reconnect) change(true);
  }
}
