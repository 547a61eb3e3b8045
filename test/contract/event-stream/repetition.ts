import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { waitFor } from "../../support/wait.ts";
import { eventOf, held, publishUntilTaken, recorder, type Using } from "./harness.ts";

export function repetition(name: string, using: Using): void {
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
        const { subscription, started, release, isDone } = held(consumer, [subject("x")]);
        const running = await stream.subscribe(subscription);
        const published = stream.publish(eventOf(subject("x")));
        await started;
        const stopped = running.stop().then(() => assert.ok(isDone()));
        release();
        await Promise.all([stopped, published]);
      }),
    );
  });
}
