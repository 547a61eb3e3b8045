import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import type { Database } from "../../mixins/database/port.ts";
import { sqlDeadEvents, type DeadEventStore } from "../../mixins/event-stream/dead-events.ts";
import { InProcessEventStream, type InProcessOptions } from "../../mixins/event-stream/in-process.ts";
import type { DomainEvent } from "../../mixins/event-stream/port.ts";
import { createDatabase, silent } from "../support/database.ts";
import { waitFor } from "../support/wait.ts";
import { eventStreamContract } from "./event-stream.ts";

const streamOn = (sql: Database): InProcessEventStream =>
  new InProcessEventStream({ deadEvents: sqlDeadEvents(sql), logger: silent, backoff: { firstMs: 1, maxMs: 4 } });

eventStreamContract("this process", async () => {
  const database = await createDatabase();
  return {
    stream: streamOn(database.sql),
    reopen: async () => streamOn(database.sql),
    cleanup: async () => database[Symbol.asyncDispose](),
  };
});

describe("event stream in this process: what it promises beyond the port", () => {
  const event = (key: string): DomainEvent => ({
    eventId: randomUUID(),
    subject: "im.x",
    key,
    payload: {},
    at: 0,
    requestId: null,
  });
  const noDeadEvents: DeadEventStore = { put: async () => undefined, list: async () => [], remove: async () => undefined };
  const open = (options: Partial<InProcessOptions> = {}) =>
    new InProcessEventStream({ deadEvents: noDeadEvents, logger: silent, backoff: { firstMs: 1, maxMs: 4 }, ...options });

  it("publishes only when every consumer has handled the event", async () => {
    const stream = open();
    const gate = Promise.withResolvers<void>();
    let isHandled = false;
    await stream.subscribe({ consumer: "quick", subjects: ["im.x"], handle: async () => undefined });
    await stream.subscribe({
      consumer: "slow",
      subjects: ["im.x"],
      handle: () => gate.promise.then(() => void (isHandled = true)),
    });
    const published = stream.publish(event("k")).then(() => assert.ok(isHandled));
    gate.resolve();
    await published;
    await stream.close();
  });

  it("handles a bounded number of keys at once, and a key that waits for its next try takes no place", async () => {
    const stream = open({ concurrency: 2, backoff: { firstMs: 60_000, maxMs: 60_000 } });
    const gate = Promise.withResolvers<void>();
    let running = 0;
    let most = 0;
    const handle = async ({ key }: DomainEvent): Promise<void> => {
      if (key.startsWith("bad")) throw new Error("later");
      most = Math.max(most, ++running);
      await gate.promise;
      running -= 1;
    };
    await stream.subscribe({ consumer: "c", subjects: ["im.x"], handle });
    const refused = ["bad1", "bad2", "bad3"].map((key) => assert.rejects(stream.publish(event(key)), { retryable: true }));
    const published = ["a", "b", "c", "d"].map((key) => stream.publish(event(key)));
    await waitFor(() => running === 2);
    gate.resolve();
    await Promise.all(published);
    await stream.close();
    await Promise.all(refused);
    assert.equal(most, 2);
  });

  it("leaves an event that it can neither handle nor bury to whoever published it", async () => {
    const stream = open({ deadEvents: { ...noDeadEvents, put: () => Promise.reject(new Error("no database")) } });
    let isFailing = true;
    let handled = 0;
    const handle = async (): Promise<void> => {
      if (isFailing) throw new Error("no database");
      handled += 1;
    };
    await stream.subscribe({ consumer: "c", subjects: ["im.x"], maxDeliver: 2, handle });
    const once = event("k");
    await assert.rejects(stream.publish(once), /no database/);
    isFailing = false;
    await stream.publish(once);
    assert.equal(handled, 1);
    await stream.close();
  });

  it("remembers what it has done for two minutes", async () => {
    let now = 1_000_000;
    const stream = open({ now: () => now });
    let handled = 0;
    await stream.subscribe({ consumer: "c", subjects: ["im.x"], handle: async () => void (handled += 1) });
    const once = event("k");
    for (const wait of [0, 119_999]) {
      now += wait;
      await stream.publish(once);
      assert.equal(handled, 1);
    }
    now += 1;
    await stream.publish(once);
    assert.equal(handled, 2);
    await stream.close();
  });

  it("refuses a consumer name with other subjects than before", async () => {
    const stream = open();
    const handle = async (): Promise<void> => undefined;
    await stream.subscribe({ consumer: "c", subjects: ["im.x", "im.y"], handle });
    await stream.subscribe({ consumer: "c", subjects: ["im.y", "im.x"], handle });
    await assert.rejects(stream.subscribe({ consumer: "c", subjects: ["im.x"], handle }), /other subjects/);
    await stream.close();
  });
});
