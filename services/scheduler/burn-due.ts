import { mapConcurrently } from "../../lib/map-concurrently.ts";
import type { BurnTimer, DueTimers, TimerPlace } from "../../mixins/burn-timers/index.ts";
import type { Term } from "../../mixins/hot-store/hold-lease.ts";
import type { Job } from "./runner.ts";
import { atIntervals, type UpkeepDeps } from "./upkeep.ts";

export interface BurnDueDeps {
  readonly timers: Pick<DueTimers, "due" | "putOff">;
  /** Takes its words away, and the timer with them. Repeating it changes nothing. */
  burn(timer: BurnTimer): Promise<void>;
  /** Tells when it burns, those who may know. */
  tell(timer: BurnTimer): Promise<void>;
  onBurnt(lateMs: number): void;
  readonly now: () => number;
}

/** Timers of one portion. */
const PORTION = 200;
const PARALLEL = 8;
/** What failed waits so long, so that it holds up no other. */
const AGAIN_AFTER_MS = 1_000;
/** So many failures end a run. */
const MAX_FAILED = 16;

/**
 * Tells of a portion of the timers that started, and burns what ran out.
 * @throws what the first one that failed threw, when all were tried
 */
export async function burnDue(deps: BurnDueDeps, term: Term): Promise<{ done: number; isMore: boolean }> {
  const due = await deps.timers.due(deps.now(), PORTION);
  const failures: unknown[] = [];
  let done = 0;
  await mapConcurrently(due, PARALLEL, async (timer) => {
    if (failures.length >= MAX_FAILED || !term.holds()) return;
    try {
      await handle(deps, timer);
      done++;
    } catch (error) {
      failures.push(error);
      await deps.timers.putOff(timer, deps.now() + AGAIN_AFTER_MS).catch(() => undefined); // it is due still
    }
  });
  if (failures.length > 0) throw failures[0];
  return { done, isMore: due.length === PORTION };
}

async function handle(deps: BurnDueDeps, timer: BurnTimer): Promise<void> {
  const lateMs = deps.now() - timer.burnsAt;
  if (lateMs >= 0) {
    await deps.burn(timer);
    deps.onBurnt(lateMs);
    return;
  }
  await deps.tell(timer);
  await deps.timers.putOff(timer, timer.burnsAt);
}

/** Rows of one portion. */
const REPAIRED = 500;
const REPAIR_EVERY_MS = 30_000;
const FIRST = { conversationId: "", seq: 0 };

/** Goes through the timers that wait for their readers, again and again. */
export function repairing(deps: UpkeepDeps, timers: Pick<DueTimers, "repair">): Job {
  let after: TimerPlace | null = null;
  return atIntervals(deps, { name: "repair", everyMs: REPAIR_EVERY_MS }, async () => {
    after = await timers.repair(after ?? FIRST, REPAIRED);
    return after !== null;
  });
}
