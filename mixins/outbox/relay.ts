import type { ServiceBroker } from "moleculer";
import { backoffMs, type Backoff } from "../../lib/backoff.ts";
import { coalesce } from "../../lib/coalesce.ts";
import { imError } from "../../lib/errors.ts";
import { within } from "../../lib/within.ts";
import type { EventStream } from "../event-stream/port.ts";
import type { HotLeases, Lease } from "../hot-store/port.ts";
import type { OutboxRow, OutboxRows } from "./outbox-rows.ts";

export interface RelayOptions {
  readonly rows: OutboxRows;
  readonly stream: Pick<EventStream, "publish">;
  readonly leases: HotLeases;
  /** Who holds the lease: unique among the running relays. */
  readonly holder: string;
  readonly logger: Pick<ServiceBroker["logger"], "debug" | "warn">;
  /** Looks for rows this often even when nobody says that there are some. Default 1 s. */
  readonly pollEveryMs?: number;
  readonly backoff?: Backoff;
  readonly now?: () => number;
}

const LEASE_NAME = "outbox-relay";
const LEASE_TTL_MS = 10_000;
const LEASE_RENEW_MS = 3_000;
/** While another relay has the lease it is asked for this often. */
const LEASE_ASK_MS = 1_000;
/** Rows read at once. */
const PAGE = 256;
/** Keys relayed at once, those that wait for their next try included. */
const MAX_KEYS = 64;
const BACKOFF: Backoff = { firstMs: 100, maxMs: 5_000 };
const PRUNE_EVERY_MS = 3_600_000;
const KEEP_RELAYED_MS = 7 * 86_400_000;
/** What is in flight when the relay closes may end within this time; else it comes again at the next start. */
const CLOSE_GRACE_MS = 1_000;

/**
 * Carries the outbox into the event stream: rows of one key one after the other, up to `MAX_KEYS` keys at once. A row counts
 * as relayed after `publish` resolved, so a crash brings it again. A key whose publish failed waits with back-off, its later
 * rows behind it. One relay works at a time, whoever has the lease; where two overlap (a lease that was lost, a process that was
 * frozen), both publish each key in its order under the same event ids, so that the stream still takes each event once and in
 * order.
 */
