/**
 * Clients that lose their connections all at once, a process of its own. Reads its order as JSON from the file of the first argument.
 * Connects and syncs all, writes `ready`; at the first line of its input it cuts every connection, makes it anew at once and syncs,
 * and writes what it found as JSON.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Person } from "./people.ts";
import { SocketClient } from "./socket-client.ts";

export interface ReconnectOrder {
  readonly url: string;
  readonly people: readonly Person[];
}
export interface ReconnectResult {
  /** From the cut until each client had its connection and the last page of its sync, in ms. */
  readonly inSyncMs: readonly number[];
  /** Messages that came by sync. */
  readonly messages: number;
  /** Syncs and handshakes that had to be made again. */
  readonly retries: number;
}
interface Page {
  readonly version: string;
  readonly conversations: readonly { conversationId: string; maxSeq: number }[];
  readonly messages: Readonly<Record<string, { items: readonly unknown[] }>>;
  readonly nextCursor: string | null;
}

const AT_ONCE = 25;
const RETRY_MS = 200;
let retries = 0;
let messages = 0;

/** Does what docs/sync.md says: connect, then pull. */
class Client {
  readonly #url: string;
  readonly #token: string;
  #socket: SocketClient | null = null;
  #version: string | null = null;
  readonly #seqs: Record<string, number> = {};

  constructor(url: string, { token }: Person) {
    this.#url = url;
    this.#token = token;
  }

  cut(): void {
    this.#socket?.close();
  }

  /** Tries until it is there and in sync. */
  async catchUp(): Promise<void> {
    for (;;) {
      try {
        this.#socket = await SocketClient.connect(this.#url, { token: this.#token });
        return await this.#sync(this.#socket);
      } catch {
        retries++;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  async #sync(socket: SocketClient): Promise<void> {
    const asked = { conversations: this.#seqs, ...(this.#version !== null && { version: this.#version }) };
    let version: string | null = null;
    for (let cursor: string | null = null, isFirst = true; isFirst || cursor !== null; isFirst = false) {
      const page: Page = await ask<Page>(socket, "sync", { ...asked, ...(cursor !== null && { cursor }) });
      version ??= page.version;
      for (const { conversationId, maxSeq } of page.conversations) this.#seqs[conversationId] = maxSeq;
      for (const { items } of Object.values(page.messages)) messages += items.length;
      cursor = page.nextCursor;
    }
    this.#version = version;
  }
}

function ask<T>(socket: SocketClient, event: string, payload: unknown): Promise<T> {
  return new Promise((resolve, reject) =>
    socket.send(event, payload, (answer) => {
      const { code, data } = answer as { code: number; data: T };
      if (code === 0) resolve(data);
      else reject(new Error(JSON.stringify(answer)));
    }),
  );
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
