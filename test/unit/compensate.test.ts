import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MessageRecord } from "../../contracts/records.ts";
import type { Deliveries } from "../../lib/push.ts";
import { memoryConversations } from "../../mixins/hot-store/conversations-memory.ts";
import type { AppendOutcome } from "../../mixins/message-log/port.ts";
import { compensate, MAX_COMPENSATED, type CompensateDeps } from "../../services/compensator/compensate.ts";
import { buildRecord } from "../support/records.ts";

const AFTER_MS = 5_000;
const NOW = 100_000;

/** A hot store with pending messages of one group, and a log and database that say what the test wants. */
async function createWorld(ages: readonly number[]) {
  const conversations = memoryConversations();
  const conversationId = "g_1";
  await conversations.load(
    { conversationId, headSeq: 0, allMuted: false, dissolved: false, members: {} },
    await conversations.generation(conversationId),
  );
  const records: MessageRecord[] = [];
  for (const age of ages) {
    const { seq: _seq, createdAt: _createdAt, ...fields } = buildRecord({ conversationId });
    const [outcome] = await conversations.accept([{ ...fields, bySystem: true, inSql: "absent" }], NOW - age);
    assert.ok(outcome?.kind === "accepted");
    records.push(outcome.record);
  }
  const world = {
    conversations,
    records,
    stored: new Set<string>(),
    accepting: true,
    answers: true,
    acknowledges: "persisted" as CompensateDeps["log"]["acknowledges"],
    /** What the persister makes of what it is waited for; the answer says whether it came through. */
    settle: async (): Promise<boolean> => true,
    buried: [] as string[],
    appends: [] as MessageRecord[][],
    pushed: [] as Deliveries,
    answer: (_record: MessageRecord): AppendOutcome => ({ ok: true }),
  };
  const deps: CompensateDeps = {
    conversations,
    log: {
      get acknowledges() {
        return world.acknowledges;
      },
      settled: () => world.settle(),
      isAccepting: () => world.accepting,
      ping: () => (world.answers ? Promise.resolve() : Promise.reject(new Error("away"))),
      append: async (batch: readonly MessageRecord[]) => {
        world.appends.push([...batch]);
        return batch.map(world.answer);
      },
    },
    inDatabase: async () => world.stored,
    bury: async (messageIds) => {
      world.buried.push(...messageIds);
      await conversations.refused(records.filter(({ messageId }) => messageIds.includes(messageId)));
    },
    tries: new Map(),
    maxTries: 3,
    push: async (deliveries) => void world.pushed.push(...deliveries),
    now: () => NOW,
    afterMs: AFTER_MS,
  };
  return { ...world, world, run: () => compensate(deps) };
}
const seqsOf = (records: readonly MessageRecord[]): number[] => records.map(({ seq }) => seq);

