import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { conversationKeys, messageKey, pendingKey } from "../../../config/redis-keys.ts";
import { imError } from "../../../lib/errors.ts";
import { within } from "../../../lib/within.ts";
import type { SeqBlock, SeqBlocks, SeqMark } from "../seq-blocks.ts";
import { luaScript, type RedisClient } from "./client.ts";
import type { ServerRuns } from "./conversations-run.ts";

const CLAIM = luaScript("conversation-claim");
const BEGIN = luaScript("conversation-begin");
const EXTEND = luaScript("conversation-extend");

/** Who waits for a counter is told after this time that it takes longer. */
export const COUNTER_WAIT_MS = 4_000;
/** The work on a counter is given up after this time; the next call begins anew. */
const COUNTER_TIMEOUT_MS = 60_000;
/** Longer than the writing of an epoch into SQL takes at most. */
const CLAIM_FOR_MS = 10_000;
const CLAIM_POLL_MS = 25;
/** Calls of this time share a look at the log. */
export const DRAIN_TOGETHER_MS = 5;
/** Whose conversation has no seq left is held up for so long at most, and so is who came in the same turn. */
const EXTEND_WAIT_MS = 500;
/** After SQL failed, blocks are not reserved ahead for so long. */
const PAUSE_MS = 250;

const [BUSY, CLAIMED] = [0, 1];

export interface CountersDeps {
  readonly client: RedisClient;
  readonly runs: ServerRuns;
  readonly blocks: SeqBlocks;
  /**
   * true once everything that was in the message log when this was called is in SQL; false when that is not known after
   * `timeoutMs`. Never rejects.
   */
  drained(timeoutMs: number): Promise<boolean>;
  /** How long whoever has no seq left is held up at most; `EXTEND_WAIT_MS` unless given. */
  readonly extendWaitMs?: number | undefined;
}

/** The counter of a conversation as it stands in Redis. */
export interface Counter extends SeqMark {
  readonly seq: number;
  readonly stable: number;
}

/**
 * Sees to it that conversations have seqs to give. One whose counter is lost goes on in a new epoch behind all that was reserved,
 * but first everything that was in the log must be in SQL: what was acknowledged is found there then, and what comes later finds its
 * seq taken by a void. Of several nodes that do this at once, one does it.
 */
export class SeqCounters {
  readonly #deps: CountersDeps;
  readonly #running = new Map<string, Promise<void>>();
  readonly #extending = new Map<string, Promise<void>>();
  readonly #abort = new AbortController();
  #drain: Promise<void> | null = null;
  #pauseUntil = 0;

  constructor(deps: CountersDeps) {
    this.#deps = deps;
  }

