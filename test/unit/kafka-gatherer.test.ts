import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EachBatchPayload } from "kafkajs";
import type { MessageRecord } from "../../contracts/records.ts";
import { encode } from "../../mixins/message-log/kafka/codec.ts";
import { Gatherer } from "../../mixins/message-log/kafka/gatherer.ts";
import type { Position, Unreadable } from "../../mixins/message-log/kafka/portions.ts";
import type { BatchResult, LogBatch } from "../../mixins/message-log/port.ts";
import { buildRecords } from "../support/records.ts";
import { waitFor } from "../support/wait.ts";

const lost = (): Error => Object.assign(new Error("the group is rebalancing"), { type: "REBALANCE_IN_PROGRESS" });
const toPairs = (positions: readonly Position[]) => positions.map(({ partition, offset }) => [partition, offset]);

/** A gatherer of a member whose broker and handler do what the test says. */
function createGatherer(maxBatch = 100) {
  const world = {
    isRunning: true,
    batches: [] as number[][],
    /** What happened, in order. */
    steps: [] as string[],
    commits: [] as (string | number)[][][],
    resolved: [] as [number, string][],
    buried: [] as Unreadable[],
    tried: [] as unknown[],
    heartbeats: 0,
    handle: async (_batch: LogBatch): Promise<BatchResult | void> => undefined,
    bury: async (): Promise<void> => undefined,
    commit: async (): Promise<void> => undefined,
    heartbeat: async (): Promise<void> => undefined,
  };
  const gatherer = new Gatherer({
    ...{ maxBatch, heartbeatEveryMs: 5, commitTimeoutMs: 50, backoffMs: () => 1 },
    async onBatch(batch) {
      world.steps.push("handle");
      const result = await world.handle(batch);
      world.batches.push(batch.records.map(({ seq }) => seq));
      return result;
    },
    async bury(_result, unreadable) {
      if (unreadable.length > 0) world.steps.push("bury");
      await world.bury();
      world.buried.push(...unreadable);
    },
    async commit(positions) {
      world.steps.push("commit");
      await world.commit();
      world.commits.push(toPairs(positions));
    },
    onTried: (error) => void world.tried.push(error),
  });
  /** What a partition gives; a string is a value that cannot be read. */
  const give = (partition: number, from: number, values: readonly (MessageRecord | string)[]): Promise<void> => {
    const messages = values.map((value, i) => ({
      ...(typeof value === "string" ? { key: null, value: Buffer.from(value) } : encode(value)),
      offset: String(from + i),
    }));
    return gatherer.add({
      batch: { topic: "t", partition, messages },
      resolveOffset: (offset: string) => void world.resolved.push([partition, offset]),
      heartbeat: async () => {
        world.heartbeats++;
        await world.heartbeat();
      },
      isRunning: () => world.isRunning,
    } as unknown as EachBatchPayload);
  };
  return { world, gatherer, give };
}

