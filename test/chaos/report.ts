import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { hasPassed, type Result } from "./result.ts";

/** When and where a run was. */
export interface RunInfo {
  readonly date: string;
  readonly commit: string;
  readonly machine: string;
  readonly seed: number;
}

const BEGIN = "<!-- made by `npm run test:chaos` from here on -->";
const END = "<!-- to here -->";

export function runInfo(seed: number): RunInfo {
  const git = (...args: string[]): string => execFileSync("git", args, { encoding: "utf8", cwd: import.meta.dirname }).trim();
  const [processors, memory] = [cpus(), Math.round(totalmem() / 2 ** 30)];
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: git("rev-parse", "--short", "HEAD"),
    machine: `${processors.length} × ${processors[0]?.model.trim() ?? "unknown processor"}, ${memory} GiB, Node ${process.versions.node}`,
    seed,
  };
}

const HEAD = ["scenario", "operations", "faults", "lost", "duplicated", "reordered", "error time p99", "time to heal", "result"];

/** Cells of one scenario, in the order of the columns. */
function cellsOf(result: Result): string[] {
  const { scenario, environment, operations, faults, lost, duplicated, reordered, errorP99Ms, healMs } = result;
  const seconds = (ms: number | null): string => (ms === null ? "-" : `${(ms / 1_000).toFixed(1)} s`);
  const others = [...new Set(result.violations.map(({ invariant }) => invariant))].join(" ");
  const outcome = hasPassed(result) ? "holds" : others || (result.problems.length > 0 ? "could not be told" : "did not heal");
  const counts = [operations, faults.length, lost, duplicated, reordered].map(String);
  return [`${environment}: ${scenario}`, ...counts, seconds(errorP99Ms), seconds(healMs), outcome];
}

/** A Markdown table that reads well as plain text too. */
export function tableOf(results: readonly Result[]): string {
  const rows = [HEAD, ...results.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const isText = (column: number): boolean => column === 0 || column === HEAD.length - 1;
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => (isText(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(" | ")} |`;
  const rule = `| ${widths.map((width, column) => (isText(column) ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(HEAD), rule, ...rows.slice(1).map(line)].join("\n");
}

/** What happened, beyond the table. */
export function detailsOf({ scenario, environment, seed, violations, problems }: Result): string[] {
  const shown = violations.slice(0, 8).map(({ invariant, detail }) => `  ${invariant}: ${detail}`);
  const more = violations.length > shown.length ? [`  and ${violations.length - shown.length} more`] : [];
  return [`${environment}: ${scenario} (seed ${seed})`, ...problems.map((problem) => `  ${problem}`), ...shown, ...more];
}

/** Puts the table of a run between the marks of a document. @throws when it has no such marks */
export async function writeTable(file: string, results: readonly Result[], info: RunInfo): Promise<void> {
  const text = await readFile(file, "utf8");
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${file} has no ${BEGIN} … ${END}`);
  const { date, commit, machine, seed } = info;
  const about = `Run of ${date} at commit ${commit}, seed ${seed}, all servers, nodes and clients on one machine (${machine}).`;
  await writeFile(file, `${text.slice(0, begin)}${BEGIN}\n\n${about}\n\n${tableOf(results)}\n\n${text.slice(end)}`);
}
