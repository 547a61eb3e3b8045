import { KNOWN_CLIENT_MSG_IDS } from "../../../config/limits.ts";
import { conversationKeys } from "../../../config/redis-keys.ts";
import type { SentKeysReader } from "../sent-keys.ts";
import { luaScript, type RedisClient } from "./client.ts";
import { encodeKnown } from "./conversations-codec.ts";

const ADD = luaScript("conversation-known");

/** How far a client's clock may be ahead when it makes a UUIDv7. */
const MAX_CLOCK_SKEW_MS = 3_600_000;
/** Senders whose ids are read from SQL at one time. */
const PARALLEL = 8;
/** Senders that wait for that; the others come again with their next message. */
const MAX_WAITING = 1_000;

/**
 * Completes what Redis knows of a sender's client message ids, so that SQL need not be asked for each message. Nobody waits for
 * it: until then SQL is asked.
 */
export class KnownKeys {
  readonly #client: RedisClient;
  readonly #read: SentKeysReader;
  readonly #waiting = new Map<string, () => Promise<void>>();
  readonly #running = new Map<string, Promise<void>>();
  #isClosed = false;

  constructor(client: RedisClient, read: SentKeysReader) {
    this.#client = client;
    this.#read = read;
  }

  /** @param born the seq since which the sender's ids are known */
  complete(conversationId: string, senderId: string, born: string): void {
    const key = `${conversationId} ${senderId}`;
    if (this.#running.has(key) || this.#waiting.size >= MAX_WAITING || this.#isClosed) return;
    this.#waiting.set(key, () => this.#add(conversationId, senderId, born));
    this.#next();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#waiting.clear();
    await Promise.all(this.#running.values());
  }

  #next(): void {
    for (const [key, work] of this.#waiting) {
      if (this.#running.size >= PARALLEL) return;
      this.#waiting.delete(key);
      const running = work()
        .catch(() => undefined) // SQL is asked for each message until it succeeds
        .finally(() => {
          this.#running.delete(key);
          this.#next();
        });
      this.#running.set(key, running);
    }
  }

  async #add(conversationId: string, senderId: string, born: string): Promise<void> {
    const { keys: sent, from, olderUntil } = await this.#read(conversationId, senderId, KNOWN_CLIENT_MSG_IDS);
    const keys = conversationKeys(conversationId);
    const until = from === 0 ? 0 : olderUntil + MAX_CLOCK_SKEW_MS;
    const entries = sent.flatMap((one) => [one.clientMsgId, encodeKnown(one)]);
    await this.#client.run(ADD, [keys.known(senderId)], [born, from, until, ...entries]);
  }
}
