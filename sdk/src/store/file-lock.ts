import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { StoreError } from "./port.ts";

/** How often to try while others give the lock back or take it over. */
const TRIES = 10;

/**
 * Takes a file for this process alone, by a file beside it that names the process. What a process left that is no more is taken
 * over. Holds among the processes of one machine (and of one container) only.
 * @param path of the lock
 * @returns gives it back
 * @throws StoreError when another process has it
 */
export function takeLock(path: string): () => void {
  const mine = `${process.pid} ${startOf(process.pid) ?? "-"}\n`;
  for (let i = 0; i < TRIES; i += 1) {
    if (create(path, mine)) return () => giveBack(path, mine);
    const theirs = read(path);
    if (theirs === null) continue;
    if (isAlive(theirs)) {
      const [pid] = theirs.split(" ");
      throw new StoreError(`the store is in use by process ${pid}; if that is wrong, remove ${path}`);
    }
    removeStale(path, theirs);
  }
  throw new StoreError(`the store is being taken by others: ${path}`);
}

/** With its whole content at once, so that no one reads a lock without a holder. */
function create(path: string, content: string): boolean {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, content, { mode: 0o600 });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (isErrno(error, "EEXIST")) return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Another process may have done so already and hold the lock by now: then it gets it back. */
function removeStale(path: string, stale: string): void {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return;
    throw error;
  }
  const taken = read(aside);
  if (taken !== null && taken !== stale) create(path, taken);
  rmSync(aside, { force: true });
}

function giveBack(path: string, mine: string): void {
  if (read(path) === mine) rmSync(path, { force: true });
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return null;
    throw error;
  }
}

/** Whether the process that wrote it still runs, and is not another one with its number. */
function isAlive(holder: string): boolean {
  const [pid, start] = holder.trim().split(" ");
  if (!/^[1-9][0-9]*$/.test(pid ?? "")) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if (!isErrno(error, "EPERM")) return false;
  }
  const startNow = startOf(Number(pid));
  return start === "-" || startNow === null || start === startNow;
}

/** When a process began, in no unit of ours: another process with its number gives another answer. Null: not known here. */
function startOf(pid: number): string | null {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Behind the name, which may hold anything, `starttime` is the 20th field.
    const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    return ticks === undefined ? null : `${boot}:${ticks}`;
  } catch {
    return null;
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
