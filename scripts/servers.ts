/**
 * The servers that a cluster stands on, on this machine: `npm run servers up|down|status [-- --dir <folder>] [<kind> …]`.
 * `up` brings MySQL or MariaDB, Redis, NATS and Kafka up and leaves them running, `status` tells where they are, `down` ends
 * them and keeps their data. Exit codes: 0, 1 when a server fails, 2 when it is called wrongly.
 */
import { parseArgs } from "node:util";
import { DEFAULT_CACHE, DEFAULT_DIR, KIND_NAMES, bringAllUp, statusOf, takeDown } from "./servers/index.ts";
import type { KindName, Outcome, Status } from "./servers/index.ts";

const USAGE = `Usage: npm run servers up|down|status [${KIND_NAMES.join("|")} …] [-- --dir <folder>] [--cache <folder>]
  --dir    state, data and logs of the servers (${DEFAULT_DIR})
  --cache  what is fetched once for all folders (${DEFAULT_CACHE})`;

interface Call {
  readonly command: string;
  readonly kinds: readonly KindName[];
  readonly dir: string;
  readonly cache: string;
}

function readCall(): Call | null {
  try {
    const options = { dir: { type: "string", default: DEFAULT_DIR }, cache: { type: "string", default: DEFAULT_CACHE } } as const;
    const { positionals, values } = parseArgs({ allowPositionals: true, options });
    const [command = "", ...names] = positionals;
    const kinds = KIND_NAMES.filter((name) => names.length === 0 || names.includes(name));
    const areKnown = names.every((name) => KIND_NAMES.some((known) => known === name));
    return areKnown && ["up", "down", "status"].includes(command) ? { command, kinds, ...values } : null;
  } catch {
    return null;
  }
}

function table(rows: readonly (readonly string[])[]): string {
  const width = (column: number): number => Math.max(...rows.map((row) => (row[column] ?? "").length));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(width(column)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function describe({ name, port, pid, version, from, state }: Status): string[] {
  return [name, state, `127.0.0.1:${port}`, pid === null ? "-" : `pid ${pid}`, version, from];
}

function describeOutcome(outcome: Outcome): string {
  if (outcome.result !== "started") return `${outcome.name} ran already`;
  return `${outcome.name} started in ${(outcome.tookMs / 1_000).toFixed(1)} s`;
}

async function status({ dir, cache, kinds }: Call): Promise<void> {
  const all = (await statusOf(dir, cache)).filter(({ name }) => kinds.includes(name));
  if (all.length === 0) console.log(`No server was started in ${dir}; \`npm run servers up\` does.`);
  else console.log(table(all.map(describe)));
  const usable = all.filter(({ state }) => state === "answers");
  if (usable.length > 0) console.log(`\n${usable.map(({ setting, url }) => `export ${setting}=${url}`).join("\n")}`);
}

async function run(call: Call): Promise<void> {
  const { command, dir, cache, kinds } = call;
  if (command === "up") {
    const outcomes = await bringAllUp({ dir, cache, kinds, install: true, report: (line) => console.log(line) });
    console.log(`${outcomes.map(describeOutcome).join(", ")}\n`);
  }
  if (command === "down") {
    const names = await takeDown(dir, { kinds, cache });
    console.log(names.length > 0 ? `Stopped ${names.join(", ")}; their data stays in ${dir}` : "Nothing runs.");
  } else await status(call);
}

const call = readCall();
if (call === null) {
  console.error(USAGE);
  process.exit(2);
}
try {
  await run(call);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
