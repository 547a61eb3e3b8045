import { runProcess } from "./server-process.ts";
import type { RunningProcess } from "./server-process.ts";

/** How a command has ended, and what it has said. */
export interface Ended {
  readonly code: number | string;
  readonly out: string;
  readonly err: string;
}

export async function endOf({ ended, written }: RunningProcess): Promise<Ended> {
  return { code: await ended, ...written };
}

/** Runs what `npm run servers` runs, to its end. */
export async function runServers(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return endOf(runProcess(["--disable-warning=TimeoutNegativeWarning", "scripts/servers.ts", ...args], env));
}
