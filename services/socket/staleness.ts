/** A gateway this late was not running, and the others may have taken it for gone. */
const LATE_MS = 4_000;
/** Until the others certainly call a gateway again that was away. */
const SEEN_AGAIN_MS = 5_000;

/**
 * When a gateway may have missed changes of rooms: it was cut off from the bus, or did not run (frozen, suspended), so that it
 * was not among those that were told. What it missed is read once at once and once more when the others surely see it again.
 */
export class Staleness {
  readonly #everyMs: number;
  #lastTick: number | null = null;
  #due: number[] = [];

  /** @param everyMs time between two calls of `tick` */
  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  tick(now: number): void {
    if (this.#lastTick !== null && now - this.#lastTick > this.#everyMs + LATE_MS) this.suspect(now);
    this.#lastTick = now;
  }

  /** Something may have been missed up to now. */
  suspect(now: number): void {
    this.#due = [now, now + SEEN_AGAIN_MS];
  }

  /** True when rooms are to be read again now; asking settles it. */
  isDue(now: number): boolean {
    const isDue = this.#due.some((at) => at <= now);
    this.#due = this.#due.filter((at) => at > now);
    return isDue;
  }
}
