import { connect as connectTcp, isIP, Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ConnectionOptions } from "node:tls";
import { Kafka, logLevel } from "kafkajs";
import type { ISocketFactoryArgs, LogEntry, RetryOptions, SASLOptions } from "kafkajs";
import { calmRequestQueue } from "./request-queue.ts";

export interface LogLogger {
  debug(...parts: unknown[]): void;
  info(...parts: unknown[]): void;
  warn(...parts: unknown[]): void;
  error(...parts: unknown[]): void;
}

/** How the brokers are reached. */
export interface KafkaConnection {
  /** `host:port`, an IPv6 address in brackets. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl: boolean;
  readonly sasl: SASLOptions | null;
  readonly logger: LogLogger;
  /** Ends every client that was made for it. */
  readonly signal: AbortSignal;
  /** Replaces the way to a broker: for tests that put something in between. */
  readonly connect?: (host: string, port: number) => Socket;
}

/** One client of kafkajs with the connections that it made. */
export interface KafkaClient {
  readonly kafka: Kafka;
  /** Ends every connection at once: what waits for an answer rejects, and no other connection is made. */
  destroy(): void;
}

calmRequestQueue();

/** A connection that is not there by then is given up. */
export const CONNECT_TIMEOUT_MS = 2_000;
const KEEP_ALIVE_MS = 10_000;

/** @param retry how often kafkajs itself tries again; the log has its own ways */
export function createClient(connection: KafkaConnection, requestTimeoutMs: number, retry: RetryOptions): KafkaClient {
  const { brokers, hostOf } = bootstrap(connection.brokers);
  const sockets = new Set<Socket>();
  let isDestroyed = connection.signal.aborted;

  const socketFactory = ({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket => {
    const socket = isDestroyed ? new Socket() : open(hostOf(host), port, ssl, connection);
    socket.once(ssl ? "secureConnect" : "connect", onConnect);
    if (isDestroyed) process.nextTick(() => socket.destroy(new Error("the client is closed")));
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    return socket;
  };
  const kafka = new Kafka({
    ...{ brokers, clientId: connection.clientId, ssl: connection.ssl, sasl: connection.sasl ?? undefined },
    ...{ connectionTimeout: CONNECT_TIMEOUT_MS, authenticationTimeout: CONNECT_TIMEOUT_MS, requestTimeout: requestTimeoutMs },
    ...{ retry, socketFactory, logLevel: logLevel.WARN, logCreator: () => (entry) => tell(connection.logger, entry) },
  });
  const destroy = (): void => {
    isDestroyed = true;
    connection.signal.removeEventListener("abort", destroy);
    for (const socket of sockets) socket.destroy(new Error("the connection was given up"));
  };
  connection.signal.addEventListener("abort", destroy);
  return { kafka, destroy };
}

function open(host: string, port: number, ssl: ConnectionOptions | undefined, { connect }: KafkaConnection): Socket {
  const plain = connect?.(host, port);
  const socket = ssl
    ? connectTls({ ...(plain ? { socket: plain } : { host, port }), ...(isIP(host) ? {} : { servername: host }), ...ssl })
    : (plain ?? connectTcp({ host, port }));
  // Requests are small, and each is waited for.
  return socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
}

/** kafkajs takes what stands before the first colon for the host, so an IPv6 address goes by a name of ours. */
function bootstrap(brokers: readonly string[]): { brokers: string[]; hostOf: (name: string) => string } {
  const addresses = new Map<string, string>();
  const named = brokers.map((broker, index) => {
    const [, address, port] = /^\[([^\]]+)\]:(\d+)$/.exec(broker) ?? [];
    if (address === undefined) return broker;
    addresses.set(`broker-${index}.invalid`, address);
    return `broker-${index}.invalid:${port}`;
  });
  return { brokers: named, hostOf: (name) => addresses.get(name) ?? name };
}

/**
 * kafkajs tells of an outage in many lines for each try. The log tells of it itself, once; what kafkajs says stays at debug, but
 * for what nobody else would tell.
 */
function tell(logger: LogLogger, { namespace, log }: LogEntry): void {
  const { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...details } = log;
  if (message.startsWith("Offset out of range")) logger.warn(`Kafka has dropped what a group had not read: ${message}`, details);
  else logger.debug(`[${namespace}] ${message}`, details);
}
