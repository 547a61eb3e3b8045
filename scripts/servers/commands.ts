import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Servers of some systems stand where only root looks. */
const FIND = 'PATH="$PATH:/usr/local/sbin:/usr/sbin"; for name; do command -v "$name" && exit 0; done; exit 1';

/** The path of the first of these commands that is on PATH, or null. */
export async function findCommand(...names: string[]): Promise<string | null> {
  return execute("/bin/sh", ["-c", FIND, "sh", ...names]).then(
    ({ stdout }) => stdout.trim(),
    () => null,
  );
}

const REASON_LINES = 8;

/**
 * Runs a command to its end and returns what it wrote.
 * @throws with its lines of errors or else its last ones, when it fails or takes longer than `timeoutMs`
 */
export async function runCommand(file: string, args: readonly string[], timeoutMs = 60_000): Promise<string> {
  try {
    const { stdout, stderr } = await execute(file, args, { timeout: timeoutMs, maxBuffer: 16_000_000 });
    return stdout + stderr;
  } catch (error) {
    const { stdout = "", stderr = "", killed = false } = error as { stdout?: string; stderr?: string; killed?: boolean };
    const reason = killed ? `it took longer than ${timeoutMs / 1_000} s` : reasonIn(stdout + stderr);
    throw new Error(`${file} ${args[0] ?? ""} failed: ${reason || (error as Error).message}`, { cause: error });
  }
}

/** Some end with advice, and have said long before what went wrong. */
function reasonIn(output: string): string {
  const errors = output.split("\n").filter((line) => /\berror\b/i.test(line));
  return errors.length > 0 ? errors.slice(0, REASON_LINES).join("\n") : lastLines(output, REASON_LINES);
}

/** Whether a command ends well; false when there is none. */
export async function succeeds(file: string, args: readonly string[], timeoutMs: number): Promise<boolean> {
  return runCommand(file, args, timeoutMs).then(
    () => true,
    () => false,
  );
}

export function lastLines(text: string, count: number): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}

/** The first thing in the output of `--version` that looks like a version. */
export function versionIn(output: string): string {
  return /\d+\.\d+(\.\d+)*/.exec(output)?.[0] ?? "unknown";
}
