import { setTimeout as delay } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import { reasonOf } from "../nats/connection.ts";
import type { DurableConsumer } from "./durable-consumer.ts";
import type { StreamLease } from "./jetstream-lease.ts";
import type { JetStreamReader } from "./jetstream-reader.ts";

/** Who waits for its turn asks this often. */
const ASK_EVERY_MS = 1_000;
const RENEW_EVERY_MS = 3_000;

export interface TurnOptions {
  readonly work: DurableConsumer;
  readonly lease: StreamLease;
  readonly logger: Pick<ServiceBroker["logger"], "warn" | "info" | "debug">;
  /** Whether NATS can be asked at all; nothing is tried while it cannot. */
  readonly isReachable: () => boolean;
  /** Begins to read where the last reader of the consumer stood. */
  readonly read: () => Promise<JetStreamReader>;
  /** Called while this node has its turn; returns what ends that. */
  readonly onTurn: () => () => void;
  /** Makes what reading needs, should it be missing. */
  readonly repair: () => Promise<void>;
}

/**
 * The turns of this node at one durable consumer: of all nodes that have it, one reads, whoever holds the lease, and the
 * others stand by. So the events of a key are in one process at a time, in their order, and a key that fails holds up no other.
 */
export class ConsumerTurns {
  readonly #options: TurnOptions;
  readonly #stopping = new AbortController();
  readonly #asked = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  #reader: JetStreamReader | null = null;
  #told = "";

  constructor(options: TurnOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Resolves when it is this node's turn, or known not to be. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  /** Reads no further. */
  end(): void {
    this.#stopping.abort();
    this.#reader?.end();
  }

  /** Resolves when what was in work is done and another node may have its turn. */
  async close(): Promise<void> {
    this.end();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { lease, isReachable } = this.#options;
    while (!this.#stopping.signal.aborted) {
      if (isReachable()) await this.#ask();
      this.#asked.resolve();
      await this.#pause(ASK_EVERY_MS * (0.75 + Math.random() / 2));
    }
    this.#asked.resolve();
    if (isReachable()) await lease.release();
  }

  /** Never rejects. */
  async #ask(): Promise<void> {
    const { lease, repair, isReachable } = this.#options;
    try {
      if (await lease.hold()) await this.#take();
      this.#tell("");
    } catch (error) {
      this.#asked.resolve();
      if (!isReachable()) return;
      this.#tell(reasonOf(error));
      await repair().catch(() => undefined); // told already
    }
  }

  /** Returns when the turn is over. */
  async #take(): Promise<void> {
    const { work, lease, onTurn } = this.#options;
    const endTurn = onTurn();
    const renewing = this.#renew();
    try {
      while (lease.isHeld && !this.#stopping.signal.aborted) await this.#readOn();
    } finally {
      endTurn();
      if (!this.#stopping.signal.aborted) work.giveBack();
      await renewing.stop();
    }
  }

  async #readOn(): Promise<void> {
    const reader = (this.#reader = await this.#options.read());
    this.#tell("");
    this.#asked.resolve();
    if (this.#stopping.signal.aborted) reader.end();
    await reader.ended;
    this.#reader = null;
    if (this.#stopping.signal.aborted) await reader.close();
  }

  /** Holds the lease for longer from time to time; when it is lost, the reader ends. */
  #renew(): { stop(): Promise<void> } {
    const { lease } = this.#options;
    const ending = new AbortController();
    const renew = async (): Promise<void> => {
      for (;;) {
        await delay(RENEW_EVERY_MS, undefined, { signal: ending.signal }).catch(() => undefined);
        if (ending.signal.aborted) return;
        await lease.hold().catch(() => undefined); // it may still be held
        if (!lease.isHeld) this.#reader?.end();
      }
    };
    const renewing = renew();
    return {
      stop() {
        ending.abort();
        return renewing;
      },
    };
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  #tell(problem: string): void {
    const { logger, work } = this.#options;
    if (problem === this.#told) return;
    if (problem === "") logger.info(`Consumer "${work.name}" is in touch again`);
    else logger.warn(`Consumer "${work.name}" does not get its events: ${problem}`);
    this.#told = problem;
  }
}
