import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import { PROBE_TIMEOUT_MS, RETRY_AFTER_S } from "../../config/http-limits.ts";
import { sendJson } from "../../lib/envelope.ts";

/** Resolves when the part can be used. */
export type Ping = () => Promise<unknown>;

const probes = new WeakMap<ServiceBroker, Map<string, Ping>>();

function probesOf(broker: ServiceBroker): Map<string, Ping> {
  const known = probes.get(broker) ?? new Map<string, Ping>();
  probes.set(broker, known);
  return known;
}

/**
 * Makes the node's readiness depend on a part (`database`, `hotStore` ...). Register it as soon as the part is configured,
 * before it can be reached: until then the node is not ready.
 * @returns takes it out again
 */
export function registerProbe(broker: ServiceBroker, part: string, ping: Ping): () => void {
  const known = probesOf(broker);
  known.set(part, ping);
  return () => {
    if (known.get(part) === ping) known.delete(part);
  };
}

export interface Readiness {
  readonly ready: boolean;
  /** Each part and whether it is up; `node` is the broker with its services. */
  readonly parts: Readonly<Record<string, "up" | "down">>;
}

/** Asks all parts at once; one that does not answer within `PROBE_TIMEOUT_MS` is down. Never rejects. */
export async function readinessOf(broker: ServiceBroker): Promise<Readiness> {
  const pings = [...probesOf(broker)].map(async ([part, ping]) => [part, await isUp(ping)] as const);
  const states: (readonly [string, boolean])[] = [["node", isRunning(broker)], ...(await Promise.all(pings))];
  return {
    ready: states.every(([, up]) => up),
    parts: Object.fromEntries(states.map(([part, up]) => [part, up ? "up" : "down"])),
  };
}

function isRunning(broker: ServiceBroker): boolean {
  const { started, stopping } = broker as { started?: boolean; stopping?: boolean };
  return started === true && stopping !== true;
}

async function isUp(ping: Ping): Promise<boolean> {
  const timeout = new AbortController();
  try {
    return await Promise.race([ping().then(() => true), delay(PROBE_TIMEOUT_MS, false, { signal: timeout.signal })]);
  } catch {
    return false;
  } finally {
    timeout.abort();
  }
}

/**
 * Answers `GET /health/live` (the process runs) and `GET /health/ready` (503 with the parts that are down, also while the
 * node starts and stops). @returns false when the request is for neither
 */
export function answerProbe(broker: ServiceBroker, req: IncomingMessage, res: ServerResponse): boolean {
  if (req.method !== "GET" && req.method !== "HEAD") return false;
  switch (req.url?.split("?", 1)[0]) {
    case "/health/live":
      sendJson(res, 200, { status: "ok" });
      return true;
    case "/health/ready":
      void answerReady(broker, res);
      return true;
    default:
      return false;
  }
}

async function answerReady(broker: ServiceBroker, res: ServerResponse): Promise<void> {
  const { ready, parts } = await readinessOf(broker);
  const down = Object.keys(parts).filter((part) => parts[part] === "down");
  if (ready) sendJson(res, 200, { status: "ok", parts });
  else sendJson(res, 503, { status: "unavailable", down, parts }, { "Retry-After": String(RETRY_AFTER_S) });
}
