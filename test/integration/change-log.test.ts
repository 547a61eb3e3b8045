import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { ChangeLog, type NewChange } from "../../mixins/change-log/change-log.ts";
import { Trimming } from "../../mixins/change-log/trimming.ts";
import type { Database } from "../../mixins/database/port.ts";
import { memoryHotStore } from "../../mixins/hot-store/memory.ts";
import { createDatabase, silent } from "../support/database.ts";
import { waitFor } from "../support/wait.ts";

const DAY_MS = 86_400_000;
const NOW = 100 * DAY_MS;
const [ME, OTHER] = ["71", "72"];
let seqs = 0;
const change = (more: Partial<NewChange> = {}): NewChange => ({
  type: "edited",
  conversationId: "g_1",
  seq: ++seqs,
  messageId: String(1_000 + seqs),
  userId: null,
  at: NOW,
  ...more,
});
const record = (sql: Database, changes: ChangeLog, ...entries: NewChange[]): Promise<void> =>
  sql.transaction((tx) => changes.record(tx, entries));
/** All entries up to a position. */
const upTo = (changes: ChangeLog, head: number, conversationIds = ["g_1"]) =>
  changes.since({ after: 0, upTo: head, conversationIds, userId: ME, limit: 10_000 });
const positions = (entries: readonly { position: number }[]): number[] => entries.map(({ position }) => position);

