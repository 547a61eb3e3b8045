import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { DomainEvent, EventStream, Subscription } from "../../../mixins/event-stream/port.ts";
import { waitFor } from "../../support/wait.ts";

/** One implementation, freshly opened and empty, with a back-off of a few milliseconds. */
export interface EventStreamHarness {
  readonly stream: EventStream;
  /** Opens the same data once more, as a node that starts again would, after `stream` is closed. */
  reopen(): Promise<EventStream>;
  cleanup(): Promise<void>;
}

/** Subjects and consumers of one test, so that tests on one server do not meet. */
export interface Names {
  readonly consumer: string;
  readonly subject: (last: string) => string;
}

/** Wraps the body of a test, which gets a stream of its own. */
export type Using = (
  work: (stream: EventStream, names: Names, harness: EventStreamHarness) => Promise<void>,
) => () => Promise<void>;

export function eventOf(subject: string, key = "k", payload: unknown = {}): DomainEvent {
  return { eventId: randomUUID(), subject, key, payload, at: 1_800_000_000_000, requestId: "r" };
}

/** A subscription that notes what it got. */
export function recorder(consumer: string, subjects: readonly string[], more: Partial<Subscription> = {}) {
  const events: DomainEvent[] = [];
  const subscription: Subscription = { consumer, subjects, handle: async (event) => void events.push(event), ...more };
  return { events, subscription, payloads: () => events.map(({ payload }) => payload) };
}

/** Longer than a stream takes to stop or to close when it waits for nobody. */
const HELD_WORK_MS = 150;

/** A subscription whose handler runs until some time after `release` is called. */
export function held(consumer: string, subjects: readonly string[]) {
  const started = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let isDone = false;
  const handle = async (): Promise<void> => {
    started.resolve();
    await gate.promise;
    await delay(HELD_WORK_MS); // what the handler does
    isDone = true;
  };
  const subscription: Subscription = { consumer, subjects, handle };
  return { subscription, started: started.promise, release: gate.resolve, isDone: () => isDone };
}

/** Publishes as an outbox does: again until the stream has it. */
export async function publishUntilTaken(stream: EventStream, event: DomainEvent): Promise<void> {
  await waitFor(
    async () =>
      stream.publish(event).then(
        () => true,
        () => false,
      ),
    `publishing ${event.eventId}`,
  );
}
