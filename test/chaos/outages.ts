import type { Moment } from "./history.ts";

/** What something that is broken makes impossible, so that nobody can expect it. */
export interface FaultEffects {
  /** No message can become durable: none may be acknowledged that is sent while it lasts. */
  readonly stopsSending: boolean;
  /** The log or the database does not answer: what is pending waits. */
  readonly stopsPersisting: boolean;
  /** Gateways that can say nothing at all, not even no. */
  readonly silences: readonly string[];
}

/** Something that was broken. */
export interface Fault extends FaultEffects {
  readonly name: string;
  /** It is broken for certain from here on, until here. */
  readonly from: Moment;
  until: Moment | null;
  /** When it answered again, or was started. */
  repaired: Moment | null;
  /** When a node that was started took part again; null: with `repaired`. Until then others may still ask it in vain. */
  back: Moment | null;
}

/** How the pipeline stood at a moment. */
export interface Sample {
  readonly at: Moment;
  readonly pending: number;
  /** Null when nothing was pending. */
  readonly oldestAgeMs: number | null;
  /** Of each process. */
  readonly memoryBytes: Readonly<Record<string, number>>;
}

/** When all was as before; null: it was not. */
export const healedAt = ({ repaired, back }: Fault): Moment | null => back ?? repaired;

/** Whether something was away at this moment that others may have asked. @param graceMs how much later it still counts */
export const isAway = (fault: Fault, { monotonicMs }: Moment, graceMs = 0): boolean =>
  monotonicMs >= fault.from.monotonicMs && monotonicMs <= (healedAt(fault)?.monotonicMs ?? Infinity) + graceMs;
