import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Pair } from "./people.ts";
import { makePairs } from "./people.ts";
import { residentBytes, startRelay, startServer, type Running } from "./processes.ts";
import { SocketClient } from "./socket-client.ts";

const FIRST_CONNECTIONS = 200;
const AT_ONCE = 50;
const READINGS = 10;
const READING_EVERY_MS = 300;

/** Growth of resident memory for each idle connection, of a fresh server and of a fresh relay, in bytes. */
export async function measureIdleMemory(
  { length }: readonly Pair[],
  connections: number,
): Promise<{ im: number; relay: number; ratio: number }> {
  const dir = mkdtempSync(join(tmpdir(), "im-bench-memory-"));
  const first = await startServer(dir);
  const pairs = await makePairs(first.url, length);
  await first.stop(); // what signing up left behind is not the connections'
  const server = await startServer(dir);
  const relay = await startRelay();
  const im = await growth(server, "im", pairs, connections);
  const bare = await growth(relay, "relay", pairs, connections);
  await Promise.all([server.stop(), relay.stop()]);
  rmSync(dir, { recursive: true, force: true });
  return { im, relay: bare, ratio: Number((im / bare).toFixed(2)) };
}

async function growth(target: Running, kind: "im" | "relay", pairs: readonly Pair[], count: number): Promise<number> {
  const clients: SocketClient[] = [];
  const connectOne = (i: number): Promise<SocketClient> => {
    const { token, userId } = pairs[i % pairs.length]!.people[Math.floor(i / pairs.length) % 2]!;
    return SocketClient.connect(target.url, { token: kind === "im" ? token : userId });
  };
  const connectUpTo = async (upTo: number): Promise<void> => {
    while (clients.length < upTo) {
      const chunk = Math.min(AT_ONCE, upTo - clients.length);
      clients.push(...(await Promise.all(Array.from({ length: chunk }, (_, i) => connectOne(clients.length + i)))));
    }
  };
  await connectUpTo(FIRST_CONNECTIONS);
  const before = await settledMemory(target.pid);
  await connectUpTo(FIRST_CONNECTIONS + count);
  const after = await settledMemory(target.pid);
  for (const client of clients) client.close();
  return Math.round((after - before) / count);
}

/** The lowest of some readings, so that garbage that waits to be collected counts little. */
export async function settledMemory(pid: number): Promise<number> {
  let lowest = Infinity;
  for (let i = 0; i < READINGS; i++) {
    await new Promise((resolve) => setTimeout(resolve, READING_EVERY_MS));
    lowest = Math.min(lowest, residentBytes(pid));
  }
  return lowest;
}
