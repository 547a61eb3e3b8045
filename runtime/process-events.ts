import type { ServiceBroker } from "moleculer";
import { SHUTDOWN_TIMEOUT_MS } from "../config/limits.ts";
import { stopReaching } from "../mixins/reach.ts";

const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;
/** npm hands Ctrl-C on to a process that the terminal has told already: within this time it is the same one. */
export const SAME_SIGNAL_MS = 250;
/** Uncaught exceptions in `BURST_MS` after which the process does not heal by going on. */
const MAX_EXCEPTIONS = 10;
const BURST_MS = 60_000;

/**
 * A signal stops the broker and ends the process with 0; another one ends it at once.
 * @param started settles when the broker has started; a signal before that waits for it, but not for what cannot be reached
 * @returns tells whether a signal has come
 */
export function stopOnSignals(broker: ServiceBroker, started: () => Promise<unknown>): () => boolean {
  const logger = broker.getLogger("process");
  let since: number | null = null;
  const stop = async (signal: keyof typeof SIGNALS): Promise<void> => {
    if (since !== null) {
      if (performance.now() - since > SAME_SIGNAL_MS) process.exit(128 + SIGNALS[signal]);
      return;
    }
    since = performance.now();
    logger.info(`Stopping on ${signal}`);
    setTimeout(() => {
      logger.fatal("Running work did not end in time");
      process.exit(1);
    }, 2 * SHUTDOWN_TIMEOUT_MS).unref();
    stopReaching(broker);
    await started();
    await broker.stop();
    logger.info("Stopped");
    process.exit(0);
  };
  for (const signal of Object.keys(SIGNALS) as (keyof typeof SIGNALS)[]) process.on(signal, () => void stop(signal));
  return () => since !== null;
}

/**
 * Errors that nobody caught are logged, and the process lives: nothing is acknowledged before it is committed, so none of
 * them can lose a message, while a process without a supervisor that ends stays away. Where they do not stop, it ends.
 */
export function outliveErrors(broker: ServiceBroker): void {
  const logger = broker.getLogger("process");
  const recent: number[] = [];
  process.on("unhandledRejection", (reason) => logger.error("A promise was rejected and nobody heard of it", { error: reason }));
  process.on("uncaughtException", (error: NodeJS.ErrnoException) => {
    // Nobody reads stdout any more: neither will the log be read.
    if (error.code === "EPIPE") return;
    logger.fatal("An error was not caught", error);
    const now = performance.now();
    recent.push(now);
    while (now - (recent[0] ?? now) > BURST_MS) recent.shift();
    if (recent.length >= MAX_EXCEPTIONS) process.exit(1);
  });
}
