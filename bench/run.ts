/**
 * Messages through real sockets, against a bare Socket.IO relay in the same run: `npm run bench`.
 * Prints its figures and writes them to bench/results/.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import type { LoadOrder, LoadResult } from "./load.ts";
import { makePairs, type Pair } from "./people.ts";
import { cpuMs, residentBytes, runLoad, startRelay, startServer, type Running } from "./processes.ts";
import { SocketClient } from "./socket-client.ts";

const { values: options } = parseArgs({
  options: {
    pairs: { type: "string", default: "50" },
    window: { type: "string", default: "4" },
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    rate: { type: "string", default: "4000" },
    connections: { type: "string", default: "2000" },
    only: { type: "string" },
    profile: { type: "boolean", default: false },
    save: { type: "boolean", default: true },
  },
  allowNegative: true,
});
const rounds = Number(options.rounds);
const wants = (part: string): boolean => options.only === undefined || options.only.split(",").includes(part);

const base = (target: "im" | "relay", url: string, pairs: readonly Pair[]): LoadOrder => ({
  url,
  target,
  pairs,
  mode: "closed",
  window: Number(options.window),
  rate: 0,
  warmUpMs: 1_500,
  durationMs: Number(options.seconds) * 1_000,
  textBytes: 200,
});
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
const say = (line: string): void => console.log(line);

interface Stored {
  readonly messages: number;
  readonly holes: number;
}

/** What the database holds afterwards, read past the server. */
function readStored(dataDir: string): Stored {
  const db = new DatabaseSync(join(dataDir, "im.sqlite"), { readOnly: true });
  const row = db
    .prepare(
      "select sum(n) as messages, sum(head - n) as holes from (select count(*) as n, max(seq) as head from message group by conversation_id)",
    )
    .get() as unknown as Stored;
  db.close();
  return { messages: Number(row.messages ?? 0), holes: Number(row.holes ?? 0) };
}

const dataDir = mkdtempSync(join(tmpdir(), "im-bench-data-"));
await (await startServer(dataDir)).stop();
const profile = options.profile ? ["--cpu-prof", "--cpu-prof-dir", join(tmpdir(), "im-bench-profile")] : [];
let server: Running = await startServer(dataDir, profile);
const relay = await startRelay();
say(`ready after ${Math.round(server.readyMs)} ms (second start)`);
const pairs = await makePairs(server.url, Number(options.pairs));
const im: (LoadResult & { cpuUsPerMessage: number })[] = [];
const yardstick: typeof im = [];
const results: Record<string, unknown> = { readyMs: Math.round(server.readyMs) };
let sent = 0;

/** A round, with the processor time that the target used for each message. */
async function measured(target: Running, order: LoadOrder): Promise<LoadResult & { cpuUsPerMessage: number }> {
  const before = cpuMs(target.pid);
  const result = await runLoad(order);
  return { ...result, cpuUsPerMessage: Math.round(((cpuMs(target.pid) - before) * 1000) / result.acceptedAll) };
}

