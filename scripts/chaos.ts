/**
 * `npm run test:chaos`: runs the product under load while parts of it are killed, frozen and worse, and checks every invariant
 * afterwards. Writes the table of docs/reliability.md when all scenarios ran; ends with the line `N passed, N failed`.
 *
 *     npm run test:chaos                          all scenarios
 *     npm run test:chaos -- "redis wiped" nodes   those whose names hold one of these
 *     npm run test:chaos -- --short               the telling ones, in less than four minutes
 *     npm run test:chaos -- --on embedded --seed 42
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Keeper } from "../test/chaos/environments/keeper.ts";
import { PRODUCT_COMPENSATION, QUICK_COMPENSATION } from "../test/chaos/environments/environment.ts";
import { detailsOf, runInfo, tableOf, writeTable } from "../test/chaos/report.ts";
import { hasPassed, type Result } from "../test/chaos/result.ts";
import { FULL, runScenario, SHORT } from "../test/chaos/run-scenario.ts";
import { scenarios } from "../test/chaos/scenarios/index.ts";
import type { Scenario } from "../test/chaos/scenarios/scenario.ts";
import { removeAbandonedServers, temporaryServersFolder } from "./servers/temporary.ts";

const ROOT = resolve(import.meta.dirname, "..");
const DOCUMENT = join(ROOT, "docs/reliability.md");
/** Histories of what failed. */
const FAILURES = join(ROOT, "data/chaos-failures");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: "boolean", default: false },
    on: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    list: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);
const chosen = scenarios.filter(isChosen);
const isWhole = chosen.length === scenarios.length;

function isChosen({ name, on, isShort = false }: Scenario): boolean {
  const fits = positionals.length === 0 || positionals.some((part) => `${on}: ${name}`.includes(part));
  return fits && (values.on === undefined || values.on === on) && (!values.short || isShort);
}

async function runOne(keeper: Keeper, scenario: Scenario): Promise<Result> {
  const env = await keeper.environmentFor(scenario);
  const { result, history, state } = await runScenario(scenario, env, { ...(values.short ? SHORT : FULL), seed });
  if (hasPassed(result)) return result;
  await mkdir(FAILURES, { recursive: true });
  const file = join(FAILURES, `${scenario.on}-${scenario.name}-${seed}.json`.replaceAll(" ", "-"));
  const { operations, observations, faults, samples } = history;
  const all = { result, faults, samples, operations, observations, state };
  const plain = (_: string, value: unknown): unknown => (value instanceof Map ? Object.fromEntries<unknown>(value) : value);
  await writeFile(file, JSON.stringify(all, plain));
  console.log(`  ${file}, logs of the nodes in ${keeper.logs}`);
  await keeper.forget();
  return result;
}

async function runAll(): Promise<Result[]> {
  const results: Result[] = [];
  await removeAbandonedServers();
  const compensation = values.short ? QUICK_COMPENSATION : PRODUCT_COMPENSATION;
  await using keeper = new Keeper({ dir: await temporaryServersFolder(), compensation, report: (line) => console.log(line) });
  for (const scenario of chosen) {
    const result = await runOne(keeper, scenario);
    results.push(result);
    const { environment, scenario: name, acknowledged, durationMs } = result;
    const outcome = hasPassed(result) ? "holds" : "FAILS";
    console.log(`${outcome}  ${environment}: ${name} (${acknowledged} messages, ${Math.round(durationMs / 1_000)} s)`);
    if (!hasPassed(result)) console.log(detailsOf(result).join("\n"));
  }
  return results;
}

if (values.list) {
  for (const { on, name, isShort } of scenarios) console.log(`${on}: ${name}${isShort ? " (short)" : ""}`);
} else if (chosen.length === 0 || !Number.isSafeInteger(seed)) {
  console.error("No scenario matches; --list names them all.");
  process.exitCode = 2;
} else {
  const info = runInfo(seed);
  const results = await runAll();
  console.log(`\n${tableOf(results)}\n`);
  if (isWhole && !values.short) await writeTable(DOCUMENT, results, info);
  const passed = results.filter(hasPassed).length;
  console.log(`${passed} passed, ${results.length - passed} failed`);
  process.exitCode = passed === results.length ? 0 : 1;
}
