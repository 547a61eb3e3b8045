/**
 * Messages through real sockets, against a bare Socket.IO relay in the same run: `npm run bench`, `npm run bench -- --on cluster`.
 * Prints its figures and writes them to bench/results/.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measureIdleMemory } from "./idle-memory.ts";
import type { LoadOrder, LoadResult } from "./load.ts";
import { makePairs, type Pair } from "./people.ts";
import { cpuMs, runLoad, startRelay } from "./processes.ts";
import { median } from "./quantiles.ts";
import { saveResults } from "./save.ts";
import { openTarget, TARGETS, type TargetName } from "./targets.ts";

const { values: options } = parseArgs({
  options: {
    on: { type: "string", default: "embedded" },
    pairs: { type: "string", default: "50" },
    window: { type: "string", default: "4" },
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    rate: { type: "string" },
    connections: { type: "string", default: "2000" },
    only: { type: "string" },
    profile: { type: "boolean", default: false },
    save: { type: "boolean", default: true },
  },
  allowNegative: true,
});
const on = TARGETS.find((name) => name === options.on) as TargetName;
if (!on) throw new Error(`--on ${options.on}: must be one of ${TARGETS.join(", ")}`);
const rounds = Number(options.rounds);
/** Half of what the profile has to reach. */
const rate = Number(options.rate ?? (on === "embedded" ? 4_000 : 2_000));
const SETTLE_MS = 15_000;

type Round = LoadResult & { cpuUsPerMessage: number; cpuByProcess: Record<string, number> };

const wants = (part: string): boolean => options.only === undefined || options.only.split(",").includes(part);
const say = (line: string): void => console.log(line);
const order = (target: "im" | "relay", urls: readonly string[], pairs: readonly Pair[]): LoadOrder => ({
  urls,
  target,
  pairs,
  mode: "closed",
  window: Number(options.window),
  rate: 0,
  warmUpMs: 1_500,
  durationMs: Number(options.seconds) * 1_000,
  textBytes: 200,
});

/** A round, with the processor time that each process of the target used for a message. */
async function measured(processes: Record<string, number>, load: LoadOrder): Promise<Round> {
  const before = Object.values(processes).map(cpuMs);
  const result = await runLoad(load);
  const perMessage = Object.values(processes).map((pid, i) => ((cpuMs(pid) - before[i]!) * 1_000) / result.acceptedAll);
  const cpuByProcess = Object.fromEntries(Object.keys(processes).map((name, i) => [name, Math.round(perMessage[i]!)]));
  return { ...result, cpuUsPerMessage: Math.round(perMessage.reduce((a, b) => a + b, 0)), cpuByProcess };
}

const profileDir = options.profile ? join(tmpdir(), "im-bench-profile") : null;
await using target = await openTarget(on, { cpuProfile: profileDir });
await using relay = await startRelay();
say(`${on}: ready after ${Math.round(target.readyMs)} ms`);
const pairs = await makePairs(target.urls[0]!, Number(options.pairs));
const processes = { ...Object.fromEntries(target.pids.map((pid, i) => [`node ${i + 1}`, pid])), ...target.servers };
const im: Round[] = [];
const results: Record<string, unknown> = { readyMs: Math.round(target.readyMs) };

if (wants("closed")) {
  const yardstick: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    yardstick.push(await measured({ relay: relay.pid }, order("relay", [relay.url], pairs)));
    im.push(await measured(processes, order("im", target.urls, pairs)));
    const [mine, theirs] = [im.at(-1)!, yardstick.at(-1)!];
    say(
      `closed loop ${round + 1}: ${mine.acceptedPerS}/s, p95 ${mine.latencyMs.p95} ms, ${mine.cpuUsPerMessage} µs of processor time a message; relay ${theirs.acceptedPerS}/s, ${theirs.cpuUsPerMessage} µs`,
    );
  }
  const ratio = median(im.map((one, i) => one.acceptedPerS / yardstick[i]!.acceptedPerS));
  const messagesPerS = Math.round(median(im.map((one) => one.acceptedPerS)));
  const relayPerS = Math.round(median(yardstick.map((one) => one.acceptedPerS)));
  results["closed"] = { messagesPerS, relayPerS, ratio: Number(ratio.toFixed(3)), im: [...im], relay: yardstick };
  const cpu = Object.entries(im.at(-1)!.cpuByProcess).map(([name, us]) => `${name} ${us}`);
  say(`closed loop, window ${options.window}, ${options.pairs} pairs: ${messagesPerS}/s, ${ratio.toFixed(3)} of the relay`);
  say(`processor time of a message in µs: ${cpu.join(", ")}`);
}
if (wants("open")) {
  const from = Date.now();
  const open = await measured(processes, { ...order("im", target.urls, pairs), mode: "open", rate, durationMs: 10_000 });
  const to = Date.now();
  const relayOpen = await runLoad({ ...order("relay", [relay.url], pairs), mode: "open", rate, durationMs: 5_000 });
  await settled(im.reduce((sum, one) => sum + one.acceptedAll, open.acceptedAll));
  const persistLagMs = await target.persistLag(from, to);
  im.push(open);
  const achieved = open.accepted / open.offered;
  results["open"] = { rate, achieved: Number(achieved.toFixed(4)), persistLagMs, im: open, relay: relayOpen };
  const { p50, p95, p99 } = open.latencyMs;
  say(
    `open loop at ${rate}/s: p50 ${p50}, p95 ${p95}, p99 ${p99} ms, achieved ${(100 * achieved).toFixed(1)} %, ${open.cpuUsPerMessage} µs of processor time a message; relay p95 ${relayOpen.latencyMs.p95} ms; persisted after p50 ${persistLagMs.p50}, p99 ${persistLagMs.p99}, at most ${persistLagMs.max} ms`,
  );
}
if (im.length > 0) {
  const sum = (key: "lost" | "duplicated" | "reordered" | "refused" | "acceptedAll"): number =>
    im.reduce((total, one) => total + one[key], 0);
  const { messages, holes } = await settled(sum("acceptedAll"));
  const counts = { lost: sum("lost"), duplicated: sum("duplicated"), reordered: sum("reordered"), refused: sum("refused") };
  results["safety"] = { accepted: sum("acceptedAll"), inDatabase: messages, holes, ...counts };
  say(
    `accepted ${sum("acceptedAll")}, in the database ${messages}, holes ${holes}, ${Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ")}`,
  );
}
await relay.stop();
if (on === "embedded" && wants("memory")) {
  const memory = await measureIdleMemory(pairs, Number(options.connections));
  results["memory"] = memory;
  say(`idle connection: ${memory.im} bytes, relay ${memory.relay} bytes, ${memory.ratio} times`);
}
if (options.save) say(`written to ${saveResults(on, { options, ...results })}`);

/** What the database holds once all that was accepted is there, or after a while. */
async function settled(accepted: number): ReturnType<typeof target.stored> {
  const end = performance.now() + SETTLE_MS;
  for (;;) {
    const stored = await target.stored();
    if (stored.messages >= accepted || performance.now() > end) return stored;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
