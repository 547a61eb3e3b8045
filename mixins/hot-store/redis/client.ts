import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import type { ChainableCommander } from "ioredis";
import { PROBE_KEY } from "../../../config/redis-keys.ts";
import { backoffMs } from "../../../lib/backoff.ts";
import { outageWatch } from "./outage.ts";
import type { OutageLogger } from "./outage.ts";
import { refuseUnfit } from "./requirements.ts";
import { answersOf, isLostConnection, isTimeout, reasonOf, toHotStoreError } from "./redis-errors.ts";

/** A call that Redis does not answer in this time is given up; the port promises an end within 2 s. */
const COMMAND_TIMEOUT_MS = 1_500;
const CONNECT_TIMEOUT_MS = 1_500;
const OPEN_TIMEOUT_MS = 4_500;
const RECONNECT = { firstMs: 50, maxMs: 2_000 };
/** A server that became a replica is left for the one that its address leads to now, but not more often than this. */
const LEAVE_REPLICA_EVERY_MS = 1_000;
/** While Redis loads its data it is asked this often whether it is done. */
const LOADING_POLL_MS = 500;
/** What is left in the socket when it is given up has this long to go. */
const DISCONNECT_TIMEOUT_MS = 100;

export type RedisArgument = string | number;

/** A Lua script of `lua/`. Every key that it touches is in KEYS, and all of them in one hash slot. */
export interface LuaScript {
  readonly name: string;
  readonly source: string;
}
export interface ScriptCall {
  readonly script: LuaScript;
  readonly keys: readonly string[];
  readonly args: readonly RedisArgument[];
}

/** Reads `lua/<name>.lua`. @throws when there is none */
export function luaScript(name: string): LuaScript {
  return { name, source: readFileSync(new URL(`lua/${name}.lua`, import.meta.url), "utf8") };
}

export interface RedisClientOptions {
  readonly url: string;
  readonly logger: OutageLogger;
  /** Stands before every key, in scripts and commands alike: for tests that share a server. */
  readonly keyPrefix?: string;
  /** What `CLIENT LIST` shows. */
  readonly name?: string;
}

/**
 * One connection to Redis. Whatever happens to the server, each call ends within `COMMAND_TIMEOUT_MS` and fails at once while
 * there is no connection; the connection is made again by itself, for ever. A call that failed may have been done all the same:
 * nothing is sent a second time.
 */
