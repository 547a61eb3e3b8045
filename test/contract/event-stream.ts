import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import type { DomainEvent, EventStream, Subscription } from "../../mixins/event-stream/port.ts";
import { waitFor } from "../support/wait.ts";

/** One implementation, freshly opened and empty, with a back-off of a few milliseconds. */
export interface EventStreamHarness {
  readonly stream: EventStream;
  /** Opens the same data once more, as a node that starts again would, after `stream` is closed. */
  reopen(): Promise<EventStream>;
  cleanup(): Promise<void>;
}

/** Subjects and consumers of one test, so that tests on one server do not meet. */
interface Names {
  readonly consumer: string;
  readonly subject: (last: string) => string;
}

type Work = (stream: EventStream, names: Names, harness: EventStreamHarness) => Promise<void>;

const namesOf = (): Names => {
  const id = randomUUID().replaceAll("-", "");
  return { consumer: `c${id}`, subject: (last) => `im.t${id}.${last}` };
};

function eventOf(subject: string, key = "k", payload: unknown = {}): DomainEvent {
  return { eventId: randomUUID(), subject, key, payload, at: 1_800_000_000_000, requestId: "r" };
}

/** A subscription that notes what it got. */
function recorder(consumer: string, subjects: readonly string[], more: Partial<Subscription> = {}) {
  const events: DomainEvent[] = [];
  const subscription: Subscription = { consumer, subjects, handle: async (event) => void events.push(event), ...more };
  return { events, subscription, payloads: () => events.map(({ payload }) => payload) };
}

/** Publishes as an outbox does: again until the stream has it. */
async function publishUntilTaken(stream: EventStream, event: DomainEvent): Promise<void> {
  await waitFor(
    async () =>
      stream.publish(event).then(
        () => true,
        () => false,
      ),
    `publishing ${event.eventId}`,
  );
}

