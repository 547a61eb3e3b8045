/**
 * Clients that lose their connections all at once, a process of its own. Reads its order as JSON from the file of the first argument.
 * Connects and syncs all, writes `ready`; at the first line of its input it cuts every connection, makes it anew at once and syncs,
 * and writes what it found as JSON.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Person } from "./people.ts";
import { SocketClient } from "./socket-client.ts";
import { SyncDevice } from "./sync-device.ts";

export interface ReconnectOrder {
  readonly url: string;
  readonly people: readonly Person[];
}
export interface ReconnectResult {
  /** From the cut until each client had its connection and all that was behind its marks, in ms. */
  readonly inSyncMs: readonly number[];
  /** Messages that came by syncs that were not broken off. */
  readonly messages: number;
  /** Syncs and handshakes that had to be made again. */
  readonly retries: number;
}
const AT_ONCE = 25;
const RETRY_MS = 200;
let retries = 0;
let messages = 0;

/** Connects, then pulls. */
class Client {
  readonly #url: string;
  readonly #token: string;
  readonly #device = new SyncDevice();
  #socket: SocketClient | null = null;

  constructor(url: string, { token }: Person) {
    this.#url = url;
    this.#token = token;
  }

  cut(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  /** Tries until it is there and nothing more is behind its marks. */
  async catchUp(): Promise<void> {
    for (;;) {
      try {
        const socket = await SocketClient.connect(this.#url, { token: this.#token });
        this.#socket = socket;
        messages += (await this.#device.catchUp((body) => socket.ask("sync", body))).messages;
        return;
      } catch {
        this.cut(); // one that is in, but not in sync, would count twice on the gateway
        retries++;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }
}

async function run({ url, people }: ReconnectOrder): Promise<void> {
  const clients = people.map((person) => new Client(url, person));
  const waiting = clients.values();
  const catchUpInTurn = async (): Promise<void> => {
    for (const client of waiting) await client.catchUp();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, catchUpInTurn));
  process.stdout.write("ready\n");
  for await (const _line of createInterface({ input: process.stdin })) break;
  [retries, messages] = [0, 0];
  for (const client of clients) client.cut();
  const startedAt = performance.now();
  const inSyncMs = await Promise.all(
    clients.map(async (client) => {
      await client.catchUp();
      return Math.round(performance.now() - startedAt);
    }),
  );
  const result: ReconnectResult = { inSyncMs, messages, retries };
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
}

await run(JSON.parse(readFileSync(process.argv[2]!, "utf8")) as ReconnectOrder);
