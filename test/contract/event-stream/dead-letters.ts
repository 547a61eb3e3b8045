import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DomainEvent, EventStream, Subscription } from "../../../mixins/event-stream/port.ts";
import { waitFor } from "../../support/wait.ts";
import { eventOf, recorder, type Names, type Using } from "./harness.ts";

export function deadLetters(name: string, using: Using): void {
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
}
