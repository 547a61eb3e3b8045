import type { ServiceBroker } from "moleculer";
import { underLease } from "../hot-store/hold-lease.ts";
import type { HotLeases } from "../hot-store/port.ts";
import type { ChangeLog } from "./change-log.ts";

export interface TrimmingOptions {
  readonly changes: Pick<ChangeLog, "trim">;
  readonly leases: HotLeases;
  /** Who holds the lease: unique among the nodes. */
  readonly holder: string;
  readonly logger: Pick<ServiceBroker["logger"], "info" | "warn">;
  onTrimmed(count: number): void;
  /** Default 10 minutes. */
  readonly everyMs?: number;
  readonly now?: () => number;
}

const LEASE_NAME = "change-log";
/** Two runs that overlap do no harm. */
const LEASE_TTL_MS = 60_000;
const EVERY_MS = 600_000;

/** Keeps the change log within its bounds: at each interval one node of the cluster trims it. */
export class Trimming {
  readonly #options: TrimmingOptions;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<number> | null = null;

  constructor(options: TrimmingOptions) {
    this.#options = options;
  }

  start(): void {
    const run = (): void => {
      this.runOnce().catch((error: unknown) => {
        this.#options.logger.warn("The change log could not be trimmed; it will be tried again", error);
      });
    };
    this.#timer ??= setInterval(run, this.#options.everyMs ?? EVERY_MS).unref();
  }

  /** @returns how many entries went; 0 when another node is at it */
  runOnce(): Promise<number> {
    this.#running ??= this.#runLeased().finally(() => (this.#running = null));
    return this.#running;
  }

  async #runLeased(): Promise<number> {
    const { changes, leases, holder, logger, now = Date.now } = this.#options;
    const count = await underLease(leases, LEASE_NAME, { holder, ttlMs: LEASE_TTL_MS }, () => changes.trim(now()));
    if (!count) return 0;
    this.#options.onTrimmed(count);
    logger.info("Changes removed from the log", { count });
    return count;
  }

  async close(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    await this.#running?.catch(() => 0); // it was logged
  }
}
