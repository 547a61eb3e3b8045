import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DomainEvent } from "../../../mixins/event-stream/port.ts";
import { waitFor } from "../../support/wait.ts";
import { eventOf, recorder, type Using } from "./harness.ts";

export function delivery(name: string, using: Using): void {
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
        await waitFor(() => first.events.length > 0 && second.events.length === 2);
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
}
