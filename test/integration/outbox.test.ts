import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { ServiceSchema } from "moleculer";
import { withDatabase, type Database, type DatabaseVars } from "../../mixins/database/index.ts";
import type { DomainEvent, EventStream } from "../../mixins/event-stream/index.ts";
import { withSubscriptions } from "../../mixins/event-stream/index.ts";
import { memoryLeases } from "../../mixins/hot-store/leases-memory.ts";
import { onceInTransaction, withOutbox, type OutboxVars } from "../../mixins/outbox/index.ts";
import { Outbox } from "../../mixins/outbox/outbox.ts";
import { OutboxRows } from "../../mixins/outbox/outbox-rows.ts";
import { OutboxRelay, type RelayOptions } from "../../mixins/outbox/relay.ts";
import { createDatabase, silent } from "../support/database.ts";
import { createNode } from "../support/node.ts";
import { waitFor } from "../support/wait.ts";

/** A relay and its outbox over a database of their own and a stream that the test plays. */
async function createRelay(publish: EventStream["publish"], options: Partial<RelayOptions> = {}) {
  const database = await createDatabase();
  const { sql } = database;
  const rows = new OutboxRows(sql);
  const buildRelay = (more: Partial<RelayOptions> = {}): OutboxRelay =>
    new OutboxRelay({
      rows,
      stream: { publish },
      leases: memoryLeases(),
      holder: randomUUID(),
      logger: silent,
      pollEveryMs: 5,
      backoff: { firstMs: 1, maxMs: 4 },
      ...options,
      ...more,
    });
  const relay = buildRelay();
  const outbox = new Outbox({ sql, rows, relay });
  const add = (key: string, userId: string): Promise<string> =>
    sql.transaction((tx) => outbox.add(tx, { subject: "im.user.created", key, payload: { userId } }));
  return {
    sql,
    rows,
    relay,
    outbox,
    add,
    buildRelay,
    async [Symbol.asyncDispose]() {
      await relay.close();
      await database[Symbol.asyncDispose]();
    },
  };
}

const userIdOf = ({ payload }: DomainEvent): string => (payload as { userId: string }).userId;

