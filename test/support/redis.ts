import { Redis } from "ioredis";
import type { Server } from "../../scripts/servers/server.ts";
import { isImError } from "../../lib/errors.ts";
import { ownServers } from "./servers.ts";
import { stopwatch } from "./stopwatch.ts";

/**
 * A Redis of this test alone, to be changed and to be made to fail. Unlike that of the product it has on its disk what it answered,
 * until it is restarted: when it is killed, a test finds again what was there, however slow the disk is.
 */
export interface OwnRedis extends AsyncDisposable {
  readonly server: Server;
  readonly url: string;
  /** Runs a command on a connection of its own. */
  command(...words: [string, ...string[]]): Promise<unknown>;
}

export async function ownRedis(): Promise<OwnRedis> {
  const servers = await ownServers("redis");
  const server = servers.redis;
  const command = async (name: string, ...words: string[]): Promise<unknown> => {
    const client = new Redis(server.url, { lazyConnect: true, retryStrategy: () => null });
    client.on("error", () => undefined); // the promises say it too
    try {
      await client.connect();
      return await client.call(name, ...words);
    } finally {
      client.disconnect();
    }
  };
  const end = () => servers[Symbol.asyncDispose]();
  await command("CONFIG", "SET", "appendfsync", "always").catch(async (error: unknown) => {
    await end();
    throw error;
  });
  return { server, url: server.url, command, [Symbol.asyncDispose]: end };
}

/** What a node would log. */
export interface LogLines {
  readonly warnings: string[];
  readonly infos: string[];
  warn(line: unknown): void;
  info(line: unknown): void;
}

export function logLines(): LogLines {
  const warnings: string[] = [];
  const infos: string[] = [];
  return { warnings, infos, warn: (line) => void warnings.push(String(line)), info: (line) => void infos.push(String(line)) };
}

export interface Ending {
  readonly outcome: "done" | "unavailable" | "other";
  /** As `stopwatch` measures it. */
  readonly tookMs: number;
  readonly error?: unknown;
}

/** How a call ends, and when. */
export async function endingOf(call: () => Promise<unknown>): Promise<Ending> {
  const took = stopwatch();
  try {
    await call();
    return { outcome: "done", tookMs: took() };
  } catch (error) {
    const isRetryable = isImError(error, "UNAVAILABLE") && error.retryable;
    return { outcome: isRetryable ? "unavailable" : "other", tookMs: took(), error };
  }
}
