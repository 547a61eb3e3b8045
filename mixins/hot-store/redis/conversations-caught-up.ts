import { randomUUID } from "node:crypto";
import { CAUGHT_UP_KEY } from "../../../config/redis-keys.ts";
import { imError } from "../../../lib/errors.ts";
import { within } from "../../../lib/within.ts";
import { luaScript, type RedisClient } from "./client.ts";

const REPLACE = luaScript("note-replace");
/** Whoever reads is told after this time that it takes longer. */
const WAIT_MS = 3_000;
const REPLACED = 1;

export interface CaughtUpDeps {
  readonly client: RedisClient;
  /** As in `CountersDeps`. */
  readonly drained: (timeoutMs: number) => Promise<boolean>;
}

/**
 * What a counter had announced as stable before it was lost may be in the log and not in SQL yet. Once SQL has all that was in the
 * log after the loss, a note in Redis says so; it is lost with whatever else Redis loses, and is of one run of the server, so as long
 * as it is there no counter was lost behind it.
 */
export class CaughtUp {
  readonly #deps: CaughtUpDeps;
  #running: Promise<void> | null = null;

  constructor(deps: CaughtUpDeps) {
    this.#deps = deps;
  }

  /** SQL knows no less than any counter that is missing now had announced. */
  async isNoted(run: string): Promise<boolean> {
    return (await this.#deps.client.attempt((redis) => redis.get(CAUGHT_UP_KEY))) === run;
  }

  /** Resolves when that is noted. @throws UNAVAILABLE when it takes longer than 3 s */
  async wait(run: string): Promise<void> {
    const noted = (this.#running ??= this.#note(run).finally(() => (this.#running = null)));
    if (!(await within(WAIT_MS, noted))) throw imError("UNAVAILABLE");
  }

  async #note(run: string): Promise<void> {
    const { client, drained } = this.#deps;
    const end = performance.now() + WAIT_MS;
    while (performance.now() < end) {
      const token = `since ${randomUUID()}`;
      await client.attempt((redis) => redis.set(CAUGHT_UP_KEY, token));
      if (!(await drained(end - performance.now()))) break;
      if ((await client.run(REPLACE, [CAUGHT_UP_KEY], [token, run])) === REPLACED) return;
      if (await this.isNoted(run)) return; // another node was as fast
    }
    throw imError("UNAVAILABLE");
  }
}