  /**
   * Resolves when the conversation can give seqs. @param headSeq the highest seq that SQL is known to have
   * @throws SEND_FAILED after `COUNTER_WAIT_MS`, while the work goes on; UNAVAILABLE
   */
  async ensure(conversationId: string, headSeq: number): Promise<void> {
    const isDone = await within(COUNTER_WAIT_MS, this.#once(conversationId, headSeq));
    if (!isDone) throw imError("SEND_FAILED", { retryable: true });
  }

  /** The same without waiting. */
  mend(conversationId: string): void {
    this.#once(conversationId, 0).catch(() => undefined); // whoever needs it begins anew
  }

  /** Reserves more seqs before they run out; nobody waits for it. */
  extendSoon(conversationId: string): void {
    if (performance.now() < this.#pauseUntil) return;
    this.#extendOnce(conversationId).catch(() => undefined); // it is tried again with the next message
  }

  /** Reserves more seqs for conversations that have none left. @returns those for which it did not take too long */
  async extendNow(conversationIds: Iterable<string>): Promise<ReadonlySet<string>> {
    const extended = new Set<string>();
    const extending = [...conversationIds].map((id) => this.#extendOnce(id).then(() => extended.add(id)));
    await within(this.#deps.extendWaitMs ?? EXTEND_WAIT_MS, Promise.allSettled(extending));
    return new Set(extended);
  }

  /** The counter, unless it is lost. */
  async read(conversationId: string): Promise<Counter | null> {
    const { client, runs } = this.#deps;
    const run = await runs.current();
    const key = conversationKeys(conversationId).counter;
    const fields = await client.attempt((redis) => redis.hmget(key, "run", "epoch", "seq", "top", "stable"));
    if (fields[0] === null || (fields[0] !== run && fields[0] !== (await runs.refresh()))) return null;
    const [epoch, seq, reserved, stable] = fields.slice(1).map(Number) as [number, number, number, number];
    return { epoch, seq, reserved, stable };
  }

  /** What runs ends, or is given up. */
  async close(): Promise<void> {
    this.#abort.abort();
    await Promise.allSettled([...this.#running.values(), ...this.#extending.values()]);
  }

  #once(conversationId: string, headSeq: number): Promise<void> {
    const running = this.#running.get(conversationId);
    if (running) return running;
    const begun = this.#begin(conversationId, headSeq).finally(() => this.#running.delete(conversationId));
    this.#running.set(conversationId, begun);
    return begun;
  }

  async #begin(conversationId: string, headSeq: number): Promise<void> {
    const end = performance.now() + COUNTER_TIMEOUT_MS;
    while (!this.#abort.signal.aborted && performance.now() < end) {
      const counter = await this.read(conversationId);
      if (counter && counter.seq < counter.reserved) return;
      if (counter) await this.#extend(conversationId, counter);
      else if (await this.#beginEpoch(conversationId, headSeq)) return;
    }
    throw imError("SEND_FAILED", { retryable: true });
  }

  /** @returns false when someone else is at it, or came first */
  async #beginEpoch(conversationId: string, headSeq: number): Promise<boolean> {
    const { client, blocks } = this.#deps;
    // Read before the log is looked at: who was faster has changed it.
    const seen = await blocks.find(conversationId);
    if (seen) await this.#drained();
    const keys = conversationKeys(conversationId);
    const token = randomUUID();
    const run = await this.#deps.runs.current();
    const claimed = await client.run(CLAIM, [keys.counter, keys.claim], [run, token, CLAIM_FOR_MS]);
    if (claimed === BUSY) await delay(CLAIM_POLL_MS, undefined, { signal: this.#abort.signal }).catch(() => undefined);
    if (claimed !== CLAIMED) return false;
    const block = seen ? await blocks.renew(conversationId, seen) : await blocks.first(conversationId, headSeq);
    if (block && (await this.#write(conversationId, token, block))) return true;
    await this.#giveBack(keys.claim, token);
    return false;
  }

  async #write(conversationId: string, token: string, { epoch, base, reserved }: SeqBlock): Promise<boolean> {
    const { tag, counter, ahead, waiting, claim } = conversationKeys(conversationId);
    const run = await this.#deps.runs.current();
    const keys = [counter, ahead, pendingKey(tag), waiting, claim, messageKey(tag, "")];
    const args = [token, run, epoch, base, reserved, lowOf(base, reserved), conversationId];
    return (await this.#deps.client.run(BEGIN, keys, args)) === 1;
  }

  async #giveBack(claim: string, token: string): Promise<void> {
    await this.#deps.client.attempt(async (redis) => {
      if ((await redis.get(claim)) === token) await redis.del(claim);
    });
  }

  #extendOnce(conversationId: string): Promise<void> {
    const running = this.#extending.get(conversationId);
    if (running) return running;
    const begun = this.#extendCounter(conversationId).finally(() => this.#extending.delete(conversationId));
    this.#extending.set(conversationId, begun);
    return begun;
  }

  async #extendCounter(conversationId: string): Promise<void> {
    try {
      const counter = await this.read(conversationId);
      if (counter) await this.#extend(conversationId, counter);
    } catch (error) {
      this.#pauseUntil = performance.now() + PAUSE_MS;
      throw error;
    }
  }

  async #extend(conversationId: string, counter: Counter): Promise<void> {
    const reserved = await this.#deps.blocks.extend(conversationId, counter);
    const key = conversationKeys(conversationId).counter;
    const more = reserved === null ? ["-", 0] : [reserved, lowOf(counter.reserved, reserved)];
    await this.#deps.client.run(EXTEND, [key], [counter.epoch, ...more]);
  }

  #drained(): Promise<void> {
    return (this.#drain ??= delay(DRAIN_TOGETHER_MS).then(async () => {
      this.#drain = null;
      if (!(await this.#deps.drained(COUNTER_TIMEOUT_MS))) throw imError("SEND_FAILED", { retryable: true });
    }));
  }
}

/** More are reserved when half of a block is used. */
const lowOf = (base: number, reserved: number): number => base + Math.floor((reserved - base) / 2);
