import { setTimeout as delay } from "node:timers/promises";
import type { Environment } from "./environments/environment.ts";
import type { History } from "./history.ts";
import type { Bystanders } from "./load/bystanders.ts";
import type { Load } from "./load/load.ts";
import type { FaultEffects } from "./outages.ts";
import type { World } from "./world.ts";

/** What is broken, for how long, and how it is repaired. */
export interface Outage extends Partial<FaultEffects> {
  /** After "while": "Redis is killed". */
  readonly name: string;
  /** Resolves when it is broken. */
  begin(): Promise<unknown> | void;
  /** Resolves when it is repaired; what stands on it may take its time to notice. */
  end(): Promise<unknown> | void;
  /** Resolves when what was started takes part again. */
  back?(): Promise<unknown>;
  readonly lastsMs?: number;
}

/** What a scenario works with. */
export interface Stage {
  readonly env: Environment;
  readonly history: History;
  readonly world: World;
  readonly load: Load;
  readonly bystanders: Bystanders;
  /** How long an outage lasts that says nothing else. */
  readonly outageMs: number;
  /** What is found that no checker looks for. */
  readonly problems: string[];
}

/** Breaks something, waits, and repairs it. */
export async function outage(
  { history, outageMs }: Stage,
  { name, begin, end, back, lastsMs = outageMs, ...effects }: Outage,
): Promise<void> {
  await begin();
  const fault = history.fault(name, effects);
  try {
    await delay(lastsMs);
  } finally {
    fault.end();
    await end();
    fault.repaired();
  }
  if (!back) return;
  await back();
  fault.back();
}
