/**
 * Many connections that listen, a process of its own. Reads its order as JSON from the file of the first argument. Writes a line
 * `connected` when all are there, `done <number>` when each has got the message of that number, and at the end of its input what it
 * found as JSON. Messages say in their text which number they have, when they were sent (monotonic clock of the machine, ns) and
 * whether they count.
 */
import { readFileSync } from "node:fs";
import type { Person } from "./people.ts";
import { quantilesOf, type Quantiles } from "./quantiles.ts";
import { SocketClient } from "./socket-client.ts";

export interface CrowdOrder {
  readonly url: string;
  readonly target: "im" | "relay";
  readonly people: readonly Person[];
  /** Of the relay: where its messages go. */
  readonly room?: string;
}
export interface CrowdResult {
  /** Deliveries of messages that count. */
  readonly counted: number;
  readonly latencyMs: Quantiles | null;
  /** Connections that were lost. */
  readonly closed: number;
}

/** Text of a message, which `crowd.ts` reads; about so many bytes. */
export const textOf = (number: number, counts: boolean, bytes = 200): string =>
  `${number} ${process.hrtime.bigint()} ${counts ? 1 : 0} `.padEnd(bytes, "x");

const AT_ONCE = 25;
const MARK = '"text":"';

interface Listeners {
  readonly onFrame: (frame: string) => void;
  readonly onClose: () => void;
}

async function connectAll({ url, target, people, room }: CrowdOrder, listeners: Listeners): Promise<void> {
  const waiting = people.values();
  const connect = async (): Promise<void> => {
    for (const { token, userId } of waiting) {
      const auth = target === "im" ? { token } : { token: userId, ...(room !== undefined && { room }) };
      Object.assign(await SocketClient.connect(url, auth), listeners);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, connect));
}

async function listen(order: CrowdOrder): Promise<void> {
  const got = new Map<number, number>();
  const latencies: number[] = [];
  let closed = 0;
  const onFrame = (frame: string): void => {
    const at = frame.indexOf(MARK);
    if (at === -1 || !frame.startsWith('42["message:new"')) return;
    const [number, sentAt, counts] = frame.slice(at + MARK.length, at + MARK.length + 40).split(" ", 3) as [
      string,
      string,
      string,
    ];
    if (counts === "1") latencies.push((Number(process.hrtime.bigint()) - Number(sentAt)) / 1e6);
    const count = (got.get(Number(number)) ?? 0) + 1;
    got.set(Number(number), count);
    if (count < order.people.length) return;
    got.delete(Number(number));
    process.stdout.write(`done ${number}\n`);
  };
  await connectAll(order, { onFrame, onClose: () => void closed++ });
  process.stdout.write("connected\n");
  process.stdin.resume();
  process.stdin.once("end", () => {
    const result: CrowdResult = {
      counted: latencies.length,
      latencyMs: latencies.length > 0 ? quantilesOf(latencies) : null,
      closed,
    };
    process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
  });
}

if (import.meta.main) await listen(JSON.parse(readFileSync(process.argv[2]!, "utf8")) as CrowdOrder);
