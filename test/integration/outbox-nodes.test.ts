import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Database } from "../../mixins/database/port.ts";
import { sqlDeadEvents } from "../../mixins/event-stream/dead-events.ts";
import { JetStreamEventStream } from "../../mixins/event-stream/jetstream.ts";
import type { DomainEvent } from "../../mixins/event-stream/port.ts";
import { memoryLeases } from "../../mixins/hot-store/leases-memory.ts";
import type { HotLeases } from "../../mixins/hot-store/port.ts";
import { OutboxRows } from "../../mixins/outbox/outbox-rows.ts";
import { Outbox } from "../../mixins/outbox/outbox.ts";
import { OutboxRelay } from "../../mixins/outbox/relay.ts";
import { createDatabase, silent } from "../support/database.ts";
import { ownNames, removeStreams } from "../support/jetstream.ts";
import { serversFor } from "../support/servers.ts";
import { waitFor } from "../support/wait.ts";

const nats = await serversFor("nats");
const KEYS = 7;

/** Two nodes on one database and one JetStream, and a consumer of what both relay. */
async function createTwoNodes(leasesOf: (node: number) => HotLeases) {
  const database = await createDatabase();
  const other = await database.reopen();
  const names = ownNames();
  const stack = new AsyncDisposableStack();
  stack.defer(() => database[Symbol.asyncDispose]());
  stack.defer(() => other.close());
  stack.defer(() => removeStreams(nats.url, names));
  const published = [0, 0];
  const open = async (sql: Database, node: number) => {
    const deadEvents = sqlDeadEvents(sql);
    const stream = await JetStreamEventStream.open({ url: nats.url, names, nodeId: `n${node}`, deadEvents, logger: silent });
    stack.defer(() => stream.close());
    const rows = new OutboxRows(sql);
    const counted = (event: DomainEvent): Promise<void> => {
      published[node]! += 1;
      return stream.publish(event);
    };
    const relay = new OutboxRelay({
      ...{ rows, stream: { publish: counted }, leases: leasesOf(node), holder: `n${node}`, logger: silent, pollEveryMs: 5 },
    });
    stack.defer(() => relay.close());
    const outbox = new Outbox({ sql, rows, relay });
    const add = (key: string, userId: string): Promise<string> =>
      sql.transaction((tx) => outbox.add(tx, { subject: "im.user.created", key, payload: { userId } }));
    relay.start();
    return { stream, relay, outbox, add };
  };
  const nodes = [await open(database.sql, 0), await open(other, 1)] as const;
  const handled: string[] = [];
  await nodes[0].stream.subscribe({
    consumer: "c",
    subjects: ["im.user.created"],
    handle: async ({ key, payload }) => void handled.push(`${key} ${(payload as { userId: string }).userId}`),
  });
  return { nodes, published, handled, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Both nodes add, in turns, so that each key has rows of both. */
async function addInTurns({ nodes }: Awaited<ReturnType<typeof createTwoNodes>>, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) await nodes[n % 2]!.add(`k${n % KEYS}`, String(n));
}

function assertInOrder(handled: readonly string[], count: number): void {
  for (let k = 0; k < KEYS; k++) {
    const expected = Array.from({ length: Math.ceil((count - k) / KEYS) }, (_, n) => `k${k} ${k + n * KEYS}`);
    assert.deepEqual(
      handled.filter((entry) => entry.startsWith(`k${k} `)),
      expected,
    );
  }
}

describe("the outbox of two nodes on one database", { skip: nats.skip }, () => {
  it("is relayed by one of them, what the other added too; and by the other one when that leaves", async () => {
    const leases = memoryLeases();
    await using two = await createTwoNodes(() => leases);
    await addInTurns(two, 0, 100);
    await waitFor(() => two.handled.length === 100);
    assert.deepEqual([...two.published].sort(), [0, 100]);
    const leader = two.published[0] === 100 ? 0 : 1;
    await two.nodes[leader].relay.close();
    await addInTurns(two, 100, 200);
    await waitFor(() => two.handled.length === 200);
    assert.ok(two.published[1 - leader]! >= 100);
    assertInOrder(two.handled, 200);
  });

  it("reaches consumers once and in order also while both believe that it is theirs to relay", async () => {
    await using two = await createTwoNodes(() => memoryLeases());
    await addInTurns(two, 0, 300);
    await waitFor(async () => (await two.nodes[0].outbox.lag()).count === 0);
    await waitFor(() => two.handled.length >= 300);
    assert.ok(two.published.every((count) => count > 0));
    await two.nodes[0].stream.close();
    assertInOrder(two.handled, 300);
  });
});
