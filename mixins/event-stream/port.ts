/** A durable domain event, as it stands in the outbox. `subject` is `im.<entity>.<past tense>`. */
export interface DomainEvent<P = unknown> {
  /** Unique; consumers use it to recognise what they have already done. */
  readonly eventId: string;
  readonly subject: string;
  /** Events with one key reach each consumer in the order in which they were published. */
  readonly key: string;
  readonly payload: P;
  readonly at: number;
  readonly requestId: string | null;
}

export interface Subscription {
  /** Name of the durable consumer; nodes that use the same name share its events. */
  readonly consumer: string;
  /** Exact subjects, or with a trailing `.>` all below. */
  readonly subjects: readonly string[];
  /** Must be idempotent. Throwing brings the event again with back-off, at most `maxDeliver` times, then it is a dead letter. */
  handle(event: DomainEvent): Promise<void>;
  /** Default 10. */
  readonly maxDeliver?: number;
}

export interface DeadEvent {
  readonly consumer: string;
  readonly event: DomainEvent;
  readonly reason: string;
  readonly at: number;
}

/**
 * The event stream port (embedded: in process, fed from the outbox; cluster: NATS JetStream).
 *
 * Promises that every implementation keeps (`test/contract/event-stream.ts`):
 * - `publish` resolves once the event can no longer be lost: in JetStream when the stream has it, in process when every
 *   consumer that matches has handled or dead-lettered it (until then the outbox row stays and brings it again);
 * - each consumer gets each matching event at least once, in order of publication per key;
 * - a failing consumer holds up neither the others nor other keys;
 * - in JetStream a consumer that nobody runs misses what is older than seven days; in process nothing is kept but the outbox;
 * - publishing the same `eventId` again within two minutes, while it is in flight or done, does no harm.
 */
export interface EventStream {
  publish(event: DomainEvent): Promise<void>;
  subscribe(subscription: Subscription): Promise<{ stop(): Promise<void> }>;
  deadLetters(limit: number): Promise<DeadEvent[]>;
  /** Hands dead letters to their consumers again; returns how many. */
  redrive(limit: number): Promise<number>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