describe("compensate", () => {
  it("does nothing while nothing is pending for too long", async () => {
    const { run, appends } = await createWorld([AFTER_MS - 1, 0]);
    assert.equal(await run(), 0);
    assert.deepEqual(appends, []);
  });

  it("drives what is stuck to the log again, oldest first, as it was, and tells those who wait for it", async () => {
    const { run, appends, records, pushed, conversations } = await createWorld([9_000, 8_000, 1_000]);
    assert.equal(await run(), 2);
    assert.deepEqual(appends, [records.slice(0, 2)]);
    assert.deepEqual(
      pushed.map(({ room, event, payload }) => [room, event, (payload as { seq: number }).seq]),
      [
        ["c:g_1", "message:new", 1],
        ["c:g_1", "message:new", 2],
      ],
    );
    assert.deepEqual(await conversations.stableSeqs(["g_1"]), new Map([["g_1", 2]]));
  });

  it("marks what the database has, and logs it no second time", async () => {
    const { run, world, appends, records, conversations } = await createWorld([9_000, 8_000]);
    world.stored = new Set([records[0]!.messageId]);
    assert.equal(await run(), 2);
    assert.deepEqual(appends.map(seqsOf), [[2]]);
    assert.equal(await conversations.find(records[0]!.messageId), null);
    assert.deepEqual(await conversations.stableSeqs(["g_1"]), new Map([["g_1", 2]]));
  });

  it("adds nothing to a log that is behind, but marks what is stored", async () => {
    const { run, world, appends, records } = await createWorld([9_000, 8_000]);
    world.accepting = false;
    world.stored = new Set([records[1]!.messageId]);
    assert.equal(await run(), 1);
    assert.deepEqual(appends, []);
  });

  it("leaves pending what the log does not answer for, and comes back to it", async () => {
    const { run, world, pushed, conversations } = await createWorld([9_000]);
    world.answer = () => ({ ok: false, retryable: true, reason: "slow" });
    assert.equal(await run(), 0);
    assert.deepEqual([pushed.length, (await conversations.pendingStats()).count], [0, 1]);
    world.answer = () => ({ ok: true });
    assert.equal(await run(), 1);
  });

  it("forgets what the log refuses for good, so that nothing waits for it", async () => {
    const { run, world, pushed, conversations } = await createWorld([9_000, 8_000]);
    world.answer = ({ seq }) => (seq === 1 ? { ok: false, retryable: false, reason: "odd" } : { ok: true });
    assert.equal(await run(), 1);
    assert.deepEqual(await conversations.pending(NOW, 10).then(seqsOf), [2], "in the log, still to be persisted");
    assert.deepEqual(await conversations.stableSeqs(["g_1"]), new Map([["g_1", 2]]));
    assert.equal(pushed.length, 1);
  });

  it("gives up what is still pending after the last try, and nothing sooner", async () => {
    const { run, world, records, conversations } = await createWorld([9_000, 8_000]);
    world.answer = ({ seq }) => (seq === 1 ? { ok: false, retryable: true, reason: "odd" } : { ok: true });
    await run();
    await conversations.persisted([records[1]!]);
    await run();
    assert.deepEqual(world.buried, []);
    await run();
    assert.deepEqual(world.buried, [records[0]!.messageId]);
    assert.deepEqual(await conversations.stableSeqs(["g_1"]), new Map([["g_1", 2]]), "nothing waits for it any more");
    await run();
    assert.equal(world.buried.length, 1);
  });

  it("counts no try while the log does not answer", async () => {
    const { run, world, records } = await createWorld([9_000]);
    world.answer = () => ({ ok: false, retryable: true, reason: "away" });
    world.answers = false;
    for (let i = 0; i < 10; i++) await run();
    world.answers = true;
    await run();
    await run();
    assert.deepEqual(world.buried, []);
    await run();
    assert.deepEqual(world.buried, [records[0]!.messageId]);
  });

  it("looks at a bounded number of messages in one run", async () => {
    const { run, appends } = await createWorld(Array.from({ length: MAX_COMPENSATED + 5 }, () => 9_000));
    assert.equal(await run(), MAX_COMPENSATED);
    assert.deepEqual(
      appends.map(({ length }) => length),
      [MAX_COMPENSATED],
    );
  });

  describe("with a log that acknowledges before the persister has written", () => {
    const createCluster = async (ages: readonly number[]) => {
      const cluster = await createWorld(ages);
      cluster.world.acknowledges = "logged";
      return cluster;
    };

    it("leaves what is in the log to a persister that is behind, for ever, and drives what is not in it", async () => {
      const { run, world, appends, records, conversations } = await createCluster([9_000, 8_000]);
      await conversations.logged([records[0]!]);
      world.settle = async () => false;
      for (let i = 0; i < 10; i++) await run();
      assert.deepEqual(appends.map(seqsOf), [[2]], "and that once: then it is in the log");
      assert.deepEqual(world.buried, []);
    });

    it("drives again what the persister has passed and the database has not", async () => {
      const { run, appends, records, conversations } = await createCluster([9_000, 8_000]);
      await conversations.logged(records);
      assert.equal(await run(), 2);
      assert.deepEqual(appends.map(seqsOf), [[1, 2]]);
    });

    it("asks the database once more when the persister is through", async () => {
      const { run, world, appends, records, conversations } = await createCluster([9_000, 8_000]);
      await conversations.logged(records);
      world.settle = async () => {
        world.stored = new Set([records[0]!.messageId]);
        return true;
      };
      await run();
      assert.deepEqual(appends.map(seqsOf), [[2]]);
      assert.equal(await conversations.find(records[0]!.messageId), null);
    });

    it("leaves alone what was persisted meanwhile", async () => {
      const { run, world, appends, records, conversations } = await createCluster([9_000]);
      const { pending } = conversations;
      conversations.pending = async (...args) => {
        const stuck = await pending(...args);
        await conversations.persisted(records);
        return stuck;
      };
      world.settle = async () => assert.fail("nothing is left to wait for");
      assert.equal(await run(), 0);
      assert.deepEqual(appends, []);
    });

    it("gives up what the persister passes again and again", async () => {
      const { run, world, records } = await createCluster([9_000]);
      for (let i = 0; i < 3; i++) await run();
      assert.deepEqual(world.buried, [records[0]!.messageId]);
    });
  });
});
