import type { Readable } from "node:stream";
import type { CallingOptions, Context, Service, ServiceBroker, ServiceSchema } from "moleculer";
import type { ActionContract, ParamsOf, ResultOf } from "../contracts/define.ts";
import type { BusEventName, BusEvents } from "../contracts/events.ts";
import { contracts, type ActionName, type ActionsOf, type Params, type Result, type ServiceName } from "../contracts/index.ts";
import type { Caller, Meta } from "../contracts/meta.ts";
import { routes } from "../contracts/routes.ts";
import { imError } from "./errors.ts";

/** A call's context, with the params its contract promises. */
export type ImContext<P> = Context<P & object, Meta>;

/** What a handler finds on `this`: the service, what its mixins put there, its methods. */
export type This<Vars, Methods = unknown> = Service & Vars & Methods;

type Answer<A extends ActionContract> = A extends { stream: true } ? Readable : ResultOf<A>;
type Handler<A extends ActionContract> = (ctx: ImContext<ParamsOf<A>>) => Promise<Answer<A>> | Answer<A>;
/** Moleculer's own options of an action, beside the handler. */
type ActionOptions = Pick<
  Exclude<NonNullable<ServiceSchema["actions"]>[string], boolean | ((...args: never[]) => unknown)>,
  "bulkhead" | "circuitBreaker" | "retryPolicy" | "fallback" | "cache" | "tracing"
>;
type ActionDef<A extends ActionContract> = Handler<A> | (ActionOptions & { handler: Handler<A> });
type ActionDefs<S extends ServiceName> = {
  [A in keyof ActionsOf<S>]: ActionsOf<S>[A] extends ActionContract ? ActionDef<ActionsOf<S>[A]> : never;
};
type EventDefs = { [E in BusEventName]?: (ctx: Context<BusEvents[E] & object, Meta>) => void | Promise<void> };

interface ServiceDef<S extends ServiceName, Vars, Methods> {
  name: S;
  mixins?: Partial<ServiceSchema>[];
  dependencies?: ServiceName[];
  settings?: Record<string, unknown>;
  methods?: Methods & ThisType<This<Vars, Methods>>;
  actions: ActionDefs<S> & ThisType<This<Vars, Methods>>;
  events?: EventDefs & ThisType<This<Vars, Methods>>;
  created?: (this: This<Vars, Methods>) => void;
  started?: (this: This<Vars, Methods>) => Promise<void>;
  stopped?: (this: This<Vars, Methods>) => Promise<void>;
}

/** What `defineService` makes. Named here, so that the declarations of the built services can refer to it. */
export interface DefinedService extends ServiceSchema {
  name: ServiceName;
}

const published = new Set<string>(routes.map((route) => route.action));

/**
 * A Moleculer service whose actions are exactly those of its contract: a missing, unknown or wrongly typed one does not
 * compile. Params are checked against the contract; only actions with a REST route can be published.
 */
export function defineService<S extends ServiceName, Vars = unknown>(): <
  Methods extends Record<string, (...args: never[]) => unknown>,
>(
  def: ServiceDef<S, Vars, Methods>,
) => DefinedService {
  return (def) => {
    const contract = contracts[def.name] as Record<string, ActionContract>;
    const actions: Record<string, unknown> = {};
    for (const [name, action] of Object.entries(def.actions as Record<string, ActionOptions & { handler: unknown }>)) {
      const options = typeof action === "function" ? { handler: action } : action;
      actions[name] = {
        visibility: published.has(`${def.name}.${name}`) ? "published" : "public",
        params: contract[name]?.params,
        ...(contract[name]?.batched && { bulkhead: { enabled: false } }),
        ...options,
      };
    }
    return { ...def, actions } as unknown as DefinedService;
  };
}

/** Anything that calls actions: a context (meta and request id travel on) or a broker. */
export type Calls = Pick<Context, "call"> | Pick<ServiceBroker, "call">;

/** Calls an action with the params its contract asks for. */
export function call<N extends ActionName>(
  from: Calls,
  name: N,
  params: Params<N>,
  options?: CallingOptions,
): Promise<Result<N>> {
  return (from as { call(name: string, params: unknown, options?: CallingOptions): Promise<unknown> }).call(
    name,
    params,
    options,
  ) as Promise<Result<N>>;
}

/** Tells one node of each service that listens (balanced). Lost when the bus is away. */
export function emit<E extends BusEventName>(from: Pick<ServiceBroker, "emit">, name: E, payload: BusEvents[E]): Promise<void> {
  return from.emit(name, payload) as Promise<void>;
}

/** Tells every node. Lost when the bus is away. */
export function broadcast<E extends BusEventName>(
  from: Pick<ServiceBroker, "broadcast">,
  name: E,
  payload: BusEvents[E],
): Promise<void> {
  return from.broadcast(name, payload) as Promise<void>;
}

/** @throws UNAUTHENTICATED when nobody signed in is behind the call */
export function callerOf(ctx: { meta: Meta }): Caller {
  if (!ctx.meta.caller) throw imError("UNAUTHENTICATED");
  return ctx.meta.caller;
}
