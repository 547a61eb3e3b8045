/**
 * All clients come back at once: `npm run bench:reconnect`, `npm run bench:reconnect -- --on cluster`. 2,000 people of one group are
 * online, in client processes of their own; every connection is cut at the same moment and made anew, and each client syncs. Meanwhile
 * somebody goes on sending, and must never be refused.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { fillPeople } from "./fill.ts";
import { makeGroup, type Person } from "./people.ts";
import { quantilesOf } from "./quantiles.ts";
import type { ReconnectOrder, ReconnectResult } from "./reconnect-clients.ts";
import { saveResults } from "./save.ts";
import { SocketClient } from "./socket-client.ts";
import { openTarget, TARGETS, type TargetName } from "./targets.ts";

const { values: options } = parseArgs({
  options: {
    on: { type: "string", default: "embedded" },
    clients: { type: "string", default: "2000" },
    processes: { type: "string", default: "2" },
    rate: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    save: { type: "boolean", default: true },
  },
  allowNegative: true,
});
const on = TARGETS.find((name) => name === options.on) as TargetName;
if (!on) throw new Error(`--on ${options.on}: must be one of ${TARGETS.join(", ")}`);
const [clients, processes, rate, rounds] = [options.clients, options.processes, options.rate, options.rounds].map(Number) as [
  number,
  number,
  number,
  number,
];

interface Herd {
  /** Cuts all connections; resolves when all clients are in sync again. */
  cut(): Promise<ReconnectResult>;
}

async function startHerd(order: ReconnectOrder): Promise<Herd> {
  const file = join(mkdtempSync(join(tmpdir(), "im-bench-")), "order.json");
  writeFileSync(file, JSON.stringify(order));
  const program = join(import.meta.dirname, "reconnect-clients.ts");
  const child = spawn(process.execPath, [program, file], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = once(child, "exit");
  if ((await lines.next()).value !== "ready") throw new Error("clients could not connect");
  return {
    async cut() {
      child.stdin.write("\n");
      const { value } = (await lines.next()) as { value: string };
      await exited;
      return JSON.parse(value) as ReconnectResult;
    },
  };
}

/** Sends at a rate until it is stopped. */
function keepSending(sender: SocketClient, conversationId: string) {
  const found = { sent: 0, refused: 0, latencies: [] as number[] };
  const run = Date.now();
  const timer = setInterval(() => {
    const startedAt = performance.now();
    const payload = { conversationId, clientMsgId: `r${run}-${found.sent++}`, type: "text", content: { text: "still here" } };
    sender.send("message:send", payload, (answer) => {
      if (answer?.code === 0) found.latencies.push(performance.now() - startedAt);
      else found.refused++;
    });
  }, 1_000 / rate);
  return {
    async stop() {
      clearInterval(timer);
      while (found.latencies.length + found.refused < found.sent) await new Promise((resolve) => setTimeout(resolve, 10));
      return found;
    },
  };
}

let people: readonly Person[] = [];
await using target = await openTarget(on, {
  fill: async (filling) => {
    people = await fillPeople(filling, clients + 1);
  },
});
const url = target.urls[0]!;
const { conversationId } = await makeGroup(url, people);
const sender = await SocketClient.connect(url, { token: people[0]!.token });
const share = Math.ceil(clients / processes);
const results = [];
for (let round = 0; round < rounds; round++) {
  const herds = await Promise.all(
    Array.from({ length: processes }, (_, i) =>
      startHerd({ url: target.urls.at(-1)!, people: people.slice(1 + i * share, 1 + (i + 1) * share) }),
    ),
  );
  const sending = keepSending(sender, conversationId);
  const found = await Promise.all(herds.map((herd) => herd.cut()));
  const { sent, refused, latencies } = await sending.stop();
  const inSyncMs = quantilesOf(found.flatMap((one) => one.inSyncMs));
  const sum = (key: "messages" | "retries"): number => found.reduce((total, one) => total + one[key], 0);
  results.push({ inSyncMs, retries: sum("retries"), messages: sum("messages"), sent, refused, answerMs: quantilesOf(latencies) });
  console.log(
    `${clients} clients cut at once, round ${round + 1}: half in sync after ${inSyncMs.p50} ms, all after ${inSyncMs.max} ms, ${sum("retries")} tries again; meanwhile ${sent} sent, ${refused} refused, answered p95 ${quantilesOf(latencies).p95} ms`,
  );
}
sender.close();
if (options.save) console.log(`written to ${saveResults(`reconnect-${on}`, { options, rounds: results })}`);