describe("outbox", () => {
  it("relays what was committed, as it was added, and nothing that was rolled back", async () => {
    const published: DomainEvent[] = [];
    await using node = await createRelay(async (event) => void published.push(event));
    node.relay.start();
    const rolledBack = node.sql.transaction(async (tx) => {
      await node.outbox.add(tx, { subject: "im.user.deleted", key: "1", payload: { userId: "1", groupIds: [] } });
      throw new Error("changed my mind");
    });
    await assert.rejects(rolledBack, /changed my mind/);
    const before = Date.now();
    const eventId = await node.sql.transaction((tx) =>
      node.outbox.add(tx, { subject: "im.user.created", key: "1", payload: { userId: "1" }, requestId: "r1" }),
    );
    await node.outbox.idle();
    assert.equal(published.length, 1);
    const [{ at, ...rest }] = published as [DomainEvent];
    assert.deepEqual(rest, { eventId, subject: "im.user.created", key: "1", payload: { userId: "1" }, requestId: "r1" });
    assert.ok(at >= before && at <= Date.now());
    assert.deepEqual(await node.outbox.lag(), { count: 0, oldestAt: null });
  });

  it("relays before the next poll once a transaction has committed", async () => {
    await using node = await createRelay(async () => undefined, { pollEveryMs: 3_600_000 });
    node.relay.start();
    await node.outbox.idle();
    await node.add("1", "1");
    await waitFor(async () => (await node.outbox.lag()).count === 0);
  });

  it("keeps the order of each key and lets different keys go side by side", async () => {
    const gate = Promise.withResolvers<void>();
    const published: string[] = [];
    await using node = await createRelay(async (event) => {
      if (event.key === "slow") await gate.promise;
      published.push(`${event.key}${userIdOf(event)}`);
    });
    for (const n of ["1", "2", "3"]) for (const key of ["slow", "a", "b"]) await node.add(key, n);
    node.relay.start();
    await waitFor(() => published.length === 6);
    assert.deepEqual(
      published.filter((name) => name.startsWith("a")),
      ["a1", "a2", "a3"],
    );
    assert.deepEqual(
      published.filter((name) => name.startsWith("b")),
      ["b1", "b2", "b3"],
    );
    gate.resolve();
    await node.outbox.idle();
    assert.deepEqual(published.slice(6), ["slow1", "slow2", "slow3"]);
  });

  it("relays more rows and keys than it reads at once", async () => {
    const published: string[] = [];
    await using node = await createRelay(async (event) => void published.push(userIdOf(event)));
    await node.sql.transaction(async (tx) => {
      for (let n = 0; n < 700; n++)
        await node.outbox.add(tx, { subject: "im.user.created", key: `k${n % 150}`, payload: { userId: String(n) } });
    });
    node.relay.start();
    await node.outbox.idle();
    assert.equal(new Set(published).size, 700);
    assert.equal(published.length, 700);
    const ofOneKey = published.map(Number).filter((n) => n % 150 === 7);
    assert.deepEqual(
      ofOneKey,
      ofOneKey.toSorted((a, b) => a - b),
    );
  });

  it("keeps a row whose publish fails, with the later ones of its key behind it, and tries again", async () => {
    let isFailing = true;
    const published: string[] = [];
    await using node = await createRelay(async (event) => {
      if (isFailing && event.key === "bad") throw new Error("stream is away");
      published.push(`${event.key}${userIdOf(event)}`);
    });
    node.relay.start();
    for (const n of ["1", "2"]) for (const key of ["bad", "good"]) await node.add(key, n);
    await waitFor(() => published.length === 2);
    const { count, oldestAt } = await node.outbox.lag();
    assert.ok(count >= 2 && oldestAt !== null && oldestAt <= Date.now());
    isFailing = false;
    await node.outbox.idle();
    assert.deepEqual(published, ["good1", "good2", "bad1", "bad2"]);
  });

  it("brings again after a crash what was not marked as relayed", async () => {
    const published: string[] = [];
    await using node = await createRelay(async (event) => void published.push(userIdOf(event)));
    await node.add("k", "1");
    await node.add("k", "2");
    const [first] = await node.rows.unrelayed([], 1);
    await node.rows.markRelayed([first!.position], Date.now());
    node.relay.start();
    await node.outbox.idle();
    assert.deepEqual(published, ["2"]);
  });

  it("has one relay at work; another one takes over when it closes", async () => {
    const published: string[] = [];
    const leases = memoryLeases();
    await using node = await createRelay(async (event) => void published.push(userIdOf(event)), { leases });
    node.relay.start();
    await node.outbox.idle();
    let isSecondAsked = false;
    const publish = async (event: DomainEvent): Promise<void> => {
      isSecondAsked = true;
      published.push(userIdOf(event));
    };
    const second = node.buildRelay({ stream: { publish } });
    second.start();
    await node.add("k", "1");
    await Promise.all([node.outbox.idle(), second.idle()]);
    assert.equal(isSecondAsked, false);
    await node.relay.close();
    await node.add("k", "2");
    await second.idle();
    assert.equal(isSecondAsked, true);
    await second.close();
    assert.deepEqual(published, ["1", "2"]);
  });

  it("tells those who wait for it to be idle when it closes", async () => {
    await using node = await createRelay(() => Promise.reject(new Error("stream is away")));
    node.relay.start();
    await node.add("k", "1");
    const idle = assert.rejects(node.outbox.idle(), { type: "UNAVAILABLE" });
    await node.relay.close();
    await idle;
  });

  it("deletes old relayed events, and a consumer's note of them only when the event cannot come again", async () => {
    await using node = await createRelay(async () => undefined);
    const [relayed, waiting] = [await node.add("k", "1"), await node.add("k", "2")];
    for (const eventId of [relayed, waiting]) await onceInTransaction(node.sql, "c", { eventId }, async () => undefined);
    const [first] = await node.rows.unrelayed([], 1);
    const at = Date.now();
    await node.rows.markRelayed([first!.position], at);
    assert.equal(await node.rows.prune(at - 1_000), 0);
    assert.equal(await node.rows.prune(at + 1_000), 1);
    const notes = await node.sql.select<{ event_id: string }>("SELECT event_id FROM consumed_event");
    assert.deepEqual(
      notes.map((note) => note.event_id),
      [waiting],
    );
    assert.equal((await node.outbox.lag()).count, 1);
  });

  it("does a consumer's work once for each event, however often it comes", async () => {
    await using node = await createRelay(async () => undefined);
    const event = { eventId: randomUUID() };
    let count = 0;
    const work = async (): Promise<void> => void (count += 1);
    const fail = (): Promise<void> => Promise.reject(new Error("no"));
    await assert.rejects(onceInTransaction(node.sql, "c", event, fail), /no/);
    assert.deepEqual(
      [await onceInTransaction(node.sql, "c", event, work), await onceInTransaction(node.sql, "c", event, work)],
      [true, false],
    );
    assert.equal(await onceInTransaction(node.sql, "other", event, work), true);
    assert.equal(count, 2);
  });
});