export interface RedisClient {
  /** For plain commands, as in `attempt((redis) => redis.get(key))`. @throws UNAVAILABLE when Redis does not do it */
  attempt<T>(work: (redis: Redis) => Promise<T>): Promise<T>;
  /** @throws UNAVAILABLE when Redis does not do it */
  run(script: LuaScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown>;
  /** In one round trip; the answers in the order of the calls. @throws UNAVAILABLE when one of them was not done */
  runAll(calls: readonly ScriptCall[]): Promise<unknown[]>;
  /** Resolves when Redis takes writes. @throws UNAVAILABLE, within 2 s */
  ping(): Promise<void>;
  /** What still runs is given up. */
  close(): Promise<void>;
}

/**
 * Connects, and looks whether the server is one that the hot store can trust (`requirements.ts`).
 * @throws Error within 5 s: one line that names host and port, never the password. Nothing is left open then.
 */
export async function openRedisClient({
  url,
  logger,
  keyPrefix = "",
  name = "im-hot",
}: RedisClientOptions): Promise<RedisClient> {
  const place = placeOf(url);
  const redis = new Redis(url, {
    ...{ lazyConnect: true, keyPrefix, connectionName: name, disableClientInfo: true },
    ...{ connectTimeout: CONNECT_TIMEOUT_MS, commandTimeout: COMMAND_TIMEOUT_MS, disconnectTimeout: DISCONNECT_TIMEOUT_MS },
    // What the server may have done already is not done again, and nobody waits for a connection that may never come.
    ...{ autoResendUnfulfilledCommands: false, enableOfflineQueue: false, maxRetriesPerRequest: 0 },
    ...{ maxLoadingRetryTime: LOADING_POLL_MS, keepAlive: 10_000 },
    retryStrategy: (attempt) => backoffMs(attempt, RECONNECT),
    reconnectOnError: leavesReplicas(),
  });
  let lastError: unknown = new Error("no answer in time");
  const noteError = (error: unknown): void => void (lastError = error);
  redis.on("error", noteError);
  const abort = new AbortController();
  try {
    const late = delay(OPEN_TIMEOUT_MS, null, { signal: abort.signal }).then(() => Promise.reject(lastError as Error));
    await Promise.race([late, connectAndCheck(redis, place, logger)]);
  } catch (error) {
    redis.disconnect();
    const reason = reasonOf(isLostConnection(error) ? lastError : error);
    throw new Error(`Redis at ${place} cannot be used: ${reason}`, { cause: error });
  } finally {
    abort.abort();
    redis.off("error", noteError);
  }
  return clientOf(redis, place, logger);
}

async function connectAndCheck(redis: Redis, place: string, logger: OutageLogger): Promise<void> {
  await redis.connect();
  refuseUnfit(await redis.info(), place, logger);
  await probe(redis);
}

/** A write, since a server that only reads (a replica, a full disk or memory) is of no use. */
async function probe(redis: Redis): Promise<void> {
  await redis.set(PROBE_KEY, 1, "PX", 1_000);
}

function clientOf(redis: Redis, place: string, logger: OutageLogger): RedisClient {
  const outage = outageWatch(place, logger, () => probe(redis));
  redis.on("error", (error) => outage.failed(error));
  redis.on("close", () => outage.failed(new Error("the connection was lost")));

  let givenUp: unknown = null;
  /** A frozen server never ends its connection: the first call that waited in vain does, so that the next ones fail at once. */
  const giveUp = (connection: unknown, error: unknown): void => {
    if (!isTimeout(error) || connection === givenUp || connection !== streamOf(redis)) return;
    givenUp = connection;
    redis.disconnect(true);
  };

  const attempt = async <T>(work: (redis: Redis) => Promise<T>): Promise<T> => {
    const connection = streamOf(redis);
    try {
      return await work(redis);
    } catch (error) {
      giveUp(connection, error);
      const mapped = toHotStoreError(error);
      if (mapped !== error) outage.failed(error);
      throw mapped;
    }
  };

  return {
    attempt,
    run: (script, keys, args) => attempt((client) => scriptOf(client, client, script)(keys.length, ...keys, ...args)),
    runAll: (calls) => (calls.length === 0 ? Promise.resolve([]) : attempt((client) => pipelined(client, calls))),
    ping: () => attempt(probe),
    async close() {
      outage.end();
      redis.removeAllListeners("error").on("error", () => undefined);
      redis.disconnect();
    },
  };
}

async function pipelined(redis: Redis, calls: readonly ScriptCall[]): Promise<unknown[]> {
  for (const { script } of calls) define(redis, script);
  const pipeline = redis.pipeline();
  for (const { script, keys, args } of calls) void scriptOf(redis, pipeline, script)(keys.length, ...keys, ...args);
  return answersOf(await pipeline.exec());
}

type Run = (...args: RedisArgument[]) => Promise<unknown>;

/** ioredis sends a script's text once for each connection and its hash after that, and the text again where it is forgotten. */
function define(redis: Redis, script: LuaScript): void {
  if (!(commandOf(script) in redis)) redis.defineCommand(commandOf(script), { lua: script.source });
}

function scriptOf(redis: Redis, target: Redis | ChainableCommander, script: LuaScript): Run {
  define(redis, script);
  return (target as unknown as Record<string, Run>)[commandOf(script)]!.bind(target);
}

/** No method of ioredis has such a name. */
const commandOf = ({ name }: LuaScript): string => `im:${name}`;

const streamOf = (redis: Redis): unknown => (redis as unknown as { stream?: unknown }).stream;

function leavesReplicas(): (error: Error) => boolean {
  let leftAt = -Infinity;
  return ({ message }) => {
    if (!message.startsWith("READONLY") || performance.now() - leftAt < LEAVE_REPLICA_EVERY_MS) return false;
    leftAt = performance.now();
    return true;
  };
}

/** Host and port: what may be told. */
function placeOf(url: string): string {
  const { hostname, port } = new URL(url);
  return `${hostname || "127.0.0.1"}:${port || "6379"}`;
}
