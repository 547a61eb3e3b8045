import { once } from "node:events";
import type { Server } from "node:http";
import { ServiceBroker } from "moleculer";
import { buildConfig } from "./config/build-config.ts";
import type { Config } from "./config/config.ts";
import { httpAddress, provideHttpServer } from "./mixins/http/index.ts";
import { brokerOptions } from "./moleculer.config.ts";
import { holdDataFolder } from "./runtime/data-folder.ts";
import { urlOf } from "./runtime/greeting.ts";
import type { LogEntry } from "./runtime/log-entry.ts";
import { allServices } from "./services/index.ts";

export { loadConfig } from "./config/env.ts";

/** What a node inside another program is made of; everything has a default (`docs/configuration.md`). */
export interface ImOptions extends Partial<Config> {
  /**
   * A server of yours that REST and Socket.IO share: they take `/api/v1`, `/socket.io`, `/health`, `/docs` and the two
   * published documents, all other paths stay with your own handler. You listen on it and close it. Without it, one is made
   * that listens on `host` and `port`.
   */
  readonly server?: Server;
  /** Gets each entry of the log, from `logLevel` on. Without it they go to stdout: JSON, or lines for people on a terminal. */
  readonly onLog?: (entry: LogEntry) => void;
}

/** A node inside this process. It reads no environment, handles no signal and never ends the process. */
export interface Im {
  readonly config: Config;
  /** Moleculer's broker, to call actions or add services of your own before `start()`. */
  readonly broker: ServiceBroker;
  /** Where clients reach it, such as `http://127.0.0.1:3000`. @throws before `start()` and after `stop()` */
  readonly url: string;
  /**
   * Resolves when it serves; a `server` of yours must listen, or be about to. Can be called once.
   * @throws an Error whose message is one line that says what to change (port taken, data folder in use, database damaged …);
   * nothing is left running then
   */
  start(): Promise<void>;
  /** Finishes running work, then stops and lets go of everything it opened. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Makes a node; it runs once started.
 * @throws ConfigError with every problem of the options
 */
export function createIm({ server, onLog, ...overrides }: ImOptions = {}): Im {
  const config = buildConfig(overrides);
  const options = brokerOptions(config, onLog);
  const broker = new ServiceBroker({ ...options, middlewares: [...(options.middlewares ?? []), holdDataFolder(config)] });
  if (server) provideHttpServer(broker, server);
  for (const schema of allServices) broker.createService(schema);
  let running: Promise<void> | null = null;
  let stopped: Promise<void> | null = null;
  return {
    config,
    broker,
    get url() {
      const address = httpAddress(broker);
      if (!address) throw new Error("The node serves nobody: start() has not resolved, or it runs neither api nor socket");
      return urlOf(address);
    },
    start: () => (running ??= startOrUndo(broker, server)),
    stop: () => (stopped ??= stopAfter(running, broker)),
  };
}

async function startOrUndo(broker: ServiceBroker, server: Server | undefined): Promise<void> {
  if (server && !server.listening) await once(server, "listening");
  try {
    await broker.start();
  } catch (error) {
    await broker.stop();
    throw error;
  }
}

async function stopAfter(running: Promise<void> | null, broker: ServiceBroker): Promise<void> {
  if (
    running &&
    (await running.then(
      () => true,
      () => false,
    ))
  )
    await broker.stop();
}
