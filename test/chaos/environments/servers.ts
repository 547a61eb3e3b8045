import { Redis } from "ioredis";
import { createConnection } from "mysql2/promise";
import type { KindName, Server, Servers } from "../../../scripts/servers/index.ts";

/** A server that can be made to fail. */
export interface FaultyServer {
  readonly url: string;
  /** Ends it without warning. */
  kill(): Promise<void>;
  /** Starts it again on its data; resolves when it can be used. */
  restart(): Promise<void>;
  /** Connections stay open, and nothing answers. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
}
export interface FaultyServers {
  readonly redis: FaultyServer & {
    /** Everything in it is gone. */
    wipe(): Promise<void>;
    /** It answers, and refuses to write, like a replica after a fail-over. */
    readOnly(isReadOnly: boolean): Promise<void>;
  };
  readonly mysql: FaultyServer & { readOnly(isReadOnly: boolean): Promise<void> };
  readonly kafka: FaultyServer;
  readonly nats: FaultyServer;
}

export function faultyServers(servers: Servers): FaultyServers {
  return {
    redis: {
      ...faulty(servers.redis),
      wipe: () => askRedis(servers.redis, (redis) => redis.flushall()),
      readOnly: (isReadOnly) =>
        askRedis(servers.redis, (redis) =>
          isReadOnly ? redis.replicaof("127.0.0.1", UNUSED_PORT) : redis.replicaof("NO", "ONE"),
        ),
    },
    mysql: {
      ...faulty(servers.mysql),
      readOnly: (isReadOnly) => askMysql(servers.mysql, `SET GLOBAL read_only = ${isReadOnly ? 1 : 0}`),
    },
    kafka: faulty(servers.kafka),
    nats: faulty(servers.nats),
  };
}

/** Where nobody listens: a replica without its master serves what it has. */
const UNUSED_PORT = 1;

function faulty(server: Server): FaultyServer {
  return {
    url: server.url,
    kill: () => server.kill(),
    restart: () => server.restart(),
    freeze: () => server.pause(),
    thaw: () => server.resume(),
  };
}

async function askRedis({ url }: Server, ask: (redis: Redis) => Promise<unknown>): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 1 });
  try {
    await redis.connect();
    await ask(redis);
  } finally {
    redis.disconnect();
  }
}

async function askMysql({ rootUrl }: Server, statement: string): Promise<void> {
  if (rootUrl === null) throw new Error("only a database has a root");
  const connection = await createConnection(rootUrl);
  try {
    await connection.query(statement);
  } finally {
    await connection.end();
  }
}

export const ALL_KINDS: readonly KindName[] = ["mysql", "redis", "nats", "kafka"];
