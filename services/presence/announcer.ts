import { chunksOf } from "../../lib/page.ts";

type Announce = (userIds: readonly string[]) => Promise<unknown>;

export interface AnnouncerDeps {
  /** Tells of those who came. */
  readonly arrivals: Announce;
  /** Tells of those who are gone, unless another node has. */
  readonly departures: Announce;
  /** From the beginning of one batch to that of the next. */
  readonly everyMs: number;
  onLost(userIds: readonly string[], error: unknown): void;
}
/** Users who are told of in one push. */
const TOLD_AT_ONCE = 500;

/**
 * Tells of users who come and go, one batch after the other, so that what is pushed last says what was read last. The first
 * goes at once; what comes then within `everyMs` goes together, each user once: thousands who come back are a few pushes.
 */
export class Announcer {
  readonly #deps: AnnouncerDeps;
  #came = new Set<string>();
  #went = new Set<string>();
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #isDraining = false;
  #nextAt = -Infinity;

  constructor(deps: AnnouncerDeps) {
    this.#deps = deps;
  }

  came(userId: string): void {
    this.#came.add(userId);
    this.#schedule();
  }

  went(userId: string): void {
    this.#went.add(userId);
    this.#schedule();
  }

  /**
   * Tells of all that waits, for a node that stops: of who came nobody else would tell, it is noted that this node does. From here on
   * nothing is gathered.
   */
  async drain(): Promise<void> {
    this.#isDraining = true;
    clearTimeout(this.#timer ?? undefined);
    this.#timer = null;
    this.#schedule();
    while (this.#running) await this.#running;
  }

  /** Forgets all that waits. Of who went other nodes tell. */
  close(): void {
    clearTimeout(this.#timer ?? undefined);
    this.#came.clear();
    this.#went.clear();
  }

  #schedule(): void {
    if (this.#running || this.#timer || this.#went.size + this.#came.size === 0) return;
    const waitMs = this.#isDraining ? 0 : this.#nextAt - performance.now();
    if (waitMs <= 0) return this.#begin();
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#begin();
    }, waitMs).unref();
  }

  #begin(): void {
    this.#running = this.#run().finally(() => {
      this.#running = null;
      this.#schedule();
    });
  }

  async #run(): Promise<void> {
    this.#nextAt = performance.now() + this.#deps.everyMs;
    const [went, came] = [[...this.#went], [...this.#came]];
    this.#went.clear();
    this.#came.clear();
    await this.#announce(this.#deps.departures, went);
    await this.#announce(this.#deps.arrivals, came);
  }

  async #announce(announce: Announce, userIds: readonly string[]): Promise<void> {
    for (const some of chunksOf(userIds, TOLD_AT_ONCE)) {
      try {
        await announce(some);
      } catch (error) {
        this.#deps.onLost(some, error);
      }
    }
  }
}
