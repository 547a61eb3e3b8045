import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { json } from "node:stream/consumers";
import { ServiceBroker, type BrokerOptions, type ServiceSchema } from "moleculer";
import type { Caller, Meta } from "../../contracts/meta.ts";
import type { ActionName, Params, Result } from "../../contracts/index.ts";
import { buildConfig } from "../../config/env.ts";
import type { Config } from "../../config/config.ts";
import { call } from "../../lib/service.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { forgetStorage, storageOf } from "./profile.ts";

/** A running node with its own data folder; `await using` stops it and removes the folder. */
export interface TestNode extends AsyncDisposable {
  readonly broker: ServiceBroker;
  readonly config: Config;
  /** Calls an action as this user; params and result take the trip through JSON that a second node would cause. */
  as<N extends ActionName>(userId: string | Caller, action: N, params: Params<N>, meta?: Partial<Meta>): Promise<Result<N>>;
  /** Calls an action as a service would. */
  call<N extends ActionName>(action: N, params: Params<N>): Promise<Result<N>>;
  stop(): Promise<void>;
}

export interface NodeOptions {
  config?: Partial<Config>;
  broker?: Partial<BrokerOptions>;
  /** Keeps this data folder instead of making and removing one. */
  dataDir?: string;
}

/** What a caller makes of an answer: a stream is read to its end. */
const arrived = async <T>(result: T): Promise<T> =>
  result instanceof Readable ? (json(result) as Promise<T>) : overTheWire(result);
const overTheWire = <T>(value: T): T => (value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T));

/** Starts a broker with these services (real ones, or stand-ins for their neighbours). */
export async function createNode(services: readonly ServiceSchema[], options: NodeOptions = {}): Promise<TestNode> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "im-test-")));
  const config = buildConfig({
    dataDir,
    port: 0,
    metricsPort: 0,
    logLevel: "fatal",
    rateLimits: false,
    bcryptRounds: 4,
    nodeId: `test-${Math.random().toString(36).slice(2)}`,
    ...(await storageOf(dataDir)),
    ...options.config,
  });
  const broker = new ServiceBroker({ ...brokerOptions(config), logger: false, ...options.broker });
  for (const schema of services) broker.createService(schema);
  const stop = async (): Promise<void> => {
    await broker.stop();
    if (options.dataDir !== undefined) return;
    await rm(dataDir, { recursive: true, force: true });
    await forgetStorage(dataDir);
  };
  try {
    await broker.start();
  } catch (error) {
    await stop(); // what had started would keep the test's process alive
    throw error;
  }
  return {
    broker,
    config,
    as: async (who, action, params, meta = {}) => {
      const caller = typeof who === "string" ? { userId: who, sessionId: "1", deviceId: "test" } : who;
      return arrived(await call(broker, action, overTheWire(params), { meta: { caller, ...meta } }));
    },
    call: async (action, params) => overTheWire(await call(broker, action, overTheWire(params))),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
