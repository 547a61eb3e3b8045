import type { Database } from "../../mixins/database/port.ts";
import type { RedisClient } from "../../mixins/hot-store/redis/client.ts";
import { LoggedToSql } from "./logged-to-sql.ts";
import { newPrefix, redisNode, wipe, type RedisNode } from "./redis-conversations.ts";

export interface RedisPair extends AsyncDisposable {
  readonly a: RedisNode;
  readonly b: RedisNode;
  readonly log: LoggedToSql;
  /** When the log was looked at, by both and by each. */
  readonly drains: number[];
  readonly drainsOf: { readonly a: number[]; readonly b: number[] };
  wipe(): Promise<void>;
}

/** Two nodes on one Redis, and a log with its persister. */
export async function redisPair(url: string, sql: Database): Promise<RedisPair> {
  const keyPrefix = newPrefix();
  const drains: number[] = [];
  const drainsOf = { a: [], b: [] };
  const log: LoggedToSql = new LoggedToSql(sql, () => a.conversations);
  const drainedBy =
    (own: number[]) =>
    (timeoutMs: number): Promise<boolean> => {
      const at = performance.now();
      drains.push(at);
      own.push(at);
      return log.settled(timeoutMs);
    };
  const a = await redisNode({ url, sql, keyPrefix, drained: drainedBy(drainsOf.a) });
  const b = await redisNode({ url, sql, keyPrefix, drained: drainedBy(drainsOf.b) });
  return {
    ...{ a, b, log, drains, drainsOf },
    wipe: () => wipe(a.client, keyPrefix),
    async [Symbol.asyncDispose]() {
      await log.settled(5_000);
      await Promise.all([a.conversations.close(), b.conversations.close()]);
      await wipe(a.client, keyPrefix);
      await Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()]);
    },
  };
}

/** The same connection, whose server answers INFO with these texts, the last one from then on. */
export function answering(client: RedisClient, infos: string[]): RedisClient {
  return {
    ...client,
    attempt: (work) =>
      client.attempt((server) => {
        const info = (): Promise<string> => Promise.resolve(infos.length > 1 ? infos.shift()! : infos[0]!);
        return work(new Proxy(server, { get: (target, name) => (name === "info" ? info : boundOf(target, name)) }));
      }),
  };
}

function boundOf(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name);
  return typeof value === "function" ? (value.bind(target) as unknown) : value;
}
