import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";

/** Writes what a run found, with machine, date and commit. @returns the file, from the root of the repository */
export function saveResults(name: string, results: Record<string, unknown>): string {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  };
  const date = new Date().toISOString().slice(0, 10);
  const folder = join(import.meta.dirname, "results");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${date}-${name}.json`), `${JSON.stringify({ date, commit, machine, ...results }, null, 2)}\n`);
  return `bench/results/${date}-${name}.json`;
}