if (wants("closed")) {
  for (let round = 0; round < rounds; round++) {
    yardstick.push(await measured(relay, base("relay", relay.url, pairs)));
    im.push(await measured(server, base("im", server.url, pairs)));
    say(
      `closed loop ${round + 1}: ${im.at(-1)!.acceptedPerS}/s, p95 ${im.at(-1)!.latencyMs.p95} ms, ${im.at(-1)!.cpuUsPerMessage} µs of processor time a message; relay ${yardstick.at(-1)!.acceptedPerS}/s, ${yardstick.at(-1)!.cpuUsPerMessage} µs`,
    );
  }
  sent += im.reduce((sum, { acceptedAll }) => sum + acceptedAll, 0);
  const ratio = median(im.map((one, i) => one.acceptedPerS / yardstick[i]!.acceptedPerS));
  results["closed"] = {
    messagesPerS: median(im.map((one) => one.acceptedPerS)),
    relayPerS: median(yardstick.map((one) => one.acceptedPerS)),
    ratio: Number(ratio.toFixed(3)),
    im,
    relay: yardstick,
  };
  say(
    `closed loop, window ${options.window}, ${options.pairs} pairs: ${median(im.map((one) => one.acceptedPerS))}/s, ${ratio.toFixed(3)} of the relay`,
  );
}
if (wants("open")) {
  const rate = Number(options.rate);
  const open = await runLoad({ ...base("im", server.url, pairs), mode: "open", rate, durationMs: 10_000 });
  const relayOpen = await runLoad({ ...base("relay", relay.url, pairs), mode: "open", rate, durationMs: 5_000 });
  sent += open.acceptedAll;
  results["open"] = { rate, achieved: Number((open.accepted / open.offered).toFixed(4)), im: open, relay: relayOpen };
  say(
    `open loop at ${rate}/s: p50 ${open.latencyMs.p50}, p95 ${open.latencyMs.p95}, p99 ${open.latencyMs.p99} ms, achieved ${((100 * open.accepted) / open.offered).toFixed(1)} %; relay p95 ${relayOpen.latencyMs.p95} ms`,
  );
}
if (sent > 0) {
  const stored = readStored(dataDir);
  const all = [...im, ...("open" in results ? [(results["open"] as { im: LoadResult }).im] : [])];
  const sum = (key: "lost" | "duplicated" | "reordered" | "refused"): number => all.reduce((total, one) => total + one[key], 0);
  results["safety"] = {
    accepted: sent,
    inDatabase: stored.messages,
    holes: stored.holes,
    lost: sum("lost"),
    duplicated: sum("duplicated"),
    reordered: sum("reordered"),
    refused: sum("refused"),
  };
  say(
    `accepted ${sent}, in the database ${stored.messages}, holes ${stored.holes}, lost ${sum("lost")}, duplicated ${sum("duplicated")}, reordered ${sum("reordered")}`,
  );
}
if (wants("memory")) {
  await server.stop();
  server = await startServer(dataDir);
  const fresh = await startRelay();
  const perConnection = { im: await idleMemory(server, "im"), relay: await idleMemory(fresh, "relay") };
  await fresh.stop();
  results["memory"] = {
    ...perConnection,
    ratio: Number((perConnection.im / perConnection.relay).toFixed(2)),
    readyMs: Math.round(server.readyMs),
  };
  say(
    `idle connection: ${perConnection.im} bytes, relay ${perConnection.relay} bytes, ${(perConnection.im / perConnection.relay).toFixed(2)} times; ready after ${Math.round(server.readyMs)} ms`,
  );
}
await Promise.all([server.stop(), relay.stop()]);
if (options.save) save();

/** Growth of resident memory for each idle connection. */
async function idleMemory(target: Running, kind: "im" | "relay"): Promise<number> {
  const count = Number(options.connections);
  const clients: SocketClient[] = [];
  const connectSome = async (upTo: number): Promise<void> => {
    while (clients.length < upTo) {
      const chunk = Array.from({ length: Math.min(50, upTo - clients.length) }, (_, i) => {
        const { token, userId } =
          pairs[(clients.length + i) % pairs.length]!.people[Math.floor((clients.length + i) / pairs.length) % 2]!;
        return SocketClient.connect(target.url, { token: kind === "im" ? token : userId });
      });
      clients.push(...(await Promise.all(chunk)));
    }
  };
  await connectSome(200);
  const before = await settledMemory(target.pid);
  await connectSome(200 + count);
  const after = await settledMemory(target.pid);
  for (const client of clients) client.close();
  return Math.round((after - before) / count);
}

/** The lowest of some readings, so that garbage that waits to be collected counts little. */
async function settledMemory(pid: number): Promise<number> {
  let lowest = Infinity;
  for (let i = 0; i < 10; i++) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    lowest = Math.min(lowest, residentBytes(pid));
  }
  return lowest;
}

function save(): void {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  };
  const date = new Date().toISOString().slice(0, 10);
  mkdirSync(join(import.meta.dirname, "results"), { recursive: true });
  const file = join(import.meta.dirname, "results", `${date}-embedded.json`);
  writeFileSync(file, `${JSON.stringify({ date, commit, machine, options, ...results }, null, 2)}\n`);
  say(`written to bench/results/${date}-embedded.json`);
}
