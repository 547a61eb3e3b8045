import type { Static, TSchema } from "typebox";
import type { ErrorType } from "./errors.ts";

/** One action of a service: what it takes, what it gives, which errors of its own it throws. */
export interface ActionContract {
  readonly summary: string;
  readonly params: TSchema;
  readonly result: TSchema;
  readonly errors?: readonly ErrorType[];
  /**
   * The handler answers with a stream of the JSON text of `result`, which is too large to be one value. Whoever calls the action
   * gets the stream, while types say what its text reads as.
   */
  readonly stream?: true;
  /** The same call may be made twice without harm, so that the bus may retry it. */
  readonly idempotent?: boolean;
  /** Its calls share their work and bound themselves, so that the bus sets no limit to how many run at once. */
  readonly batched?: true;
}
export type ServiceContract = Readonly<Record<string, ActionContract>>;

export type ParamsOf<A extends ActionContract> = Static<A["params"]>;
export type ResultOf<A extends ActionContract> = Static<A["result"]>;
