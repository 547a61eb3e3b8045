import assert from "node:assert/strict";
import { test } from "node:test";
import type { DomainEvent } from "../../mixins/event-stream/port.ts";
import { memoryLeases } from "../../mixins/hot-store/leases-memory.ts";
import { OutboxRows } from "../../mixins/outbox/outbox-rows.ts";
import { Outbox } from "../../mixins/outbox/outbox.ts";
import { OutboxRelay } from "../../mixins/outbox/relay.ts";
import { createDatabase, silent } from "../support/database.ts";
import { waitFor } from "../support/wait.ts";

test("an event that the stream has is not published again while it cannot be marked, and an outage is told of once", async () => {
  await using database = await createDatabase();
  const { sql } = database;
  const rows = new OutboxRows(sql);
  const markRelayed = rows.markRelayed.bind(rows);
  const world = { isBroken: true, marks: 0 };
  rows.markRelayed = async (...args) => {
    world.marks += 1;
    if (world.isBroken) throw new Error("the database is away");
    return markRelayed(...args);
  };
  const published: DomainEvent[] = [];
  const stream = { publish: async (event: DomainEvent): Promise<void> => void published.push(event) };
  const warnings: unknown[] = [];
  const logger = { ...silent, warn: (...words: unknown[]) => warnings.push(words) };
  const backoff = { firstMs: 1, maxMs: 4 };
  const relay = new OutboxRelay({ rows, stream, leases: memoryLeases(), holder: "n", logger, pollEveryMs: 5, backoff });
  const outbox = new Outbox({ sql, rows, relay });
  const add = (key: string, userId: string): Promise<string> =>
    sql.transaction((tx) => outbox.add(tx, { subject: "im.user.created", key, payload: { userId } }));
  for (const [key, userId] of [
    ["a", "1"],
    ["a", "2"],
    ["b", "3"],
  ] as const)
    await add(key, userId);
  relay.start();
  await waitFor(() => world.marks > 6);
  world.isBroken = false;
  await outbox.idle();
  assert.equal(published.length, 3);
  assert.equal(warnings.length, 1);
  await relay.close();
});
