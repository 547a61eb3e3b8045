/**
 * Large groups: `npm run bench:groups`, `npm run bench:groups -- --on cluster`. A group of 500 who are all online, as fast as their
 * clients take it, beside a bare Socket.IO relay that sends to a room of as many; a group of 5,000 of whom 2,000 are online, at a
 * steady rate. Clients are processes of their own.
 */
import { parseArgs } from "node:util";
import { gatherCrowd, type Crowd } from "./crowds.ts";
import { textOf } from "./crowd.ts";
import { fillPeople } from "./fill.ts";
import { makeGroup, type Person } from "./people.ts";
import { cpuMs, startRelay } from "./processes.ts";
import { median } from "./quantiles.ts";
import { saveResults } from "./save.ts";
import { SocketClient } from "./socket-client.ts";
import { openTarget, TARGETS, type TargetName } from "./targets.ts";

const { values: options } = parseArgs({
  options: {
    on: { type: "string", default: "embedded" },
    members: { type: "string", default: "5000" },
    online: { type: "string", default: "2000" },
    room: { type: "string", default: "500" },
    rate: { type: "string", default: "5" },
    window: { type: "string", default: "4" },
    seconds: { type: "string", default: "6" },
    rounds: { type: "string", default: "3" },
    processes: { type: "string", default: "2" },
    only: { type: "string" },
    save: { type: "boolean", default: true },
  },
  allowNegative: true,
});
const on = TARGETS.find((name) => name === options.on) as TargetName;
if (!on) throw new Error(`--on ${options.on}: must be one of ${TARGETS.join(", ")}`);
const [members, online, roomSize, rate, window, seconds, rounds, processes] = (
  ["members", "online", "room", "rate", "window", "seconds", "rounds", "processes"] as const
).map((name) => Number(options[name])) as [number, number, number, number, number, number, number, number];

const WARM_UP_MS = 1_500;
/** A relay's room, of the group of 500 and of the group of 5,000. */
const ROOMS = { broadcast: "r:small", steady: "r:large" } as const;

/** One that sends, and the crowd that hears it. */
interface Side {
  readonly sender: SocketClient;
  readonly crowd: Crowd;
  readonly pids: readonly number[];
  readonly payload: (number: number, counts: boolean) => Record<string, unknown>;
}
interface Broadcast {
  readonly deliveriesPerS: number;
  readonly cpuUsPerDelivery: number;
}

const say = (line: string): void => console.log(line);
const wants = (part: string): boolean => options.only === undefined || options.only.split(",").includes(part);
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
const cpuOf = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + cpuMs(pid), 0);
let numbers = 0;

/** Sends one and waits until the crowd has it. */
async function sendOne({ sender, crowd, payload }: Side, counts: boolean): Promise<void> {
  const number = ++numbers;
  const got = crowd.got(number);
  await Promise.all([sender.ask("message:send", payload(number, counts)), got]);
}

/** Keeps `window` messages on their way until the time is over. */
async function broadcast(side: Side): Promise<Broadcast> {
  let messages = 0;
  let isOver = false;
  const lane = async (): Promise<void> => {
    while (!isOver) {
      await sendOne(side, false);
      messages++;
    }
  };
  const lanes = Array.from({ length: window }, lane);
  await wait(WARM_UP_MS);
  const [before, cpuBefore, startedAt] = [messages, cpuOf(side.pids), performance.now()];
  await wait(seconds * 1_000);
  const deliveries = (messages - before) * side.crowd.size;
  const result = {
    deliveriesPerS: Math.round((deliveries * 1_000) / (performance.now() - startedAt)),
    cpuUsPerDelivery: Number((((cpuOf(side.pids) - cpuBefore) * 1_000) / deliveries).toFixed(2)),
  };
  isOver = true;
  await Promise.all(lanes);
  return result;
}

/** Sends at a rate, whatever has arrived by then. */
async function steady(side: Side): Promise<void> {
  const sent: Promise<void>[] = [];
  const count = Math.ceil((seconds * rounds * 1_000 + WARM_UP_MS) / (1_000 / rate));
  const startedAt = performance.now();
  for (let i = 0; i < count; i++) {
    await wait(startedAt + (i * 1_000) / rate - performance.now());
    sent.push(sendOne(side, (i * 1_000) / rate > WARM_UP_MS));
  }
  await Promise.all(sent);
}

