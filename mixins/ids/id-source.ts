import type { ServiceBroker } from "moleculer";
import { createIdGenerator, MAX_BORROWED_MS, MAX_WORKER_ID, type IdGenerator } from "../../lib/snowflake.ts";
import type { Database } from "../database/port.ts";
import type { HotLeases, Lease } from "../hot-store/port.ts";
import { IdMarks } from "./id-marks.ts";

/** Makes ids that nobody makes a second time: not another node, not this one after a crash or a clock that went back. */
export interface Ids {
  /** A 63-bit id in decimal. @throws UNAVAILABLE when no time is reserved, or the clock is far behind */
  next(): string;
}

export interface IdSourceOptions {
  readonly sql: Database;
  readonly leases: HotLeases;
  /** Unique for each start of each node. */
  readonly owner: string;
  readonly logger: Pick<ServiceBroker["logger"], "info" | "warn">;
  /** Called once when someone else has the worker id: no id is made any more, and the node had better stop. */
  onLost(error: Error): void;
  readonly now?: () => number;
  /** Default 3 s. */
  readonly renewEveryMs?: number;
}

const LEASE_TTL_MS = 10_000;
/** Time for which ids may be made without SQL's answering. */
const RESERVE_MS = 10_000;

/**
 * A worker id of this node's own, and time reserved for it. The lease keeps nodes from asking for the same worker id; that
 * ids never repeat rests on SQL alone: each claim starts beyond all that was reserved for the worker id before, and ends
 * the reservations of the one who had it.
 */
export class IdSource implements Ids {
  readonly #options: IdSourceOptions;
  readonly #marks: IdMarks;
  readonly #workerId: number;
  readonly #generator: IdGenerator;
  readonly #timer: NodeJS.Timeout;
  #lease: Lease;
  #untilMs: number;
  #renewing: Promise<void> | null = null;
  #isClosed = false;

  /** @throws when every worker id is taken, or was used in a time that the clock has not reached again */
  static async open(options: IdSourceOptions): Promise<IdSource> {
    const marks = new IdMarks(options.sql);
    const now = (options.now ?? Date.now)();
    for (const workerId of await candidates(marks, now)) {
      const lease = await options.leases.acquire(leaseName(workerId), options.owner, LEASE_TTL_MS);
      if (!lease) continue;
      const claim = await marks.claim(workerId, options.owner, now, RESERVE_MS);
      if (claim.floorMs <= now + MAX_BORROWED_MS) return new IdSource(options, marks, workerId, lease, claim);
      await options.leases.release(lease, options.owner);
    }
    throw new Error("No worker id is free: either all are taken, or the clock is behind the time up to which ids were made");
  }

  private constructor(
    options: IdSourceOptions,
    marks: IdMarks,
    workerId: number,
    lease: Lease,
    claim: { floorMs: number; untilMs: number },
  ) {
    this.#options = options;
    this.#marks = marks;
    this.#workerId = workerId;
    this.#lease = lease;
    this.#untilMs = claim.untilMs;
    this.#generator = createIdGenerator({ workerId, floorMs: claim.floorMs, ceilingMs: claim.untilMs, now: options.now });
    this.#timer = setInterval(() => void this.renew(), options.renewEveryMs ?? 3_000).unref();
    options.logger.info(`Ids are made with worker id ${workerId}`);
  }

  next(): string {
    return this.#generator.next();
  }

  /** Renews the lease and reserves more time. Never rejects: without an answer, ids end with the time that is reserved. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renew()
      .catch((error: unknown) => this.#options.logger.warn("The worker id could not be renewed:", error))
      .finally(() => (this.#renewing = null));
    return this.#renewing;
  }

  /** Gives the worker id back, with the time that was reserved and not used. */
  async close(): Promise<void> {
    const lastMs = this.#end();
    await this.#renewing;
    await this.#marks.giveBack(this.#workerId, this.#options.owner, lastMs);
    await this.#options.leases.release(this.#lease, this.#options.owner).catch(() => undefined); // it ends by itself
  }

  async #renew(): Promise<void> {
    if (this.#isClosed) return;
    const isHeld = (await this.#holdLease()) && (await this.#reserve());
    if (isHeld || this.#isClosed) return;
    this.#end();
    this.#options.onLost(new Error(`Another node has taken worker id ${this.#workerId}`));
  }

  /**
   * A hot store that forgot the lease gives it again, unless someone else was faster. One that is away takes nothing from anybody:
   * should another node have the worker id, SQL says so.
   */
  #holdLease(): Promise<boolean> {
    return this.#renewLease().catch(() => true);
  }

  async #renewLease(): Promise<boolean> {
    const { leases, owner } = this.#options;
    if (await leases.renew(this.#lease, owner, LEASE_TTL_MS)) return true;
    const again = await leases.acquire(leaseName(this.#workerId), owner, LEASE_TTL_MS);
    if (again) this.#lease = again;
    return again !== null;
  }

  async #reserve(): Promise<boolean> {
    const now = (this.#options.now ?? Date.now)();
    const untilMs = Math.max(now, this.#generator.lastMs()) + RESERVE_MS;
    if (untilMs <= this.#untilMs) return true;
    if (!(await this.#marks.extend(this.#workerId, this.#options.owner, untilMs))) return false;
    this.#untilMs = untilMs;
    if (!this.#isClosed) this.#generator.reserve(untilMs);
    return true;
  }

  /** No id after this. Returns the time of the last one. */
  #end(): number {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#generator.reserve(-Infinity);
    return this.#generator.lastMs();
  }
}

/** Worker ids to ask for: those free of the past first, then those whose past is within what a generator may borrow. */
async function candidates(marks: IdMarks, now: number): Promise<number[]> {
  const untilOf = await marks.all();
  return Array.from({ length: MAX_WORKER_ID + 1 }, (_, workerId) => ({
    workerId,
    aheadMs: Math.max(0, (untilOf.get(workerId) ?? 0) - now),
  }))
    .filter(({ aheadMs }) => aheadMs <= MAX_BORROWED_MS)
    .sort((a, b) => a.aheadMs - b.aheadMs || a.workerId - b.workerId)
    .map(({ workerId }) => workerId);
}

function leaseName(workerId: number): string {
  return `worker-id:${workerId}`;
}
