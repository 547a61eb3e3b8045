import type { ServiceBroker } from "moleculer";
import type { Backoff } from "../../lib/backoff.ts";
import { imError } from "../../lib/errors.ts";
import type { DeadEventStore } from "./dead-events.ts";
import { DurableConsumer, type ConsumerOptions } from "./durable-consumer.ts";
import type { DeadEvent, DomainEvent, EventStream, Subscription } from "./port.ts";
import { assertSameSubjects, matchesSubject } from "./subjects.ts";

export interface InProcessOptions {
  readonly deadEvents: DeadEventStore;
  readonly logger: Pick<ServiceBroker["logger"], "warn" | "error">;
  /** Events that one consumer handles at once. Default 16. */
  readonly concurrency?: number;
  /** Default 50 ms up to 2 s: the default ten tries take about 10 s. */
  readonly backoff?: Backoff;
  readonly now?: () => number;
}

const REMEMBER_MS = 120_000;
const BACKOFF: Backoff = { firstMs: 50, maxMs: 2_000 };

/**
 * The event stream inside one process. It keeps nothing but dead letters: what was published and is not handled yet is
 * still in the outbox. So an event for a consumer that has subscribed before and is away now is refused, retryable.
 */
export class InProcessEventStream implements EventStream {
  readonly #options: InProcessOptions;
  readonly #consumers = new Map<string, DurableConsumer>();
  readonly #redriving = new Set<Promise<void>>();
  readonly #subscriptions = new Set<() => Promise<void>>();
  #isClosed = false;

  constructor(options: InProcessOptions) {
    this.#options = options;
  }

  async publish(event: DomainEvent): Promise<void> {
    this.#assertOpen();
    const consumers = [...this.#consumers.values()].filter(({ subjects }) => matchesSubject(subjects, event.subject));
    await Promise.all(consumers.map((consumer) => consumer.take(event)));
  }

  async subscribe(subscription: Subscription): Promise<{ stop(): Promise<void> }> {
    this.#assertOpen();
    const consumer = this.#consumerFor(subscription);
    consumer.join(subscription);
    const stop = async (): Promise<void> => {
      this.#subscriptions.delete(stop);
      await consumer.leave(subscription);
    };
    this.#subscriptions.add(stop);
    return { stop };
  }

  deadLetters(limit: number): Promise<DeadEvent[]> {
    return this.#options.deadEvents.list(limit);
  }

  /** A letter stays until its consumer has handled the event; one whose consumer is away is left where it is. */
  async redrive(limit: number): Promise<number> {
    this.#assertOpen();
    let count = 0;
    for (const dead of await this.deadLetters(limit)) {
      const consumer = this.#consumers.get(dead.consumer);
      if (!consumer || consumer.isAway) continue;
      count += 1;
      const work = this.#handAgain(consumer, dead.event).finally(() => this.#redriving.delete(work));
      this.#redriving.add(work);
    }
    return count;
  }

  async ping(): Promise<void> {
    this.#assertOpen();
  }

  /** Events that were not in a handler yet are given back to whoever published them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#subscriptions].map((stop) => stop()));
    await Promise.all(this.#redriving);
  }

  /** @throws when the consumer is known with other subjects: it would miss events that its other half gets */
  #consumerFor({ consumer: name, subjects }: Subscription): DurableConsumer {
    const known = this.#consumers.get(name);
    if (known) assertSameSubjects(known, subjects);
    const consumer = known ?? new DurableConsumer(name, subjects, this.#consumerOptions());
    this.#consumers.set(name, consumer);
    return consumer;
  }

  #consumerOptions(): ConsumerOptions {
    const { concurrency = 16, backoff = BACKOFF, now = Date.now, deadEvents, logger } = this.#options;
    return {
      concurrency,
      backoff,
      now,
      rememberMs: REMEMBER_MS,
      async bury(consumer, event, reason) {
        logger.error(`Consumer "${consumer}" gave up event ${event.eventId} (${event.subject}): ${reason}`);
        await deadEvents.put({ consumer, event, reason, at: now() });
      },
    };
  }

  /** Never rejects. */
  async #handAgain(consumer: DurableConsumer, event: DomainEvent): Promise<void> {
    try {
      if ((await consumer.take(event, true)) === "handled") await this.#options.deadEvents.remove(consumer.name, event.eventId);
    } catch (error) {
      this.#options.logger.warn(`Event ${event.eventId} stays a dead letter of "${consumer.name}":`, error);
    }
  }

  #assertOpen(): void {
    if (this.#isClosed) throw imError("UNAVAILABLE");
  }
}