let people: readonly Person[] = [];
await using target = await openTarget(on, {
  fill: async (filling) => {
    people = await fillPeople(filling, Math.max(members, roomSize + 1));
  },
});
await using relay = await startRelay();
const url = target.urls[0]!;
const imPids = [...target.pids, ...Object.values(target.servers)];

async function imSide(conversationId: string, listeners: readonly Person[]): Promise<Side> {
  return {
    sender: await SocketClient.connect(url, { token: people[0]!.token }),
    crowd: await gatherCrowd({ url: target.urls.at(-1)!, target: "im", people: listeners }, processes),
    pids: imPids,
    payload: (number, counts) => ({
      ...{ conversationId, clientMsgId: `${number}`, type: "text", content: { text: textOf(number, counts) } },
    }),
  };
}
async function relaySide(room: string, listeners: readonly Person[]): Promise<Side> {
  return {
    sender: await SocketClient.connect(relay.url, { token: people[0]!.userId }),
    crowd: await gatherCrowd({ url: relay.url, target: "relay", people: listeners, room }, processes),
    pids: [relay.pid],
    payload: (number, counts) => ({
      ...{ room, to: "", clientMsgId: `${number}`, type: "text", content: { text: textOf(number, counts) } },
    }),
  };
}
async function close({ sender, crowd }: Side) {
  const found = await crowd.end();
  sender.close();
  return found;
}

const results: Record<string, unknown> = {};
if (wants("broadcast")) {
  const { conversationId, slowestMs } = await makeGroup(url, people.slice(0, roomSize + 1));
  const listeners = people.slice(1, roomSize + 1);
  const [im, bare] = [await imSide(conversationId, listeners), await relaySide(ROOMS.broadcast, listeners)];
  const found: { im: Broadcast; relay: Broadcast }[] = [];
  for (let round = 0; round < rounds; round++) {
    const theirs = await broadcast(bare);
    const mine = await broadcast(im);
    found.push({ im: mine, relay: theirs });
    say(
      `group of ${roomSize} online, round ${round + 1}: ${mine.deliveriesPerS} deliveries/s, ${mine.cpuUsPerDelivery} µs of processor time each; relay ${theirs.deliveriesPerS}/s, ${theirs.cpuUsPerDelivery} µs`,
    );
  }
  await Promise.all([close(im), close(bare)]);
  const ratio = Number(median(found.map((one) => one.im.deliveriesPerS / one.relay.deliveriesPerS)).toFixed(3));
  results["broadcast"] = { ratio, slowestRequestMs: slowestMs, rounds: found };
  say(`group of ${roomSize} online: ${ratio} of the relay's broadcast`);
}
if (wants("steady")) {
  const { conversationId, slowestMs } = await makeGroup(url, people.slice(0, members));
  const listeners = people.slice(1, online);
  const latencies: Record<string, unknown> = {};
  for (const [name, side] of [
    ["relay", () => relaySide(ROOMS.steady, listeners)],
    ["im", () => imSide(conversationId, listeners)],
  ] as const) {
    const opened = await side();
    await steady(opened);
    const found = await close(opened);
    const p95 = Math.max(...found.map(({ latencyMs }) => latencyMs?.p95 ?? NaN));
    const p50 = Math.max(...found.map(({ latencyMs }) => latencyMs?.p50 ?? NaN));
    const deliveries = found.reduce((sum, { counted }) => sum + counted, 0);
    latencies[name] = { p50, p95, deliveries, lostConnections: found.reduce((sum, { closed }) => sum + closed, 0) };
    say(
      `${members} members, ${online} online, ${rate} messages/s (${name}): delivery p50 ${p50}, p95 ${p95} ms, ${deliveries} deliveries`,
    );
  }
  results["steady"] = { slowestRequestMs: slowestMs, ...latencies };
  say(`making the group of ${members}: slowest request ${slowestMs} ms`);
}
if (options.save) say(`written to ${saveResults(`groups-${on}`, { options, ...results })}`);
