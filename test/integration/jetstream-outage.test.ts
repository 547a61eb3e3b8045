import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import type { Server } from "../../scripts/servers/index.ts";
import { sqlDeadEvents } from "../../mixins/event-stream/dead-events.ts";
import { JetStreamEventStream } from "../../mixins/event-stream/jetstream.ts";
import type { DomainEvent } from "../../mixins/event-stream/port.ts";
import { memoryLeases } from "../../mixins/hot-store/leases-memory.ts";
import { OutboxRows } from "../../mixins/outbox/outbox-rows.ts";
import { Outbox } from "../../mixins/outbox/outbox.ts";
import { OutboxRelay } from "../../mixins/outbox/relay.ts";
import { createDatabase, silent } from "../support/database.ts";
import { ownNames } from "../support/jetstream.ts";
import { ownServers, reasonToSkip } from "../support/servers.ts";
import { stopwatch } from "../support/stopwatch.ts";
import { waitFor } from "../support/wait.ts";

const KEYS = 8;

/** A NATS of its own, a node on it that relays its outbox there, and a consumer of that. */
async function createNode() {
  const servers = await ownServers("nats");
  const { nats } = servers;
  const database = await createDatabase();
  const { sql } = database;
  const names = ownNames();
  const open = (): Promise<JetStreamEventStream> =>
    JetStreamEventStream.open({ url: nats.url, names, nodeId: "n", deadEvents: sqlDeadEvents(sql), logger: silent });
  const stream = await open();
  const rows = new OutboxRows(sql);
  const backoff = { firstMs: 5, maxMs: 200 };
  const relay = new OutboxRelay({ rows, stream, leases: memoryLeases(), holder: "n", logger: silent, pollEveryMs: 20, backoff });
  const outbox = new Outbox({ sql, rows, relay });
  const handled = new Map<string, string[]>();
  await stream.subscribe({
    consumer: "c",
    subjects: ["im.user.created"],
    async handle({ key, payload }: DomainEvent) {
      handled.set(key, [...(handled.get(key) ?? []), (payload as { userId: string }).userId]);
    },
  });
  relay.start();
  let added = 0;
  return {
    nats,
    stream,
    open,
    outbox,
    async add(count: number): Promise<void> {
      for (let n = 0; n < count; n++, added++) {
        const event = { subject: "im.user.created", key: `k${added % KEYS}`, payload: { userId: String(added) } } as const;
        await sql.transaction((tx) => outbox.add(tx, event));
      }
    },
    /** Waits until everything that was added was handled, and looks that it was so once and in order. */
    async assertAllHandled(): Promise<void> {
      // What a test published beside the outbox, and was refused, may have arrived all the same.
      const ofKeys = () => Array.from({ length: KEYS }, (_, k) => handled.get(`k${k}`) ?? []);
      await waitFor(() => ofKeys().flat().length >= added, "all to be handled", 30_000);
      for (const [k, ofKey] of ofKeys().entries()) {
        const expected = Array.from({ length: Math.ceil((added - k) / KEYS) }, (_, n) => String(k + n * KEYS));
        assert.deepEqual(ofKey, expected);
      }
      await waitFor(async () => (await outbox.lag()).count === 0, "the outbox to be empty");
    },
    async [Symbol.asyncDispose]() {
      await relay.close();
      await stream.close();
      await database[Symbol.asyncDispose]();
      await servers[Symbol.asyncDispose]();
    },
  };
}

async function rejectionOf(
  work: Promise<unknown>,
): Promise<{ error: Error & { type?: string; retryable?: boolean }; tookMs: number }> {
  const took = stopwatch();
  const error = await work.then(
    () => new Error("it did not fail"),
    (reason: unknown) => reason as Error,
  );
  return { error, tookMs: took() };
}
const eventOf = (): DomainEvent => ({
  ...{ eventId: randomUUID(), subject: "im.user.created", key: "other", payload: { userId: "x" }, at: 0, requestId: null },
});

describe("events while NATS is away", { skip: await reasonToSkip("nats") }, () => {
  const outages: Record<string, (nats: Server, meanwhile: () => Promise<void>) => Promise<void>> = {
    async killed(nats, meanwhile) {
      await nats.kill();
      await meanwhile();
      await nats.restart();
    },
    async frozen(nats, meanwhile) {
      await nats.pause();
      await meanwhile();
      await nats.resume();
    },
    async restarted(nats, meanwhile) {
      await Promise.all([nats.restart(), meanwhile()]);
    },
  };
  for (const [name, outage] of Object.entries(outages)) {
    it(`wait in the outbox, and reach their consumers once and in order afterwards (${name})`, { timeout: 90_000 }, async () => {
      await using node = await createNode();
      await node.add(200);
      await outage(node.nats, () => node.add(200));
      await node.add(100);
      await outage(node.nats, () => node.add(100));
      await node.add(100);
      await node.assertAllHandled();
    });
  }

  it("go on after an outage that outlasts every lease", { timeout: 90_000 }, async () => {
    await using node = await createNode();
    await node.add(50);
    await node.nats.pause();
    await node.add(50);
    const isGivenUp = async () => (await rejectionOf(node.stream.publish(eventOf()))).tookMs < 50;
    await waitFor(isGivenUp, "the connection to be given up", 30_000);
    await node.nats.resume();
    await node.add(50);
    await node.assertAllHandled();
  });

  it("are refused in time, to be tried again; nothing else hangs either", { timeout: 90_000 }, async () => {
    await using node = await createNode();
    await node.nats.pause();
    const [published, pinged, opened] = await Promise.all([
      rejectionOf(node.stream.publish(eventOf())),
      rejectionOf(node.stream.ping()),
      rejectionOf(node.open()),
    ]);
    assert.deepEqual([published.error.type, published.error.retryable], ["UNAVAILABLE", true]);
    assert.match(opened.error.message, /^NATS at 127\.0\.0\.1:\d+ cannot be reached: \w[^\n]*$/);
    for (const [{ tookMs }, mostMs] of [
      [published, 3_500],
      [pinged, 2_300],
      [opened, 5_000],
    ] as const)
      assert.ok(tookMs < mostMs, `${tookMs} ms of ${mostMs}`);
    await node.nats.kill();
    const isFast = async () => (await rejectionOf(node.stream.publish(eventOf()))).tookMs < 50;
    await waitFor(isFast, "publishing to fail at once");
    const { tookMs } = await rejectionOf(node.stream.close().then(() => Promise.reject(new Error("closed"))));
    assert.ok(tookMs < 5_000, `closing took ${tookMs} ms`);
  });
});
