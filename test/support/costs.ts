import { AsyncLocalStorage } from "node:async_hooks";
import type { ServiceBroker } from "moleculer";
import type { Database } from "../../mixins/database/port.ts";

/** What some work cost: each statement and each call with the bytes that went with it, sorted. */
export interface Cost {
  readonly statements: readonly string[];
  readonly calls: readonly string[];
}

type Call = (name: string, params?: unknown, options?: unknown) => Promise<unknown>;
const methods = ["select", "execute", "insertRows", "bulkInsert"] as const;
const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value ?? null));
/** What goes on all the time, whatever is asked for. */
const isOwnWork = (sql: string): boolean => !/outbox|consumed_event|dead_event|id_mark|replica_mark/.test(sql);
/** Tells what was asked because of some work from what timers and other work ask meanwhile. */
const measured = new AsyncLocalStorage<symbol>();

/**
 * Runs work on one node and writes down what it asked of the database and of other actions. For reads the rows that came back are
 * counted, for writes what was written.
 */
export async function costOf(
  { broker, sql }: { broker: ServiceBroker; sql: Database },
  work: () => Promise<unknown>,
): Promise<Cost> {
  const mark = Symbol("work");
  const isOfWork = (): boolean => measured.getStore() === mark;
  const statements: string[] = [];
  const calls: string[] = [];
  const target = sql as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const database = Object.fromEntries(methods.map((method) => [method, target[method]!]));
  for (const method of methods) {
    target[method] = async (...args) => {
      const result = await database[method]!.apply(sql, args);
      const rows = method === "select" ? (result as unknown[]).length : bytesOf(args[1]);
      if (isOfWork() && isOwnWork(String(args[0]))) statements.push(`${method} ${String(args[0])} ${rows}`);
      return result;
    };
  }
  const bus = broker as unknown as { call: Call };
  const call = bus.call;
  bus.call = async (name, params, options) => {
    const result = await call.call(bus, name, params, options);
    if (isOfWork()) calls.push(`${name} ${bytesOf(params)} ${bytesOf(result)}`);
    return result;
  };
  try {
    await measured.run(mark, work);
  } finally {
    bus.call = call;
    Object.assign(target, database);
  }
  return { statements: statements.sort(), calls: calls.sort() };
}