describe("what the partitions of a member give", () => {
  it("is handled together, each partition in its order, and committed behind its last record once that is done", async () => {
    const { world, give } = createGatherer();
    await Promise.all([give(0, 10, buildRecords(2)), give(1, 5, buildRecords(1, {}, 3)), give(2, 0, buildRecords(2, {}, 4))]);
    assert.deepEqual(world.batches, [[1, 2, 3, 4, 5]]);
    assert.deepEqual(world.commits, [
      [
        [0, "12"],
        [1, "6"],
        [2, "2"],
      ],
    ]);
    assert.deepEqual(world.resolved, [
      [0, "11"],
      [1, "5"],
      [2, "1"],
    ]);
    assert.deepEqual(world.steps, ["handle", "commit"]);
  });

  it("is divided where it is more than a batch, and each part is committed before the next", async () => {
    const { world, give } = createGatherer(2);
    await Promise.all([give(0, 0, buildRecords(3)), give(1, 0, buildRecords(2, {}, 4))]);
    assert.deepEqual(world.batches, [[1, 2], [3, 4], [5]]);
    assert.deepEqual(world.commits, [
      [[0, "2"]],
      [
        [0, "3"],
        [1, "1"],
      ],
      [[1, "2"]],
    ]);
  });

  it("stays where it is while its handler fails, and its member stays in the group", async () => {
    const { world, give } = createGatherer(2);
    let isBroken = true;
    world.handle = async () => {
      if (isBroken) throw new Error("not now");
    };
    const given = give(0, 0, buildRecords(3));
    await waitFor(() => world.heartbeats > 3);
    assert.deepEqual([world.commits, world.resolved], [[], []]);
    assert.ok(world.tried.length > 1);
    isBroken = false;
    await given;
    assert.deepEqual(world.batches, [[1, 2], [3]]);
    assert.equal(world.tried.at(-1), null);
  });

  it("is not committed before what was rejected of it is buried", async () => {
    const { world, give } = createGatherer();
    let isDown = true;
    world.bury = async () => {
      if (isDown) throw new Error("the database is away");
    };
    const given = give(0, 0, buildRecords(1));
    await waitFor(() => world.batches.length > 1);
    assert.deepEqual(world.commits, []);
    isDown = false;
    await given;
    assert.deepEqual(world.commits, [[[0, "1"]]]);
  });

  it("is kept as it came where it cannot be read, and holds up nothing", async () => {
    const { world, give } = createGatherer();
    const [first, second] = buildRecords(2);
    await give(3, 7, ["{", first!, "", second!]);
    assert.deepEqual(world.batches, [[1, 2]]);
    assert.deepEqual(
      world.buried.map(({ partition, offset, value, reason }) => [partition, offset, String(value), reason]),
      [
        [3, "7", "{", "it cannot be read"],
        [3, "9", "", "it cannot be read"],
      ],
    );
    await give(3, 11, ["["]);
    assert.equal(world.batches.length, 1, "nobody is asked to handle nothing");
    assert.deepEqual(world.commits.at(-1), [[3, "12"]]);
  });

  it("is let go when the member loses its partitions: the running batch ends and is committed, and nothing behind it begins", async () => {
    const { world, give } = createGatherer(1);
    const gate = Promise.withResolvers<void>();
    let running: LogBatch | null = null;
    world.handle = async (batch) => {
      running = batch;
      await gate.promise;
    };
    const error = lost();
    world.heartbeat = () => Promise.reject(error);
    const given = Promise.allSettled([give(0, 0, buildRecords(2)), give(1, 0, buildRecords(1, {}, 3))]);
    await waitFor(() => running?.isStale(), "the batch hears of it");
    gate.resolve();
    assert.deepEqual(await given, [
      { status: "rejected", reason: error },
      { status: "rejected", reason: error },
    ]);
    assert.deepEqual([world.batches, world.commits], [[[1]], [[[0, "1"]]]]);
    world.heartbeat = async () => undefined;
    await give(0, 1, buildRecords(1, {}, 2));
    assert.deepEqual(world.batches, [[1], [2]], "in its next membership it goes on");
  });

  it("is let go while its handler fails, when the partitions are lost", async () => {
    const { world, give } = createGatherer();
    world.handle = () => Promise.reject(new Error("not now"));
    const given = give(0, 0, buildRecords(1));
    await waitFor(() => world.tried.length);
    world.heartbeat = () => Promise.reject(lost());
    await assert.rejects(given, /rebalancing/);
    assert.deepEqual(world.commits, []);
  });

  it("does not mind a heartbeat that the broker does not answer", async () => {
    const { world, give } = createGatherer();
    const gate = Promise.withResolvers<void>();
    world.handle = () => gate.promise;
    world.heartbeat = () => Promise.reject(new Error("Connection timeout"));
    const given = give(0, 0, buildRecords(1));
    await waitFor(() => world.heartbeats > 2);
    gate.resolve();
    await given;
    assert.equal(world.commits.length, 1);
  });

  for (const [what, commit, expected] of [
    ["fail", () => Promise.reject(new Error("gave up", { cause: lost() })), /rebalancing/],
    ["are not answered", () => new Promise<void>(() => undefined), /no answer within 50 ms/],
  ] as const) {
    it(`comes again when its offsets ${what}`, async () => {
      const { world, give } = createGatherer();
      world.commit = commit;
      await assert.rejects(give(0, 0, buildRecords(1)), expected);
      assert.deepEqual(world.resolved, []);
      world.commit = async () => undefined;
      await give(0, 0, buildRecords(1));
      assert.deepEqual([world.batches, world.resolved], [[[1], [1]], [[0, "0"]]]);
    });
  }

  it("is not begun any more when the group stops; the running batch ends and is committed", async () => {
    const { world, gatherer, give } = createGatherer(1);
    const gate = Promise.withResolvers<void>();
    world.handle = () => gate.promise;
    const given = give(0, 0, buildRecords(2));
    await waitFor(() => world.steps.length);
    let hasStopped = false;
    const stopping = gatherer.stop().then(() => (hasStopped = true));
    const late = give(1, 0, buildRecords(1));
    await new Promise(setImmediate);
    assert.equal(hasStopped, false);
    gate.resolve();
    await Promise.all([stopping, given, late]);
    assert.deepEqual([world.batches, world.commits], [[[1]], [[[0, "1"]]]]);
  });

  it("is given up when kafkajs has stopped meanwhile", async () => {
    const { world, give } = createGatherer();
    world.handle = () => Promise.reject(new Error("not now"));
    const given = give(0, 0, buildRecords(1));
    await waitFor(() => world.tried.length);
    world.isRunning = false;
    await given;
    assert.deepEqual([world.commits, world.resolved], [[], []]);
  });
});