describe("outbox of a node", () => {
  type Vars = DatabaseVars & OutboxVars;

  /** A service that writes an event and lets the test hold its database and outbox. */
  const producer = (): { schema: ServiceSchema; vars: Vars } => {
    const vars = {} as { -readonly [K in keyof Vars]: Vars[K] };
    const started = async function (this: Vars): Promise<void> {
      Object.assign(vars, { sql: this.sql, outbox: this.outbox });
      await addUser(this, "early");
    };
    return { schema: { name: "producer", mixins: [withOutbox(), withDatabase()], started } as unknown as ServiceSchema, vars };
  };
  const addUser = ({ sql, outbox }: { sql: Database; outbox: Outbox }, userId: string): Promise<string> =>
    sql.transaction((tx) => outbox.add(tx, { subject: "im.user.created", key: userId, payload: { userId } }));

  /** A service that notes the users it hears of. */
  const listener = (heard: string[], started?: () => Promise<void>): ServiceSchema => {
    const handlers = withSubscriptions<{ label: string }>({
      consumer: "listener",
      handlers: {
        async "im.user.created"({ payload }) {
          heard.push(`${this.name}:${payload.userId}`);
        },
      },
    });
    return { name: "listener", mixins: [handlers, withDatabase()], started };
  };

  it("relays nothing before every service has started, so that a slow consumer misses nothing", async () => {
    const heard: string[] = [];
    const gate = Promise.withResolvers<void>();
    const { schema, vars } = producer();
    const starting = createNode([schema, listener(heard, () => gate.promise)]);
    await waitFor(async () => vars.outbox && (await vars.outbox.lag()).count === 1);
    gate.resolve();
    await using node = await starting;
    await vars.outbox.idle();
    assert.deepEqual(heard, ["listener:early"]);
    await addUser(vars, "late");
    await vars.outbox.idle();
    assert.deepEqual(heard, ["listener:early", "listener:late"]);
    await node.stop();
  });

  it("drains before the services stop", async () => {
    const heard: string[] = [];
    const { schema, vars } = producer();
    await using node = await createNode([schema, listener(heard)]);
    for (let n = 0; n < 20; n++) await addUser(vars, String(n));
    await node.stop();
    assert.equal(heard.length, 21);
  });

  it("hands out after a restart what a consumer that failed had not done", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "im-outbox-"));
    const { schema } = producer();
    let tries = 0;
    const failing = withSubscriptions({
      consumer: "listener",
      handlers: {
        "im.user.created": async () => {
          tries += 1;
          throw new Error("not today");
        },
      },
    });
    const first = await createNode([schema, { name: "listener", mixins: [failing] }], { dataDir });
    await waitFor(() => tries > 0);
    await first.stop();
    const heard: string[] = [];
    const again = producer();
    const second = await createNode([again.schema, listener(heard)], { dataDir });
    await again.vars.outbox.idle();
    await second.stop();
    await rm(dataDir, { recursive: true });
    assert.deepEqual(heard, ["listener:early", "listener:early"]);
  });
});
