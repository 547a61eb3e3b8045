import type { Middleware, Service } from "moleculer";
import { SHUTDOWN_TIMEOUT_MS } from "../config/limits.ts";
import { within } from "../lib/within.ts";

/**
 * Stops a service only when its start has come to an end: where one fails to start, the others are in the middle of theirs, and
 * what they open behind their stop nobody closes. A start that waits for what does not come is left to itself after
 * `SHUTDOWN_TIMEOUT_MS`.
 */
export function endStarts(): Middleware {
  const starts = new WeakMap<Service, Promise<unknown>>();
  return {
    name: "starts",
    serviceCreated(service) {
      const start = service._start.bind(service);
      service._start = () => {
        const started = start();
        starts.set(
          service,
          started.catch(() => undefined), // who starts it is told
        );
        return started;
      };
    },
    async serviceStopping(service) {
      await within(SHUTDOWN_TIMEOUT_MS, Promise.resolve(starts.get(service)));
    },
  };
}
