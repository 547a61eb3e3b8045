import type { ServiceBroker } from "moleculer";
import type { ActionName, Params } from "../../contracts/index.ts";

/** Stands between the callers of an action and the action. `proceed` calls it, with other params when they are given. */
export type Around<N extends ActionName> = (
  proceed: (params?: Params<N>) => Promise<unknown>,
  params: Params<N>,
) => Promise<unknown>;

type Call = (name: string, params?: unknown, options?: unknown) => Promise<unknown>;

/** Puts `around` between an action and whoever calls it on this node; gives a function that takes it away. */
export function intercept<N extends ActionName>(broker: ServiceBroker, action: N, around: Around<N>): () => void {
  const target = broker as unknown as { call: Call };
  const call = target.call;
  target.call = (name, params, options) => {
    if (name !== action) return call.call(target, name, params, options);
    return around((other) => call.call(target, name, other ?? params, options), params as Params<N>);
  };
  return () => {
    target.call = call;
  };
}
