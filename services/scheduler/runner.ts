import { underLease, type Term } from "../../mixins/hot-store/hold-lease.ts";
import type { HotLeases } from "../../mixins/hot-store/port.ts";

/** Something that is done at its time, a portion at once. */
export interface Job {
  hasDue(): Promise<boolean>;
  /** `isMore`: it is worth going on at once. */
  run(term: Term): Promise<{ done: number; isMore: boolean }>;
}
export interface RunnerOptions {
  readonly jobs: readonly Job[];
  readonly leases: HotLeases;
  /** Who holds the lease: unique among the nodes and their starts. */
  readonly holder: string;
  readonly everyMs: number;
  /** What fails is told once until the same succeeds. */
  readonly logger: { warn(...args: unknown[]): void; debug(...args: unknown[]): void };
  readonly leaseTtlMs?: number;
}

const LEASE_NAME = "scheduler";
/** So long the others wait for a runner that was killed at work. */
const LEASE_TTL_MS = 2_000;
/** Portions of one run; the next one goes on. */
const MAX_PORTIONS = 20;

/**
 * Looks at each interval for what is due. Every node looks, one at a time works: under a lease, whose token stands on what it
 * writes, so that one that was held up for long undoes nothing of its successor's.
 */
export class DueRunner {
  readonly counts = { runs: 0, done: 0, failed: 0 };
  readonly #options: RunnerOptions;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<number> | null = null;
  #isClosed = false;
  /** What failed last time, and was told. */
  readonly #failing = new Set<Job | "look" | "lease">();

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  start(): void {
    const tick = (): void => void this.runOnce().catch(() => 0); // it was told
    this.#timer ??= setInterval(tick, this.#options.everyMs).unref();
  }

  /** @returns how much came to its end; 0 when another node is at it. @throws what the first job that failed throws */
  runOnce(): Promise<number> {
    this.#running ??= this.#runIfDue().finally(() => (this.#running = null));
    return this.#running;
  }

  /** Waits for what is under way, and begins nothing more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer) clearInterval(this.#timer);
    await this.#running?.catch(() => 0); // it was told
  }

  async #runIfDue(): Promise<number> {
    const { jobs, leases, holder, leaseTtlMs: ttlMs = LEASE_TTL_MS } = this.#options;
    const look = () => Promise.all(jobs.map(async (job) => ((await job.hasDue()) ? [job] : [])));
    const due = (await this.#watch("look", look)).flat();
    if (due.length === 0 || this.#isClosed) return 0;
    const work = (term: Term) => this.#work(due, term);
    const outcomes = (await this.#watch("lease", () => underLease(leases, LEASE_NAME, { holder, ttlMs }, work))) ?? [];
    const failed = outcomes.find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
    return outcomes.reduce((sum, outcome) => sum + (outcome.status === "fulfilled" ? outcome.value : 0), 0);
  }

  /** Never rejects: a job that fails holds up no other. */
  async #work(jobs: readonly Job[], term: Term): Promise<PromiseSettledResult<number>[]> {
    const outcomes = await Promise.allSettled(jobs.map((job) => this.#watch(job, () => this.#workOn(job, term))));
    this.counts.runs++;
    return outcomes;
  }

  async #workOn(job: Job, term: Term): Promise<number> {
    let count = 0;
    for (let portion = 0; portion < MAX_PORTIONS && term.holds() && !this.#isClosed; portion++) {
      const { done, isMore } = await job.run(term);
      count += done;
      this.counts.done += done;
      if (!isMore) break;
    }
    return count;
  }

  /** Tells when it fails, unless it failed the last time too: looks that find nothing say nothing about work that fails. */
  async #watch<T>(what: Job | "look" | "lease", work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.#failing.delete(what);
      return result;
    } catch (error) {
      this.counts.failed++;
      const level = this.#failing.has(what) ? "debug" : "warn";
      this.#options.logger[level]("What is due could not be done; it will be tried again", error);
      this.#failing.add(what);
      throw error;
    }
  }
}
