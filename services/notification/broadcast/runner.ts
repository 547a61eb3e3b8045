import { setTimeout as delay } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import { underLease, type Term } from "../../../mixins/hot-store/hold-lease.ts";
import type { HotLeases } from "../../../mixins/hot-store/port.ts";
import type { NotificationDeps } from "../deps.ts";
import { findOpen, openBroadcastIds } from "./repository.ts";
import { sendPortion } from "./send-portion.ts";

export interface RunnerOptions {
  readonly deps: NotificationDeps;
  readonly leases: HotLeases;
  /** Who holds the lease: unique among the running nodes. */
  readonly holder: string;
  /** Whether messages or events wait, so that a broadcast has to wait too. */
  readonly isBehind: () => Promise<boolean>;
  readonly logger: Pick<ServiceBroker["logger"], "debug" | "warn">;
  /** Looks for open broadcasts this often. */
  readonly everyMs: number;
}

const LEASE_NAME = "broadcast";
const LEASE_TTL_MS = 10_000;
const BEHIND_PAUSE_MS = 500;
const MIN_PAUSE_MS = 10;

/**
 * Sends open broadcasts, the oldest first, on one node at a time. After each portion it rests for as long as that took, so that
 * it takes at most half of what one writer gets done, and while the pipeline is behind it waits. Should two nodes be at it (a
 * lease that was lost), each portion is still sent by one of them.
 */
export class BroadcastRunner {
  readonly #options: RunnerOptions;
  readonly #stopped = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | null = null;
  #wanted = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.kick(), options.everyMs).unref();
  }

  /** Says that there may be something to do. */
  kick(): void {
    this.#wanted = true;
    if (this.#running || this.#stopped.signal.aborted) return;
    this.#running = this.#run().finally(() => {
      this.#running = null;
      if (this.#wanted) this.kick();
    });
  }

  /** Resolves once the portion that is being sent has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped.abort();
    await this.#running;
  }

  /** Never rejects: what fails is tried again with the next look. */
  async #run(): Promise<void> {
    this.#wanted = false;
    const { deps, leases, holder, logger } = this.#options;
    try {
      const open = await openBroadcastIds(deps.sql);
      if (open.length === 0) return;
      await underLease(leases, LEASE_NAME, { holder, ttlMs: LEASE_TTL_MS }, async (term) => {
        for (const broadcastId of open) await this.#send(broadcastId, term);
      });
    } catch (error) {
      logger.debug("Broadcasts are gone on with later:", error);
    }
  }

  /** One that cannot go on now holds up no other. */
  async #send(broadcastId: string, term: Term): Promise<void> {
    const { deps, logger } = this.#options;
    try {
      let broadcast = await findOpen(deps.sql, broadcastId);
      while (broadcast && (await this.#mayGoOn(term))) {
        const began = performance.now();
        broadcast = await sendPortion(deps, broadcast);
        if (!broadcast) return;
        await this.#pause(Math.max(MIN_PAUSE_MS, performance.now() - began));
      }
    } catch (error) {
      const isStopping = this.#stopped.signal.aborted;
      logger[isStopping ? "debug" : "warn"](`Broadcast ${broadcastId} goes on later:`, error);
    }
  }

  /** Waits while the pipeline is behind; false when this node is not to go on. */
  async #mayGoOn(term: Term): Promise<boolean> {
    const { isBehind } = this.#options;
    for (;;) {
      if (this.#stopped.signal.aborted || !term.holds()) return false;
      if (!(await isBehind())) return true;
      await this.#pause(BEHIND_PAUSE_MS);
    }
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopped.signal, ref: false }).catch(() => undefined); // it stops
  }
}
