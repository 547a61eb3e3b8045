/**
 * The load generator, a process of its own. Reads its order as JSON from the first argument and prints what it found as JSON.
 * Closed loop: each pair keeps `window` messages in flight. Open loop: each pair sends on a fixed schedule, and a delivery
 * counts from the moment at which it should have been sent.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Pair } from "./people.ts";
import { quantilesOf, type Quantiles } from "./quantiles.ts";
import { SocketClient } from "./socket-client.ts";

export interface LoadOrder {
  /** One, or one for the senders and one for the receivers. */
  readonly urls: readonly string[];
  readonly target: "im" | "relay";
  readonly pairs: readonly Pair[];
  readonly mode: "closed" | "open";
  readonly window: number;
  /** Open loop: messages a second over all pairs. */
  readonly rate: number;
  readonly warmUpMs: number;
  readonly durationMs: number;
  readonly textBytes: number;
}
export interface LoadResult {
  readonly offered: number;
  /** Acknowledged with code 0, in the measured time and over all. */
  readonly accepted: number;
  readonly acceptedAll: number;
  readonly delivered: number;
  readonly deliveredAll: number;
  /** Answered with another code, or not before the connection was lost. */
  readonly refused: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly lost: number;
  readonly durationS: number;
  readonly acceptedPerS: number;
  readonly latencyMs: Quantiles;
}

const order = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as LoadOrder;
const text = "x".repeat(order.textBytes);
const startedAtMs = Date.now().toString(16).padStart(12, "0");
const salt = randomBytes(6).toString("hex");

const seen = new Set<string>();
const latencies: number[] = [];
const counts = { offered: 0, accepted: 0, acceptedAll: 0, delivered: 0, refused: 0, duplicated: 0, reordered: 0 };
let measuring = false;
let stopped = false;
let inFlight = 0;

interface Link {
  readonly index: number;
  readonly pair: Pair;
  readonly sender: SocketClient;
  /** When each message should have been sent, by its number. */
  readonly due: number[];
  lastNumber: number;
}

async function connect(pair: Pair, index: number): Promise<Link> {
  const [sender, receiver] = await Promise.all(
    pair.people.map(({ token, userId }, i) =>
      SocketClient.connect(order.urls[i % order.urls.length]!, { token: order.target === "im" ? token : userId }),
    ),
  );
  const link: Link = { index, pair, sender: sender!, due: [], lastNumber: -1 };
  receiver!.onEvent = (event, payload) => {
    if (event === "message:new") receive(link, (payload as { clientMsgId: string }).clientMsgId);
  };
  return link;
}

function receive(link: Link, clientMsgId: string): void {
  if (seen.has(clientMsgId)) {
    counts.duplicated++;
    return;
  }
  seen.add(clientMsgId);
  const number = Number.parseInt(clientMsgId.slice(-6), 16);
  if (number < link.lastNumber) counts.reordered++;
  link.lastNumber = number;
  if (!measuring) return;
  counts.delivered++;
  latencies.push(performance.now() - link.due[number]!);
}

/** A UUIDv7, as clients make them, that ends in the number of the message. */
function idOf(pair: number, number: number): string {
  const time = `${startedAtMs.slice(0, 8)}-${startedAtMs.slice(8)}`;
  const tail = `${pair.toString(16).padStart(4, "0")}${salt.slice(4, 6)}${number.toString(16).padStart(6, "0")}`;
  return `${time}-7${salt.slice(0, 3)}-8${salt.slice(1, 4)}-${tail}`;
}

function send(link: Link, dueAt: number, done: () => void): void {
  const number = link.due.push(dueAt) - 1;
  const clientMsgId = idOf(link.index, number);
  const payload =
    order.target === "im"
      ? { conversationId: link.pair.conversationId, clientMsgId, type: "text", content: { text } }
      : { to: link.pair.people[1].userId, clientMsgId, type: "text", content: { text } };
  if (measuring) counts.offered++;
  inFlight++;
  link.sender.send("message:send", payload, (answer) => {
    inFlight--;
    if (answer?.code === 0) {
      counts.acceptedAll++;
      if (measuring) counts.accepted++;
    } else counts.refused++;
    if (answer !== null) done(); // on a lost connection nothing more can be sent
  });
}

function closedLoop(link: Link): void {
  const next = (): void => {
    if (!stopped) send(link, performance.now(), next);
  };
  for (let i = 0; i < order.window; i++) next();
}

/** One timer for all: each millisecond it sends what is due, so that the schedule does not depend on the answers. */
function openLoop(links: readonly Link[]): void {
  const start = performance.now();
  const gapMs = 1000 / order.rate;
  let sent = 0;
  const tick = (): void => {
    if (stopped) return;
    const due = Math.floor((performance.now() - start) / gapMs);
    while (sent < due) {
      send(links[sent % links.length]!, start + sent * gapMs, () => undefined);
      sent++;
    }
    setTimeout(tick, 1);
  };
  tick();
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function settle(): Promise<void> {
  const end = performance.now() + 10_000;
  while ((inFlight > 0 || seen.size < counts.acceptedAll) && performance.now() < end) await wait(20);
}

const links = await Promise.all(order.pairs.map(connect));
if (order.mode === "closed") links.forEach(closedLoop);
else openLoop(links);
await wait(order.warmUpMs);
measuring = true;
const startedAt = performance.now();
await wait(order.durationMs);
measuring = false;
const durationS = (performance.now() - startedAt) / 1000;
stopped = true;
await settle();

const result: LoadResult = {
  ...counts,
  deliveredAll: seen.size,
  lost: counts.acceptedAll - seen.size,
  durationS,
  acceptedPerS: Math.round(counts.accepted / durationS),
  latencyMs: quantilesOf(latencies),
};
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
