import { setTimeout as delay } from "node:timers/promises";
import type { CallingOptions, Context, Middleware, ServiceBroker } from "moleculer";
import { contracts } from "../../contracts/index.ts";
import type { ActionContract } from "../../contracts/define.ts";
import { backoffMs } from "../../lib/backoff.ts";

const MAX_RETRIES = 3;
const BACKOFF = { firstMs: 100, maxMs: 1_000 };
/** With less than this left another try would only be cut off. */
const LEAST_TRY_MS = 50;

type Calling = Promise<unknown> & { ctx?: Context };
type Call = (name: string, params?: unknown, options?: CallingOptions) => Calling;

/** Full names of the actions that may be called twice without harm. What answers with a stream is not one of them. */
const idempotent: ReadonlySet<string> = new Set(
  Object.entries(contracts as Record<string, Record<string, ActionContract>>).flatMap(([service, actions]) =>
    Object.entries(actions)
      .filter(([, action]) => action.idempotent && !action.stream)
      .map(([action]) => `${service}.${action}`),
  ),
);

/**
 * Calls an idempotent action again when it did not reach a node that runs it: the node has just left, or the bus was away for
 * a moment. With back-off, at most `MAX_RETRIES` times and never beyond the caller's deadline. What the action itself answers,
 * failed calls of its own included, is the answer; a call that timed out has no time left. `retries: 0` in the options of a
 * call, a `nodeID` and a stream switch it off.
 */
export function retryIdempotent(): Middleware {
  let broker: ServiceBroker;
  const call = (next: Call): Call => {
    return (name, params, options = {}) => {
      if (!idempotent.has(name) || options.retries === 0 || options.nodeID || options.stream || options.ctx)
        return next(name, params, options);
      const timeout = options.timeout ?? broker.options.requestTimeout ?? 0;
      const endsAt = timeout > 0 ? performance.now() + timeout : Infinity;
      const first = next(name, params, { ...options });
      return first.catch((error: unknown) => again(next, { name, params, options, endsAt, first }, error));
    };
  };
  return {
    name: "retry-idempotent",
    created: (ofNode) => void (broker = ofNode),
    // Moleculer's declarations name what the wrapped method returns where they mean the method.
    call: call as unknown as NonNullable<Middleware["call"]>,
  };
}

interface Retried {
  readonly name: string;
  readonly params: unknown;
  readonly options: CallingOptions;
  readonly endsAt: number;
  readonly first: Calling;
}

async function again(call: Call, { name, params, options, endsAt, first }: Retried, firstError: unknown): Promise<unknown> {
  let error = firstError;
  for (let retry = 1; retry <= MAX_RETRIES && isOfTheWay(error, name); retry++) {
    const pause = backoffMs(retry, BACKOFF);
    if (endsAt - performance.now() - pause < LEAST_TRY_MS) break;
    await delay(pause);
    const timeout = endsAt === Infinity ? options.timeout : endsAt - performance.now();
    const next = call(name, params, { ...options, timeout });
    try {
      const result = await next;
      // Whoever called looks for what the action said in the meta of the first try.
      if (first.ctx && next.ctx && first.ctx.meta !== next.ctx.meta) Object.assign(first.ctx.meta, next.ctx.meta);
      return result;
    } catch (nextError) {
      error = nextError;
    }
  }
  throw error;
}

const WAY = new Set(["SERVICE_NOT_FOUND", "SERVICE_NOT_AVAILABLE", "REQUEST_REJECTED"]);

/** Whether this very call did not reach its action, as opposed to one that the action made. */
function isOfTheWay(error: unknown, name: string): boolean {
  const { type, data, nodeID } = error as { type?: string; data?: { action?: unknown }; nodeID?: string };
  if (type === "BAD_GATEWAY") return nodeID === undefined;
  return type !== undefined && WAY.has(type) && data?.action === name;
}
