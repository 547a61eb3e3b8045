import type { Middleware, ServiceBroker } from "moleculer";
import { flushCompileCache } from "node:module";
import type { Config } from "../config/config.ts";
import { httpAddress } from "../mixins/http/index.ts";
import { greeting } from "./greeting.ts";
import { outliveErrors, stopOnSignals } from "./process-events.ts";

/** Not while clients wait for the first answers, and soon enough to be done before a `kill -9`. */
const KEEP_COMPILED_AFTER_MS = 1_000;

/** Ends the process because it cannot start: one line on stderr for each problem, no stack. */
export function endWith(...problems: readonly string[]): never {
  process.stderr.write(problems.map((problem) => `moleculer-im: ${problem}\n`).join(""));
  process.exit(1);
}

/** Makes a node the one thing of its process: it starts or says in a line why not, greets, and stops on a signal. */
export function runAsProcess(config: Config): Middleware {
  return {
    name: "process",
    created(broker) {
      const start = broker.start.bind(broker);
      let started: Promise<void> | null = null;
      broker.start = () => (started ??= startOrEnd(broker, start, isStopping));
      const isStopping = stopOnSignals(broker, () => started ?? Promise.resolve());
      outliveErrors(broker);
    },
    async started(broker) {
      setTimeout(flushCompileCache, KEEP_COMPILED_AFTER_MS).unref();
      const { host, port } = httpAddress(broker) ?? {};
      if (!process.stdout.isTTY) broker.getLogger("process").info("Ready", { host, port, dataDir: config.dataDir });
      if (config.logLevel === "info" && config.profile === "embedded") process.stdout.write(greeting(broker, config));
    },
  };
}

async function startOrEnd(broker: ServiceBroker, start: () => Promise<void>, isStopping: () => boolean): Promise<void> {
  try {
    await start();
  } catch (error) {
    broker.logger.debug("The node did not start", error);
    if (isStopping()) process.exit(0);
    const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    endWith(line);
  }
}
