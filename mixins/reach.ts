import { setTimeout as delay } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";

const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 5_000;

const endings = new WeakMap<ServiceBroker, AbortController>();

function endingOf(broker: ServiceBroker): AbortController {
  const known = endings.get(broker) ?? new AbortController();
  endings.set(broker, known);
  return known;
}

/**
 * Opens a part of the node that is a server elsewhere. One that cannot be reached is tried again for ever, with back-off, and
 * named in one line each time the reason changes: a node never falls back to memory, and is not ready meanwhile.
 * @throws when the node is to stop before it was reached
 */
export async function untilReached<T>(broker: ServiceBroker, part: string, open: () => Promise<T>): Promise<T> {
  const { signal } = endingOf(broker);
  const logger = broker.getLogger(part);
  let told = "";
  for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
    try {
      const opened = await open();
      if (told !== "") logger.info(`The ${part} is reached`);
      return opened;
    } catch (error) {
      const [reason = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
      if (reason !== told) logger.warn(`The ${part} cannot be reached, it is tried again until it can: ${reason}`);
      told = reason;
    }
    const jittered = pause * (0.75 + Math.random() / 2);
    await delay(jittered, undefined, { signal }).catch(() => undefined);
  }
  throw new Error(`The node was stopped before its ${part} could be reached: ${told}`);
}

/** Ends the tries of a node that is to stop: what waits for them rejects. */
export function stopReaching(broker: ServiceBroker): void {
  endingOf(broker).abort();
}