describe("the change log", () => {
  it("gives back what was recorded, in its order", async () => {
    await using db = await createDatabase();
    const changes = new ChangeLog(db.sql);
    assert.deepEqual([await changes.head(), await changes.floor(), await changes.count()], [0, 0, 0]);
    const entries = [change(), change({ type: "recalled" }), change({ type: "deleted", userId: ME })];
    await record(db.sql, changes, ...entries);
    await record(db.sql, changes, ...[]);
    assert.deepEqual(
      await upTo(changes, await changes.head()),
      entries.map((entry, i) => ({ ...entry, position: i + 1 })),
    );
    assert.deepEqual([await changes.head(), await changes.floor(), await changes.count()], [3, 0, 3]);
  });

  it("gives of named conversations alone, what concerns the user, between two positions, page by page", async () => {
    await using db = await createDatabase();
    const changes = new ChangeLog(db.sql);
    const of = (conversationId: string, userId: string | null = null): NewChange => change({ conversationId, userId });
    await record(db.sql, changes, of("g_1"), of("g_2"), of("g_1", OTHER), of("g_3", ME), of("g_1"), of("g_3"));
    const asked = { conversationIds: ["g_1", "g_3"], userId: ME, limit: 10 };
    assert.deepEqual(positions(await changes.since({ ...asked, after: 0, upTo: 6 })), [1, 4, 5, 6]);
    assert.deepEqual(positions(await changes.since({ ...asked, after: 1, upTo: 5 })), [4, 5]);
    assert.deepEqual(positions(await changes.since({ ...asked, after: 0, upTo: 6, limit: 2 })), [1, 4]);
    assert.deepEqual(await changes.since({ ...asked, after: 6, upTo: 6 }), []);
    assert.deepEqual(await changes.since({ ...asked, conversationIds: [], after: 0, upTo: 6 }), []);
  });

  it("gives in order of positions, however many conversations are named", async () => {
    await using db = await createDatabase();
    const changes = new ChangeLog(db.sql);
    const conversationIds = Array.from({ length: 1_200 }, (_, i) => `g_${i + 1}`);
    const touched = ["g_1150", "g_3", "g_700", "g_1", "g_600"];
    await record(db.sql, changes, ...touched.map((conversationId) => change({ conversationId })));
    const found = await changes.since({ after: 0, upTo: 5, conversationIds, userId: ME, limit: 4 });
    assert.deepEqual(
      found.map(({ conversationId }) => conversationId),
      touched.slice(0, 4),
    );
  });

  it("gives the same from among few entries and many", async () => {
    await using db = await createDatabase();
    const changes = new ChangeLog(db.sql);
    await record(db.sql, changes, ...Array.from({ length: 3_000 }, (_, i) => change({ conversationId: `g_${1 + (i % 1_500)}` })));
    const asked = { upTo: 3_000, conversationIds: ["g_1", "g_2", "g_1500"], userId: ME, limit: 4 };
    assert.deepEqual(positions(await changes.since({ ...asked, after: 0 })), [1, 2, 1_500, 1_501]);
    assert.deepEqual(positions(await changes.since({ ...asked, after: 2_000 })), [3_000]);
    assert.deepEqual(positions(await changes.since({ ...asked, after: 1_500 })), [1_501, 1_502, 3_000]);
  });

  it("forgets what a transaction recorded that did not commit, and leaves no gap", async () => {
    await using db = await createDatabase();
    const changes = new ChangeLog(db.sql);
    const failing = db.sql.transaction(async (tx) => {
      await changes.record(tx, [change(), change()]);
      throw new Error("not this time");
    });
    await assert.rejects(failing, /not this time/);
    assert.deepEqual([await changes.head(), await upTo(changes, 10)], [0, []]);
    await record(db.sql, changes, change());
    assert.deepEqual(positions(await upTo(changes, 10)), [1]);
  });

  it("shows no head before its entries are committed, in the order of commits", async () => {
    await using db = await createDatabase();
    const changes = new ChangeLog(db.sql);
    await record(db.sql, changes, change());
    const [recorded, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow = db.sql.transaction(async (tx) => {
      await changes.record(tx, [change({ conversationId: "g_8" })]);
      recorded.resolve();
      await gate.promise;
    });
    await recorded.promise;
    let isDone = false;
    const quick = record(db.sql, changes, change({ conversationId: "g_9" })).then(() => (isDone = true));
    try {
      for (let looks = 0; looks < 20; looks++) assert.deepEqual([await changes.head(), isDone], [1, false]);
    } finally {
      gate.resolve();
    }
    await Promise.all([slow, quick]);
    const entries = await upTo(changes, await changes.head(), ["g_8", "g_9"]);
    assert.deepEqual(
      entries.map(({ conversationId, position }) => [conversationId, position]),
      [
        ["g_8", 2],
        ["g_9", 3],
      ],
    );
  });

  it("has everything up to each head that a reader sees, while others record", async () => {
    await using db = await createDatabase();
    const changes = new ChangeLog(db.sql);
    const nodes = [db.sql, await db.reopen()];
    const writers = Array.from({ length: 30 }, (_, i) => {
      const sql = nodes[i % 2]!;
      return record(sql, new ChangeLog(sql), ...Array.from({ length: 1 + (i % 3) }, () => change()));
    });
    const written = Promise.all(writers);
    for (let seen = 0; seen < 60; await setImmediate()) {
      const head = await changes.head();
      assert.equal((await upTo(changes, head)).length, head);
      seen = head;
    }
    await written;
    assert.deepEqual(
      positions(await upTo(changes, 1_000)),
      Array.from({ length: 60 }, (_, i) => i + 1),
    );
    await nodes[1]!.close();
  });
});

describe("the bounds of the change log", () => {
  const keepMs = 30 * DAY_MS;

  it("keep so many entries, and the floor says where they begin", async () => {
    await using db = await createDatabase();
    const changes = new ChangeLog(db.sql, { keepMs, maxEntries: 1_500 });
    for (let at = 0; at < 40; at++) await record(db.sql, changes, ...Array.from({ length: 100 }, () => change()));
    assert.equal(await changes.trim(NOW), 2_500);
    assert.deepEqual([await changes.head(), await changes.floor(), await changes.count()], [4_000, 2_500, 1_500]);
    assert.equal((await upTo(changes, 4_000))[0]?.position, 2_501);
    assert.equal(await changes.trim(NOW), 0);
  });

  it("keep entries so long, and those behind one that is kept", async () => {
    await using db = await createDatabase();
    const changes = new ChangeLog(db.sql, { keepMs, maxEntries: 1_500 });
    const ages = [31, 30.5, 29, 32, 0];
    await record(db.sql, changes, ...ages.map((days) => change({ at: NOW - days * DAY_MS })));
    assert.equal(await changes.trim(NOW), 2);
    assert.deepEqual(positions(await upTo(changes, 5)), [3, 4, 5]);
    assert.equal(await changes.floor(), 2);
    assert.equal(await changes.trim(NOW + 40 * DAY_MS), 3);
    assert.deepEqual([await changes.floor(), await changes.head()], [5, 5]);
    await record(db.sql, changes, change());
    assert.deepEqual(positions(await upTo(changes, 6)), [6]);
  });

  it("hold when two trim at one time", async () => {
    await using db = await createDatabase();
    const other = await db.reopen();
    const both = [db.sql, other].map((sql) => new ChangeLog(sql, { keepMs, maxEntries: 10 }));
    await record(db.sql, both[0]!, ...Array.from({ length: 50 }, () => change()));
    const counts = await Promise.all(both.map((changes) => changes.trim(NOW)));
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      40,
    );
    assert.deepEqual([await both[0]!.floor(), (await upTo(both[0]!, 50)).length], [40, 10]);
    await other.close();
  });

  it("are kept by one node at a time, which counts what went", async () => {
    const { leases } = memoryHotStore();
    const gate = Promise.withResolvers<number>();
    const asked: number[] = [];
    const counted: number[] = [];
    const trimming = (holder: string): Trimming =>
      new Trimming({
        leases,
        holder,
        changes: { trim: (now) => (asked.push(now), gate.promise) },
        logger: silent,
        onTrimmed: (count) => counted.push(count),
        now: () => NOW,
      });
    const [first, second] = [trimming("a"), trimming("b")];
    const running = first.runOnce();
    await waitFor(() => asked.length > 0);
    assert.equal(await second.runOnce(), 0);
    gate.resolve(7);
    assert.equal(await running, 7);
    assert.equal(await second.runOnce(), 7);
    assert.deepEqual(
      [asked, counted],
      [
        [NOW, NOW],
        [7, 7],
      ],
    );
    await Promise.all([first.close(), second.close()]);
  });

  it("are tried again at the next interval, whatever happened", async () => {
    const { leases } = memoryHotStore();
    let runs = 0;
    const warnings: unknown[] = [];
    const trimming = new Trimming({
      leases,
      holder: "a",
      changes: { trim: () => (++runs === 1 ? Promise.reject(new Error("away")) : Promise.resolve(0)) },
      logger: { ...silent, warn: (...said: unknown[]) => warnings.push(said) },
      onTrimmed: () => assert.fail("nothing went"),
      everyMs: 5,
    });
    trimming.start();
    await waitFor(() => runs > 1);
    await trimming.close();
    assert.equal(warnings.length, 1);
  });
});
