import { execFileSync, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** A process and the moment it started, since the system gives a pid to another process once the first has ended. */
export interface ProcessId {
  readonly pid: number;
  /** Only ever compared. */
  readonly startedAt: string;
}

interface Seen {
  readonly startedAt: string;
  /** One letter: `Z` has ended and waits for its parent to notice, `X` is ending, `T` is stopped. */
  readonly state: string;
}

const POLL_MS = 20;

function look(pid: number): Seen | null {
  try {
    if (process.platform === "linux") return lookInProc(pid);
    const [state = "", ...startedAt] = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8" })
      .trim()
      .split(/\s+/);
    return { startedAt: startedAt.join(" "), state: state.slice(0, 1) };
  } catch {
    return null;
  }
}

/** The start is counted in ticks since the machine started, so the machine's start belongs to it. */
function lookInProc(pid: number): Seen {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name before it, in brackets, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  // Of a killed one the first thread may have ended while others still hold its files and its ports.
  const isEnding = fields[0] === "Z" && Number(fields[17]) > 1;
  return { startedAt: `${fields[19] ?? ""} ${boot}`, state: isEnding ? "X" : (fields[0] ?? "") };
}

/** The identity of a running process, or null. */
export function identify(pid: number): ProcessId | null {
  const seen = look(pid);
  return seen === null ? null : { pid, startedAt: seen.startedAt };
}

/** Whether this very process runs still; a frozen one does. */
export function isAlive({ pid, startedAt }: ProcessId): boolean {
  const seen = look(pid);
  return seen !== null && seen.startedAt === startedAt && seen.state !== "Z";
}

/**
 * Starts a program that stays when this process ends: in a session of its own, which a Ctrl-C here does not reach either.
 * What it writes is appended to `logFile`.
 * @throws when it cannot be started
 */
export async function startDetached(file: string, args: readonly string[], cwd: string, logFile: string): Promise<ProcessId> {
  const log = openSync(logFile, "a", 0o600);
  try {
    const child = spawn(file, args, { cwd, detached: true, stdio: ["ignore", log, log] });
    await new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
    child.unref();
    const id = identify(child.pid ?? 0);
    // It has ended already: that is for whoever waits for it to say.
    return id ?? { pid: child.pid ?? 0, startedAt: "ended at once" };
  } finally {
    closeSync(log);
  }
}

/** Sends a signal to the process and what it started, never to another that has its pid now; false when it has ended. */
export function signalGroup(id: ProcessId, signal: NodeJS.Signals): boolean {
  if (!isAlive(id)) return false;
  try {
    return process.kill(-id.pid, signal);
  } catch {
    return false;
  }
}

/** Waits for its end; false when it still runs after `timeoutMs`. */
export async function hasEnded(id: ProcessId, timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (isAlive(id)) {
    if (performance.now() > end) return false;
    await delay(POLL_MS);
  }
  return true;
}
