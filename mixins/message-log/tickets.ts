import type { MessageRecord } from "../../contracts/records.ts";
import type { AppendOutcome } from "./port.ts";

export const appended: AppendOutcome = { ok: true };

export function failed(reason: string, retryable = true): AppendOutcome {
  return { ok: false, retryable, reason };
}

/** Appends of one call: answered together, when all of its records are decided or the deadline is over. */
export class Ticket {
  readonly answer: Promise<AppendOutcome[]>;
  readonly #outcomes: AppendOutcome[] = [];
  readonly #resolve: (outcomes: AppendOutcome[]) => void;
  readonly #deadline: NodeJS.Timeout;
  #open: number;

  constructor(size: number, timeoutMs: number, lateReason: string) {
    const { promise, resolve } = Promise.withResolvers<AppendOutcome[]>();
    this.answer = promise;
    this.#resolve = resolve;
    this.#open = size;
    this.#deadline = setTimeout(() => {
      for (let index = 0; index < size; index++) this.decide(index, failed(lateReason));
    }, timeoutMs);
  }

  isDecided(index: number): boolean {
    return this.#outcomes[index] !== undefined;
  }

  /** The first outcome of a record stands. */
  decide(index: number, outcome: AppendOutcome): void {
    if (this.#outcomes[index]) return;
    this.#outcomes[index] = outcome;
    if (--this.#open > 0) return;
    clearTimeout(this.#deadline);
    this.#resolve(this.#outcomes);
  }
}

/** A record on its way, with those who wait for it, each at a place of their answer. */
export class OnItsWay {
  readonly record: MessageRecord;
  readonly #waiters: { ticket: Ticket; index: number }[] = [];

  constructor(record: MessageRecord) {
    this.record = record;
  }

  awaitedBy(ticket: Ticket, index: number): void {
    this.#waiters.push({ ticket, index });
  }

  /** @returns whether everyone who waited had been answered before */
  decide(outcome: AppendOutcome): boolean {
    const isLate = this.#waiters.every(({ ticket, index }) => ticket.isDecided(index));
    for (const { ticket, index } of this.#waiters) ticket.decide(index, outcome);
    return isLate;
  }
}
