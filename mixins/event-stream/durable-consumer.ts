import { backoffMs, type Backoff } from "../../lib/backoff.ts";
import { imError } from "../../lib/errors.ts";
import type { DomainEvent, Subscription } from "./port.ts";

const DEFAULT_MAX_DELIVER = 10;

export interface ConsumerOptions {
  /** Events handled at once, each of another key. A key that waits for its next try takes no place. */
  readonly concurrency: number;
  readonly backoff: Backoff;
  /** An event that came again within this time after it was done is not handled again. */
  readonly rememberMs: number;
  readonly now: () => number;
  /** Keeps the event that failed for the last time; when it rejects, so does `take`. */
  bury(consumer: string, event: DomainEvent, reason: string): Promise<void>;
  /** Whether this process may handle events of the consumer now; always unless given. */
  mayHandle?(): boolean;
}

export type Outcome = "handled" | "dead";

interface Entry {
  readonly event: DomainEvent;
  tries: number;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

/** The events of one key, in order; the first is the one in work or waiting for its next try. */
interface Lane {
  readonly key: string;
  readonly entries: Entry[];
  retry: NodeJS.Timeout | null;
}

/**
 * One durable consumer in this process: a queue for each key, the same order in each. A key whose event fails waits for that
 * event's next try; the other keys go on. The consumer outlives its subscriptions: without one it refuses events, so that
 * whoever publishes keeps them.
 */
export class DurableConsumer {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly #options: ConsumerOptions;
  readonly #members: Subscription[] = [];
  readonly #lanes = new Map<string, Lane>();
  readonly #ready = new Set<Lane>();
  readonly #working = new Set<Promise<void>>();
  readonly #inFlight = new Map<string, Promise<Outcome>>();
  /** When each event was done, oldest first. */
  readonly #done = new Map<string, number>();
  #turn = 0;

  constructor(name: string, subjects: readonly string[], options: ConsumerOptions) {
    this.name = name;
    this.subjects = subjects;
    this.#options = options;
  }

  get isAway(): boolean {
    return this.#members.length === 0 || this.#options.mayHandle?.() === false;
  }

  join(member: Subscription): void {
    this.#members.push(member);
  }

  /** Resolves when no handler that was running is running any more. What waited stays unhandled if nobody else is there. */
  async leave(member: Subscription): Promise<void> {
    const index = this.#members.indexOf(member);
    if (index >= 0) this.#members.splice(index, 1);
    if (this.isAway) this.giveBack();
    await Promise.all(this.#working);
  }

  /**
   * Resolves when the event was handled or is a dead letter; rejects, retryable, when it is neither.
   * @param again handles it even if it was done a moment ago
   */
  take(event: DomainEvent, again = false): Promise<Outcome> {
    const inFlight = this.#inFlight.get(event.eventId);
    if (inFlight) return inFlight;
    this.#forgetOld();
    if (!again && this.#done.has(event.eventId)) return Promise.resolve("handled");
    if (this.isAway) return Promise.reject(imError("UNAVAILABLE", { consumer: this.name }));
    const outcome = new Promise<Outcome>((resolve, reject) => this.#enqueue({ event, tries: 0, resolve, reject }));
    this.#inFlight.set(event.eventId, outcome);
    this.#pump();
    return outcome;
  }

  #enqueue(entry: Entry): void {
    const { key } = entry.event;
    let lane = this.#lanes.get(key);
    if (!lane) this.#lanes.set(key, (lane = { key, entries: [], retry: null }));
    if (lane.entries.push(entry) === 1) this.#ready.add(lane);
  }

  #pump(): void {
    for (const lane of this.#ready) {
      if (this.#working.size >= this.#options.concurrency) return;
      this.#ready.delete(lane);
      const work = this.#handleFirst(lane).then(() => {
        this.#working.delete(work);
        this.#pump();
      });
      this.#working.add(work);
    }
  }

  /** Never rejects. */
  async #handleFirst(lane: Lane): Promise<void> {
    const entry = lane.entries[0]!;
    if (this.isAway) return this.#refuse(lane, entry);
    const member = this.#members[this.#turn++ % this.#members.length]!;
    try {
      // A copy as it would come over a network, so that no consumer sees what another one changed.
      await member.handle(JSON.parse(JSON.stringify(entry.event)) as DomainEvent);
      this.#settle(lane, entry, () => entry.resolve("handled"), true);
    } catch (error) {
      await this.#failed(lane, entry, member.maxDeliver ?? DEFAULT_MAX_DELIVER, error);
    }
  }

  async #failed(lane: Lane, entry: Entry, maxDeliver: number, error: unknown): Promise<void> {
    entry.tries += 1;
    if (entry.tries < maxDeliver) return this.#tryLater(lane, entry);
    try {
      await this.#options.bury(this.name, entry.event, reasonOf(error));
      this.#settle(lane, entry, () => entry.resolve("dead"), true);
    } catch (buryError) {
      this.#settle(lane, entry, () => entry.reject(buryError), false);
    }
  }

  #tryLater(lane: Lane, entry: Entry): void {
    if (this.isAway) return this.#refuse(lane, entry);
    lane.retry = setTimeout(
      () => {
        lane.retry = null;
        this.#ready.add(lane);
        this.#pump();
      },
      backoffMs(entry.tries, this.#options.backoff),
    );
  }

  #settle(lane: Lane, entry: Entry, tell: () => void, isDone: boolean): void {
    this.#inFlight.delete(entry.event.eventId);
    if (isDone) this.#done.set(entry.event.eventId, this.#options.now());
    lane.entries.shift();
    if (lane.entries.length > 0) this.#ready.add(lane);
    else this.#lanes.delete(lane.key);
    tell();
  }

  #refuse(lane: Lane, entry: Entry): void {
    this.#settle(lane, entry, () => entry.reject(imError("UNAVAILABLE", { consumer: this.name })), false);
  }

  /** Gives back every event that is not in a handler now. */
  giveBack(): void {
    for (const lane of this.#lanes.values()) {
      const isRunning = lane.retry === null && !this.#ready.has(lane);
      if (lane.retry) clearTimeout(lane.retry);
      lane.retry = null;
      this.#ready.delete(lane);
      const waiting = lane.entries.splice(isRunning ? 1 : 0);
      if (!isRunning) this.#lanes.delete(lane.key);
      for (const entry of waiting) {
        this.#inFlight.delete(entry.event.eventId);
        entry.reject(imError("UNAVAILABLE", { consumer: this.name }));
      }
    }
  }

  #forgetOld(): void {
    const before = this.#options.now() - this.#options.rememberMs;
    for (const [eventId, at] of this.#done) {
      if (at > before) return;
      this.#done.delete(eventId);
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
