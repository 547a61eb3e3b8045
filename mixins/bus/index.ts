import type { BrokerOptions, Middleware } from "moleculer";
import type { Config } from "../../config/config.ts";
import { CALLS_AT_ONCE, CALLS_WAITING } from "../../config/limits.ts";
import { registerProbe } from "../health/index.ts";
import { untilReached } from "../reach.ts";
import { keepDeadlines } from "./deadlines.ts";
import { NatsTransporter } from "./nats-transporter.ts";
import { retryIdempotent } from "./retry.ts";

/** What a node needs to call other nodes, as parts of the broker's options. */
export interface Bus {
  readonly options: Partial<BrokerOptions>;
  readonly middlewares: Middleware[];
}

/** Errors that say that the node did not do its work, whatever the work was. */
const LOST = new Set(["REQUEST_TIMEOUT", "REQUEST_REJECTED"]);

/**
 * The bus on NATS where `natsUrl` is set (design §1, K4); else none, and a node is alone.
 *
 * - The node starts when NATS is reached; until then, and while NATS is away later, it is not ready (`bus`).
 * - While NATS is away local calls go on, and others fail at once, retryable.
 * - A call has `requestTimeout` with all that it calls; when that is over it is not begun, and not retried.
 * - A node that is silent for 15 to 30 s counts as gone. The circuit of an action on a node opens sooner, by calls that were lost.
 * - One action cannot take all of a node: `CALLS_AT_ONCE` run, `CALLS_WAITING` wait, the others are refused, retryable.
 */
export function busOf({ natsUrl }: Config): Bus {
  if (natsUrl === null) return { options: {}, middlewares: [] };
  const transporter = new NatsTransporter(natsUrl);
  return {
    options: {
      transporter,
      heartbeatInterval: 5,
      heartbeatTimeout: 15,
      disableBalancer: false,
      retryPolicy: { enabled: false },
      circuitBreaker: {
        enabled: true,
        threshold: 0.5,
        minRequestCount: 10,
        windowTime: 5,
        halfOpenTime: 5_000,
        check: (error) => LOST.has((error as { type?: string }).type ?? ""),
      },
      bulkhead: { enabled: true, concurrency: CALLS_AT_ONCE, maxQueueSize: CALLS_WAITING },
    },
    middlewares: [holdBus(transporter), keepDeadlines(), retryIdempotent()],
  };
}

/** Connects before anything of the node starts, and makes its readiness depend on it. */
function holdBus(transporter: NatsTransporter): Middleware {
  return {
    name: "bus",
    created: (broker) => void registerProbe(broker, "bus", () => transporter.ping()),
    starting: (broker) => untilReached(broker, "bus", () => transporter.open(broker)),
  };
}
