import type { Static, TSchema } from "typebox";
import type { ErrorType } from "./errors.ts";

/** One action of a service: what it takes, what it gives, which errors of its own it throws. */
export interface ActionContract {
  readonly summary: string;
  readonly params: TSchema;
  readonly result: TSchema;
  readonly errors?: readonly ErrorType[];
  /** The same call may be made twice without harm, so that the bus may retry it. */
  readonly idempotent?: boolean;
}
export type ServiceContract = Readonly<Record<string, ActionContract>>;

export type ParamsOf<A extends ActionContract> = Static<A["params"]>;
export type ResultOf<A extends ActionContract> = Static<A["result"]>;
