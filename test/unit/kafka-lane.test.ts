import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MessageRecord } from "../../contracts/records.ts";
import { decode, type EncodedRecord } from "../../mixins/message-log/kafka/codec.ts";
import { Lane } from "../../mixins/message-log/kafka/lane.ts";
import { OnItsWay } from "../../mixins/message-log/tickets.ts";
import { buildRecord, buildRecords } from "../support/records.ts";
import { waitFor } from "../support/wait.ts";

const tooLarge = (): Error => Object.assign(new Error("too large"), { type: "MESSAGE_TOO_LARGE" });

function seqsOf(messages: readonly EncodedRecord[]): number[] {
  return messages.map(({ value }) => (decode({ value } as Parameters<typeof decode>[0]) as MessageRecord).seq);
}

/** A lane whose writes do what the test says; by default they succeed at once. */
function createLane(lingerMs = 1) {
  const world = {
    tried: [] as number[][],
    written: [] as number[],
    refused: [] as number[],
    failures: [] as unknown[],
    write: async (_messages: readonly EncodedRecord[]): Promise<void> => undefined,
  };
  const lane = new Lane({
    lingerMs,
    write: (messages) => {
      world.tried.push(seqsOf(messages));
      return world.write(messages);
    },
    onWritten: (written) => void world.written.push(...written.map(({ record }) => record.seq)),
    onRefused: ({ record }) => void world.refused.push(record.seq),
    onFailed: (error) => void world.failures.push(error),
    backoffMs: () => 1,
  });
  const add = (records: readonly MessageRecord[]): void => records.forEach((record) => lane.add(new OnItsWay(record)));
  return { world, lane, add };
}

describe("the way into a topic", () => {
  it("writes together what arrives within a millisecond, in its order", async () => {
    const { world, add } = createLane();
    const records = buildRecords(3);
    add(records.slice(0, 1));
    await Promise.resolve();
    add(records.slice(1));
    await waitFor(() => world.written.length === 3);
    assert.deepEqual(world.tried, [[1, 2, 3]]);
  });

  it("lets each write wait for what it can take along", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { world, add } = createLane(50);
    const records = buildRecords(3);
    world.write = async () => {
      world.write = async () => undefined;
      add(records.slice(1, 2));
    };
    add(records.slice(0, 1));
    t.mock.timers.tick(50);
    await waitFor(() => world.written.length === 1);
    add(records.slice(2));
    t.mock.timers.tick(50);
    await waitFor(() => world.written.length === 3);
    assert.deepEqual(world.tried, [[1], [2, 3]]);
  });

  it("waits for no more than 500 records", async () => {
    const { world, add } = createLane(60_000);
    const records = buildRecords(501);
    add(records.slice(0, 499));
    await new Promise(setImmediate);
    assert.deepEqual(world.tried, []);
    add(records.slice(499));
    await new Promise(setImmediate);
    assert.deepEqual(
      world.tried.map(({ length }) => length),
      [500, 1],
    );
  });

  it("has one write at a time; what arrives meanwhile goes with the next", async () => {
    const { world, add } = createLane();
    const gate = Promise.withResolvers<void>();
    world.write = () => gate.promise;
    const records = buildRecords(5);
    add(records.slice(0, 2));
    await waitFor(() => world.tried.length);
    add(records.slice(2, 3));
    add(records.slice(3));
    await new Promise(setImmediate);
    assert.deepEqual(world.tried, [[1, 2]]);
    gate.resolve();
    await waitFor(() => world.written.length === 5);
    assert.deepEqual(world.tried, [
      [1, 2],
      [3, 4, 5],
    ]);
  });

  it("writes no more bytes at once than a topic takes", async () => {
    const { world, add } = createLane();
    const conversationId = "g_1";
    add(Array.from({ length: 4 }, (_, i) => buildRecord({ conversationId, seq: i + 1, content: { text: "x".repeat(300_000) } })));
    await waitFor(() => world.written.length === 4);
    assert.deepEqual(world.tried, [
      [1, 2],
      [3, 4],
    ]);
  });

  it("tries a write that failed again before anything behind it, and says since when it fails", async () => {
    const { world, lane, add } = createLane();
    let isDown = true;
    world.write = async () => {
      if (isDown) throw new Error("down");
    };
    const before = performance.now();
    assert.equal(lane.failingSince, null);
    add(buildRecords(2));
    await waitFor(() => world.tried.length);
    add(buildRecords(1, {}, 3));
    await waitFor(() => world.tried.length > 3);
    assert.ok(lane.failingSince !== null && lane.failingSince >= before && lane.failingSince <= performance.now());
    isDown = false;
    await waitFor(() => world.written.length === 3);
    const again = world.tried.slice(0, -1);
    assert.deepEqual(again, Array(again.length).fill([1, 2]));
    assert.deepEqual([world.tried.at(-1), world.failures.length, lane.failingSince], [[3], again.length - 1, null]);
  });

  it("refuses a record that is too large for good, and writes those beside it in their order", async () => {
    const { world, lane, add } = createLane();
    world.write = async (messages) => {
      if (seqsOf(messages).includes(4)) throw tooLarge();
    };
    add(buildRecords(7));
    await waitFor(() => world.written.length === 6);
    assert.deepEqual(world.written, [1, 2, 3, 5, 6, 7]);
    assert.deepEqual([world.refused, world.failures, lane.failingSince], [[4], [], null]);
  });

  it("tries nothing again once it is abandoned", async () => {
    const { world, lane, add } = createLane();
    const gate = Promise.withResolvers<void>();
    world.write = () => gate.promise;
    add(buildRecords(1));
    await waitFor(() => world.tried.length === 1);
    lane.abandon();
    gate.reject(new Error("down"));
    await waitFor(() => world.failures.length === 1);
    add(buildRecords(1, {}, 2));
    await waitFor(() => lane.isIdle, "it looked");
    assert.equal(world.tried.length, 1);
  });
});
