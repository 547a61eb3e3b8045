import type { ImSocket } from "./types.ts";

export interface MissedPushesDeps {
  sockets(): readonly ImSocket[];
  tell(socket: ImSocket): void;
  /** Time within which all are told. */
  readonly spreadMs: number;
}
const PORTIONS = 50;

/**
 * Tells the connections of a gateway that pushes to them were lost, each at a moment of its own, so that they do not sync all at
 * once. One that was told is told again when more was lost since; one that is still to be told hears of both.
 */
export class MissedPushes {
  readonly #deps: MissedPushesDeps;
  readonly #due = new Set<ImSocket>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(deps: MissedPushesDeps) {
    this.#deps = deps;
  }

  /** Something may have been lost up to now. */
  suspect(): void {
    const more = this.#deps.sockets().filter((socket) => !this.#due.has(socket));
    for (const socket of more) this.#due.add(socket);
    const portions = Map.groupBy(more, () => Math.ceil(Math.random() * PORTIONS));
    for (const [portion, sockets] of portions) this.#tellLater(sockets, (this.#deps.spreadMs * portion) / PORTIONS);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #tellLater(sockets: readonly ImSocket[], delayMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      for (const socket of sockets) {
        this.#due.delete(socket);
        this.#deps.tell(socket);
      }
    }, delayMs).unref();
    this.#timers.add(timer);
  }
}
