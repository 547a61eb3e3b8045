/**
 * Connections that say nothing: `npm run bench:idle`, `npm run bench:idle -- --on cluster`. 10,000 of as many people on one gateway,
 * held for longer than a heartbeat, beside as many on a bare Socket.IO server. Clients are processes of their own; on the cluster the
 * gateway is one, too, whose memory holds no other service.
 */
import { parseArgs } from "node:util";
import type { NodeSpec } from "../scripts/cluster/index.ts";
import { gatherCrowd } from "./crowds.ts";
import { fillPeople } from "./fill.ts";
import { settledMemory } from "./idle-memory.ts";
import type { Person } from "./people.ts";
import { cpuMs, startRelay } from "./processes.ts";
import { saveResults } from "./save.ts";
import { openTarget, TARGETS, type TargetName } from "./targets.ts";

const { values: options } = parseArgs({
  options: {
    on: { type: "string", default: "embedded" },
    connections: { type: "string", default: "10000" },
    processes: { type: "string", default: "4" },
    hold: { type: "string", default: "40" },
    save: { type: "boolean", default: true },
  },
  allowNegative: true,
});
const on = TARGETS.find((name) => name === options.on) as TargetName;
if (!on) throw new Error(`--on ${options.on}: must be one of ${TARGETS.join(", ")}`);
const [connections, processes, hold] = [options.connections, options.processes, options.hold].map(Number) as [
  number,
  number,
  number,
];
/** A gateway that does nothing else. */
const ONE_OF_EACH_ROLE: readonly NodeSpec[] = (["core", "gateway", "persister", "compensator"] as const).map((role) => ({
  name: `${role}-1`,
  role,
}));
/** Are there before the memory of the others is measured: what the first ones need is not theirs. */
const FIRST = 200;

interface Found {
  /** Growth of the process for each connection after the first ones. */
  readonly bytesEach: number;
  /** Of the whole process, with all of them. */
  readonly residentMiB: number;
  readonly connectedPerS: number;
  /** Of one core, while they are held. */
  readonly idleCpuPercent: number;
  readonly lost: number;
}

async function measure(order: { url: string; target: "im" | "relay" }, pid: number, people: readonly Person[]): Promise<Found> {
  const first = await gatherCrowd({ ...order, people: people.slice(0, FIRST) }, 1);
  const before = await settledMemory(pid);
  const startedAt = performance.now();
  const crowd = await gatherCrowd({ ...order, people: people.slice(FIRST) }, processes);
  const connectedS = (performance.now() - startedAt) / 1_000;
  const after = await settledMemory(pid);
  const cpuBefore = cpuMs(pid);
  await new Promise((resolve) => setTimeout(resolve, hold * 1_000));
  const idleCpuPercent = (cpuMs(pid) - cpuBefore) / (hold * 10);
  const held = [...(await crowd.end()), ...(await first.end())];
  return {
    bytesEach: Math.round((after - before) / crowd.size),
    residentMiB: Math.round(after / 2 ** 20),
    connectedPerS: Math.round(crowd.size / connectedS),
    idleCpuPercent: Number(idleCpuPercent.toFixed(1)),
    lost: held.reduce((sum, { closed }) => sum + closed, 0),
  };
}

let people: readonly Person[] = [];
await using target = await openTarget(on, {
  fill: async (filling) => {
    people = await fillPeople(filling, FIRST + connections);
  },
  ...(on === "cluster" && { nodes: ONE_OF_EACH_ROLE }),
});
const im = await measure({ url: target.urls[0]!, target: "im" }, target.gatewayPids[0]!, people);
await using relayProcess = await startRelay();
const relay = await measure({ url: relayProcess.url, target: "relay" }, relayProcess.pid, people);
const ratio = Number((im.bytesEach / relay.bytesEach).toFixed(2));
const wholeRatio = Number((im.residentMiB / relay.residentMiB).toFixed(2));
const rowOf = ({ bytesEach, residentMiB, connectedPerS, idleCpuPercent, lost }: Found): Record<string, string | number> => ({
  "per connection": `${bytesEach} B`,
  "whole process": `${residentMiB} MiB`,
  "connected/s": connectedPerS,
  "idle CPU": `${idleCpuPercent} % of a core`,
  lost,
});
console.log(`${on}: ${connections} idle connections on one gateway, held for ${hold} s; memory is resident`);
console.table({
  gateway: rowOf(im),
  "bare Socket.IO": rowOf(relay),
  times: { "per connection": ratio, "whole process": wholeRatio },
});
if (options.save) console.log(`written to ${saveResults(`idle-${on}`, { options, ratio, wholeRatio, im, relay })}`);