export class OutboxRelay {
  readonly #options: RelayOptions;
  /** Keys in work. */
  readonly #lanes = new Map<string, Promise<void>>();
  /** Keys whose publish failed, until their next try. */
  readonly #waiting = new Map<string, NodeJS.Timeout>();
  readonly #failures = new Map<string, number>();
  /** Positions of rows that are in the stream and not known to be marked. */
  readonly #published = new Set<number>();
  readonly #mark: (positions: readonly number[]) => Promise<void>;
  #idleWaiters: PromiseWithResolvers<void>[] = [];
  /** Times are of the monotonic clock. */
  #lease: { readonly lease: Lease; readonly renewAt: number; readonly endsAt: number } | null = null;
  #askAgainAt = 0;
  /** Nothing worked since this was told. */
  #told = false;
  #poll: NodeJS.Timeout | null = null;
  #filling: Promise<void> | null = null;
  #wanted = false;
  #isClosed = false;
  #pruneAt = 0;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#mark = coalesce((positions) => options.rows.markRelayed(positions, this.#now()));
  }

  /** Call once every consumer of this process has subscribed. */
  start(): void {
    if (this.#poll || this.#isClosed) return;
    this.#poll = setInterval(() => this.kick(), this.#options.pollEveryMs ?? 1_000).unref();
    this.kick();
  }

  /** Says that there may be rows to relay. */
  kick(): void {
    this.#wanted = true;
    if (!this.#poll || this.#filling || this.#isClosed) return;
    this.#filling = this.#fill().finally(() => {
      this.#filling = null;
      if (this.#wanted) this.kick();
    });
  }

  /**
   * Resolves once nothing that was committed before the call is unrelayed, nor what its consumers committed while they
   * handled it; rejects when the relay closes before that.
   */
  idle(): Promise<void> {
    const waiter = Promise.withResolvers<void>();
    if (this.#isClosed) waiter.reject(imError("UNAVAILABLE"));
    else this.#idleWaiters.push(waiter);
    this.kick();
    return waiter.promise;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#poll) clearInterval(this.#poll);
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    for (const waiter of this.#idleWaiters.splice(0)) waiter.reject(imError("UNAVAILABLE"));
    await within(CLOSE_GRACE_MS, Promise.all([this.#filling, ...this.#lanes.values()]));
    if (this.#lease) await this.#options.leases.release(this.#lease.lease, this.#options.holder).catch(() => undefined); // it ends by itself
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  /** Never rejects. */
  async #fill(): Promise<void> {
    this.#wanted = false;
    // Who asks from here on must not be answered from what is read below.
    const asked = this.#idleWaiters.splice(0);
    let isIdle = false;
    try {
      if (await this.#holdLease()) isIdle = await this.#relayPage();
      else isIdle = asked.length > 0 && (await this.#options.rows.lag()).count === 0;
      await this.#pruneSometimes();
      if (this.#failures.size === 0) this.#told = false;
    } catch (error) {
      this.#tell("The outbox could not be read:", error);
    }
    if (isIdle) for (const waiter of asked) waiter.resolve();
    else if (this.#isClosed) for (const waiter of asked) waiter.reject(imError("UNAVAILABLE"));
    else this.#idleWaiters.push(...asked);
  }

  /** Returns whether there is nothing to relay and nothing in work. */
  async #relayPage(): Promise<boolean> {
    const busy = [...this.#lanes.keys(), ...this.#waiting.keys()];
    if (busy.length >= MAX_KEYS) return false;
    const rows = await this.#options.rows.unrelayed(busy, PAGE);
    const byKey = [...Map.groupBy(rows, ({ event }) => event.key)].slice(0, MAX_KEYS - busy.length);
    for (const [key, ofKey] of byKey) this.#startLane(key, ofKey);
    if (rows.length === PAGE) this.#wanted = true;
    return rows.length === 0 && busy.length === 0;
  }

  #startLane(key: string, rows: readonly OutboxRow[]): void {
    const lane = this.#relayInOrder(key, rows).finally(() => {
      this.#lanes.delete(key);
      this.kick();
    });
    this.#lanes.set(key, lane);
  }

  /** Never rejects. */
  async #relayInOrder(key: string, rows: readonly OutboxRow[]): Promise<void> {
    const relayed: number[] = [];
    try {
      await this.#publishEach(rows, relayed);
      await this.#markPublished(relayed);
      this.#failures.delete(key);
    } catch (error) {
      this.#tell(`Events wait in the outbox (key ${key}):`, error);
      this.#tryLater(key);
      if (relayed.length > 0) await this.#markPublished(relayed).catch(() => undefined); // they are marked with the next ones
    }
  }

  async #publishEach(rows: readonly OutboxRow[], relayed: number[]): Promise<void> {
    for (const { position, event } of rows) {
      if (this.#isClosed || !this.#holdsLease()) return;
      // The stream recognises a repeated event for a while only, and marking may have failed for longer.
      if (!this.#published.has(position)) await this.#options.stream.publish(event);
      this.#published.add(position);
      relayed.push(position);
    }
  }

  async #markPublished(positions: readonly number[]): Promise<void> {
    await this.#mark(positions);
    for (const position of positions) this.#published.delete(position);
  }

  /** Once for an outage, however many keys it holds up. */
  #tell(problem: string, error: unknown): void {
    if (this.#told) this.#options.logger.debug(problem, error);
    else this.#options.logger.warn(problem, error);
    this.#told = true;
  }

  #tryLater(key: string): void {
    if (this.#isClosed) return;
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const retry = (): void => {
      this.#waiting.delete(key);
      this.kick();
    };
    this.#waiting.set(key, setTimeout(retry, backoffMs(failures, this.#options.backoff ?? BACKOFF)).unref());
  }

  #holdsLease(): boolean {
    return this.#lease !== null && performance.now() < this.#lease.endsAt;
  }

  async #holdLease(): Promise<boolean> {
    const askedAt = performance.now();
    if (this.#lease && askedAt < this.#lease.renewAt) return true;
    if (!this.#lease && askedAt < this.#askAgainAt) return false;
    const { leases, holder } = this.#options;
    const held = this.#lease;
    this.#lease = null;
    const isRenewed = held !== null && (await leases.renew(held.lease, holder, LEASE_TTL_MS));
    const lease = isRenewed ? held.lease : await leases.acquire(LEASE_NAME, holder, LEASE_TTL_MS);
    this.#lease = lease && { lease, renewAt: askedAt + LEASE_RENEW_MS, endsAt: askedAt + LEASE_TTL_MS };
    if (lease) return true;
    this.#askAgainAt = askedAt + LEASE_ASK_MS;
    this.#published.clear(); // somebody else marks them
    return false;
  }

  async #pruneSometimes(): Promise<void> {
    if (this.#now() < this.#pruneAt || !this.#holdsLease()) return;
    this.#pruneAt = this.#now() + PRUNE_EVERY_MS;
    await this.#options.rows.prune(this.#now() - KEEP_RELAYED_MS);
  }
}