/** Every promise of `mixins/event-stream/port.ts`, for one implementation. */
export function eventStreamContract(name: string, open: () => Promise<EventStreamHarness>): void {
  const using = (work: Work) => async () => {
    const harness = await open();
    try {
      await work(harness.stream, namesOf(), harness);
    } finally {
      await harness.stream.close();
      await harness.cleanup();
    }
  };

  describe(`event stream on ${name}: delivery`, () => {
    it(
      "hands every consumer each matching event as it was published",
      using(async (stream, { consumer, subject }) => {
        const first = recorder(`${consumer}a`, [subject("x")]);
        const second = recorder(`${consumer}b`, [subject("x"), subject("y")]);
        await stream.subscribe(first.subscription);
        await stream.subscribe(second.subscription);
        const event = eventOf(subject("x"), "k", { text: "\u{1f600}", list: [1, null] });
        await stream.publish(event);
        await stream.publish(eventOf(subject("y")));
        await waitFor(() => second.events.length === 2);
        assert.deepEqual(first.events, [event]);
        assert.deepEqual(second.events[0], event);
      }),
    );

    it(
      "matches an exact subject only, and everything below one that ends in .>",
      using(async (stream, { consumer, subject }) => {
        const exact = recorder(`${consumer}a`, [subject("group")]);
        const below = recorder(`${consumer}b`, [subject("group.>")]);
        await stream.subscribe(exact.subscription);
        await stream.subscribe(below.subscription);
        for (const last of ["group", "group.a", "group.a.b", "groups", "other"])
          await stream.publish(eventOf(subject(last), "k", last));
        await waitFor(() => exact.events.length >= 1 && below.events.length >= 2);
        assert.deepEqual(exact.payloads(), ["group"]);
        assert.deepEqual(below.payloads(), ["group.a", "group.a.b"]);
      }),
    );

    it(
      "takes an event that nobody wants",
      using(async (stream, { subject }) => {
        await stream.publish(eventOf(subject("nobody")));
      }),
    );

    it(
      "keeps the order of a key for each consumer, while one event fails",
      using(async (stream, { consumer, subject }) => {
        let failures = 2;
        const handled: unknown[] = [];
        const handle = async ({ payload }: DomainEvent): Promise<void> => {
          if (payload === 1 && failures-- > 0) throw new Error("not yet");
          handled.push(payload);
        };
        await stream.subscribe({ consumer, subjects: [subject("x")], handle });
        const numbers = Array.from({ length: 20 }, (_, index) => index);
        await Promise.all(numbers.map((n) => stream.publish(eventOf(subject("x"), "k", n))));
        await waitFor(() => handled.length >= 20);
        assert.deepEqual(handled, numbers);
      }),
    );

    it(
      "lets other keys and other consumers pass one that fails",
      using(async (stream, { consumer, subject }) => {
        const stuck = Promise.withResolvers<void>();
        const healthy = recorder(`${consumer}b`, [subject("x")]);
        const seen: string[] = [];
        const handle = async ({ key }: DomainEvent): Promise<void> => {
          if (key === "bad") await stuck.promise;
          seen.push(key);
        };
        await stream.subscribe({ consumer: `${consumer}a`, subjects: [subject("x")], handle });
        await stream.subscribe(healthy.subscription);
        const published = Promise.all(["bad", "good", "bad", "fine"].map((key) => stream.publish(eventOf(subject("x"), key))));
        await waitFor(() => healthy.events.length === 4 && seen.length === 2);
        assert.deepEqual(seen.toSorted(), ["fine", "good"]);
        stuck.resolve();
        await published;
        await waitFor(() => seen.length === 4);
      }),
    );

    it(
      "shares the events between subscriptions of one consumer name",
      using(async (stream, { consumer, subject }) => {
        const one = recorder(consumer, [subject("x")]);
        const two = recorder(consumer, [subject("x")]);
        await stream.subscribe(one.subscription);
        await stream.subscribe(two.subscription);
        for (let n = 0; n < 20; n++) await stream.publish(eventOf(subject("x"), `k${n}`, n));
        const all = () => [...one.payloads(), ...two.payloads()] as number[];
        await waitFor(() => all().length >= 20);
        assert.deepEqual(
          all().sort((a, b) => a - b),
          Array.from({ length: 20 }, (_, n) => n),
        );
      }),
    );

    it(
      "keeps one consumer's changes to an event from the others",
      using(async (stream, { consumer, subject }) => {
        const spoil = async (event: DomainEvent): Promise<void> => void ((event.payload as { n: number }).n = 2);
        await stream.subscribe({ consumer: `${consumer}a`, subjects: [subject("x")], handle: spoil });
        const other = recorder(`${consumer}b`, [subject("x")]);
        await stream.subscribe(other.subscription);
        await stream.publish(eventOf(subject("x"), "k", { n: 1 }));
        await waitFor(() => other.events.length === 1);
        assert.deepEqual(other.payloads(), [{ n: 1 }]);
      }),
    );
  });

  describe(`event stream on ${name}: repetition`, () => {
    it(
      "takes the same eventId again, in flight and done, without handing it out twice",
      using(async (stream, { consumer, subject }) => {
        const gate = Promise.withResolvers<void>();
        let count = 0;
        const handle = async (): Promise<void> => {
          count += 1;
          await gate.promise;
        };
        await stream.subscribe({ consumer, subjects: [subject("x")], handle });
        const event = eventOf(subject("x"));
        const inFlight = [stream.publish(event), stream.publish(event)];
        await waitFor(() => count > 0);
        gate.resolve();
        await Promise.all(inFlight);
        await stream.publish(event);
        await stream.publish(eventOf(subject("x")));
        await waitFor(() => count === 2);
      }),
    );

    it(
      "brings a failing event again until it is handled",
      using(async (stream, { consumer, subject }) => {
        let tries = 0;
        const handle = async (): Promise<void> => {
          if (++tries < 4) throw new Error("again");
        };
        await stream.subscribe({ consumer, subjects: [subject("x")], handle });
        await stream.publish(eventOf(subject("x")));
        await waitFor(() => tries === 4);
        assert.deepEqual(await stream.deadLetters(10), []);
      }),
    );

    it(
      "keeps events for a consumer that is away",
      using(async (stream, { consumer, subject }) => {
        const before = recorder(consumer, [subject("x")]);
        const running = await stream.subscribe(before.subscription);
        await stream.publish(eventOf(subject("x"), "k", 1));
        await waitFor(() => before.events.length === 1);
        await running.stop();
        const published = publishUntilTaken(stream, eventOf(subject("x"), "k", 2));
        const after = recorder(consumer, [subject("x")]);
        await stream.subscribe(after.subscription);
        await published;
        await waitFor(() => after.events.length === 1);
        assert.deepEqual([before.payloads(), after.payloads()], [[1], [2]]);
      }),
    );

    it(
      "stops a subscription only after its running handler has ended",
      using(async (stream, { consumer, subject }) => {
        const started = Promise.withResolvers<void>();
        const gate = Promise.withResolvers<void>();
        let isDone = false;
        const handle = async (): Promise<void> => {
          started.resolve();
          await gate.promise;
          isDone = true;
        };
        const running = await stream.subscribe({ consumer, subjects: [subject("x")], handle });
        const published = stream.publish(eventOf(subject("x")));
        await started.promise;
        const stopped = running.stop().then(() => assert.ok(isDone));
        gate.resolve();
        await Promise.all([stopped, published]);
      }),
    );
  });

  describe(`event stream on ${name}: dead letters`, () => {
    const poisoned = async (stream: EventStream, { consumer, subject }: Names) => {
      const state = { isPoisoned: true, tries: 0, handled: [] as unknown[] };
      const handle = async ({ payload }: DomainEvent): Promise<void> => {
        if (payload === "poison") state.tries += 1;
        if (payload === "poison" && state.isPoisoned) throw new Error("cannot do this one");
        state.handled.push(payload);
      };
      const subscription: Subscription = { consumer, subjects: [subject("x")], handle, maxDeliver: 3 };
      await stream.subscribe(subscription);
      const event = eventOf(subject("x"), "k", "poison");
      await stream.publish(event);
      await waitFor(async () => (await stream.deadLetters(10)).length === 1);
      return { state, event, subscription };
    };

    it(
      "gives an event up after maxDeliver tries, with its reason, and goes on behind it",
      using(async (stream, names) => {
        const { state, event } = await poisoned(stream, names);
        await stream.publish(eventOf(names.subject("x"), "k", "next"));
        await waitFor(() => state.handled.length === 1);
        const [dead] = await stream.deadLetters(10);
        assert.deepEqual(dead?.event, event);
        assert.equal(dead.consumer, names.consumer);
        assert.match(dead.reason, /cannot do this one/);
        assert.equal(state.tries, 3);
      }),
    );

    it(
      "hands dead letters to their consumer again and forgets those that it handles",
      using(async (stream, names) => {
        const { state } = await poisoned(stream, names);
        state.isPoisoned = false;
        assert.equal(await stream.redrive(10), 1);
        await waitFor(async () => (await stream.deadLetters(10)).length === 0);
        assert.deepEqual(state.handled, ["poison"]);
        assert.equal(await stream.redrive(10), 0);
      }),
    );

    it(
      "keeps a letter that fails again, once",
      using(async (stream, names) => {
        const { state } = await poisoned(stream, names);
        assert.equal(await stream.redrive(10), 1);
        await waitFor(() => state.tries === 6);
        await waitFor(async () => (await stream.deadLetters(10)).length === 1);
      }),
    );

    it(
      "keeps dead letters across a restart",
      using(async (stream, names, harness) => {
        const { event, subscription } = await poisoned(stream, names);
        await stream.close();
        const again = await harness.reopen();
        try {
          assert.deepEqual(
            (await again.deadLetters(10)).map((dead) => dead.event),
            [event],
          );
          const late = recorder(names.consumer, subscription.subjects);
          await again.subscribe({ ...subscription, ...late.subscription });
          assert.equal(await again.redrive(10), 1);
          await waitFor(() => late.events.length === 1);
        } finally {
          await again.close();
        }
      }),
    );
  });

  describe(`event stream on ${name}: closing`, () => {
    it(
      "answers ping until it is closed, then refuses everything",
      using(async (stream, { consumer, subject }) => {
        await stream.ping();
        await stream.close();
        await assert.rejects(stream.ping());
        await assert.rejects(stream.publish(eventOf(subject("x"))), { retryable: true });
        await assert.rejects(stream.subscribe(recorder(consumer, [subject("x")]).subscription));
      }),
    );

    it(
      "waits for handlers that run",
      using(async (stream, { consumer, subject }) => {
        const started = Promise.withResolvers<void>();
        const gate = Promise.withResolvers<void>();
        let isDone = false;
        const handle = async (): Promise<void> => {
          started.resolve();
          await gate.promise;
          isDone = true;
        };
        await stream.subscribe({ consumer, subjects: [subject("x")], handle });
        const published = stream.publish(eventOf(subject("x"))).catch(() => undefined); // it may be told that it comes again
        await started.promise;
        const closed = stream.close().then(() => assert.ok(isDone));
        gate.resolve();
        await Promise.all([closed, published]);
      }),
    );
  });
}
