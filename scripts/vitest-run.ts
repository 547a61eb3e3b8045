import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { Totals } from "./test-counter.ts";

export interface VitestFiles {
  /** The folder with Vitest's configuration, absolute. */
  readonly root: string;
  /** Relative to it. */
  readonly files: readonly string[];
  readonly signal: AbortSignal;
}

type Message = Omit<Totals, "reasons"> & { readonly reasons: [string, number][] };

const PROCESS = path.join(import.meta.dirname, "vitest-process.ts");
/** A run that still goes on then, say because a file left something open, has failed. */
const TIMEOUT_MS = 1_800_000;

/** What Vitest counted; a run that told nothing, or failed and cannot say where, is one failure. */
export async function runVitest({ root, files, signal }: VitestFiles): Promise<Totals> {
  const child = fork(PROCESS, [root, ...files], { stdio: "inherit", cwd: root, execArgv: [] });
  const end = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const stop = (): void => void child.kill();
  end.addEventListener("abort", stop);
  let counted: Totals = { passed: 0, failed: 0, skipped: 0, reasons: new Map() };
  child.on("message", (message) => {
    const { reasons, ...counts } = message as Message;
    counted = { ...counts, reasons: new Map(reasons) };
  });
  const [code] = (await once(child, "close")) as [number | null];
  end.removeEventListener("abort", stop);
  return code === 0 || counted.failed > 0 ? counted : { ...counted, failed: 1 };
}
