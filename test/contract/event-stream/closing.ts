import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { eventOf, held, recorder, type Using } from "./harness.ts";

export function closing(name: string, using: Using): void {
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
        const { subscription, started, release, isDone } = held(consumer, [subject("x")]);
        await stream.subscribe(subscription);
        const published = stream.publish(eventOf(subject("x"))).catch(() => undefined); // it may be told that it comes again
        await started;
        const closed = stream.close().then(() => assert.ok(isDone()));
        release();
        await Promise.all([closed, published]);
      }),
    );
  });
}
