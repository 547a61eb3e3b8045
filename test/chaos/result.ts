import { errorTimes, p99 } from "./checkers/in-time.ts";
import type { Invariant } from "./checkers/index.ts";
import type { EnvironmentName } from "./environments/environment.ts";
import type { Violation } from "./final-state.ts";
import type { History } from "./history.ts";

/** What became of one scenario. */
export interface Result {
  readonly scenario: string;
  readonly environment: EnvironmentName;
  readonly seed: number;
  readonly operations: number;
  /** What clients sent, acknowledged. */
  readonly acknowledged: number;
  readonly faults: readonly string[];
  /** Messages that contradict I1, I5, I17; I2, I3, I4, I16; I6, I7. */
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** Null: no call failed. */
  readonly errorP99Ms: number | null;
  /** From the end of the last fault; null: it did not heal. */
  readonly healMs: number | null;
  readonly durationMs: number;
  readonly violations: readonly Violation[];
  /** What kept it from being told. */
  readonly problems: readonly string[];
}

const LOST: readonly Invariant[] = ["I1", "I5", "I17"];
const DUPLICATED: readonly Invariant[] = ["I2", "I3", "I4", "I16"];
const REORDERED: readonly Invariant[] = ["I6", "I7"];

export type Told = Omit<Result, "operations" | "acknowledged" | "faults" | "lost" | "duplicated" | "reordered" | "errorP99Ms">;

export function resultOf(history: History, told: Told): Result {
  const count = (invariants: readonly string[]): number =>
    told.violations.filter(({ invariant }) => invariants.includes(invariant)).length;
  const keys = new Set(history.of("send").flatMap(({ outcome, clientMsgId }) => (outcome === "ok" ? [clientMsgId] : [])));
  const errorP99Ms = p99(errorTimes(history));
  return {
    ...told,
    operations: history.operations.length,
    acknowledged: keys.size,
    faults: history.faults.map(({ name }) => name),
    lost: count(LOST),
    duplicated: count(DUPLICATED),
    reordered: count(REORDERED),
    errorP99Ms: errorP99Ms === null ? null : Math.round(errorP99Ms),
  };
}

export const hasPassed = ({ violations, problems, healMs }: Result): boolean =>
  violations.length === 0 && problems.length === 0 && healMs !== null;
