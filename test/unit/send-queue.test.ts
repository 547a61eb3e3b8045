import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import type { Socket as Connection } from "engine.io";
import { SendQueue } from "../../services/socket/send-queue.ts";
import { TurnWebSocket } from "../../services/socket/turn-transport.ts";

const SYNC_BYTES = 1_000;
const CUT_BYTES = 4_000;
const SYNC_NEEDED = '2["sync:needed",{"reason":"slow"}]';
const push = (name: string, bytes = 100): string => `2["${name}"]`.padEnd(bytes);

interface World {
  readonly connection: Connection;
  readonly queue: SendQueue;
  /** What Engine.IO was given. */
  readonly written: string[];
  readonly counts: { dropped: number; told: number; cut: number };
  /** The system has taken all but so many bytes. */
  drainTo(bytes: number): void;
  readonly isAborted: () => boolean;
}

/** A queue in front of a connection whose transport holds what the test says. */
function createWorld(): World {
  let held = 0;
  let isAborted = false;
  const transport = Object.defineProperties(Object.create(TurnWebSocket.prototype) as TurnWebSocket, {
    queuedBytes: { get: () => held },
    abort: { value: () => (isAborted = true) },
  });
  const written: string[] = [];
  const write = (data: string): void => void written.push(data);
  const connection = Object.assign(new EventEmitter(), { transport, readyState: "open", write }) as unknown as Connection;
  const counts = { dropped: 0, told: 0, cut: 0 };
  const queue = new SendQueue(
    connection,
    { syncBytes: SYNC_BYTES, cutBytes: CUT_BYTES },
    { dropped: () => counts.dropped++, toldToSync: () => counts.told++, cut: () => counts.cut++ },
  );
  return {
    connection,
    queue,
    written,
    counts,
    drainTo(bytes) {
      connection.emit("flush");
      held = bytes;
    },
    isAborted: () => isAborted,
  };
}

const nextTick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

describe("the queue of a connection", () => {
  it("holds pushes up to the bound, then none until less than half is left, then one sync:needed behind them", () => {
    const { connection, queue, written, counts, drainTo } = createWorld();
    for (let i = 1; i <= 12; i++) connection.write(push(String(i)));
    assert.equal(written.length, 10);
    assert.equal(queue.bytes(), 1_000);
    drainTo(600);
    connection.write(push("13"));
    queue.settle();
    assert.equal(written.length, 10);
    drainTo(499);
    connection.write(push("14"));
    queue.settle();
    assert.deepEqual(written.slice(10), [SYNC_NEEDED, push("14")]);
    assert.deepEqual(counts, { dropped: 3, told: 1, cut: 0 });
  });

  it("tells to sync again only after it was slow again", () => {
    const { connection, queue, written, counts, drainTo } = createWorld();
    for (const round of [1, 2]) {
      for (let i = 0; i < 12; i++) connection.write(push(`${round}`));
      drainTo(0);
      queue.settle();
      queue.settle();
      drainTo(0);
    }
    assert.equal(written.filter((data) => data === SYNC_NEEDED).length, 2);
    assert.equal(counts.told, 2);
  });

  it("still takes answers and the end of the session", () => {
    const { connection, written } = createWorld();
    for (let i = 0; i < 12; i++) connection.write(push("m"));
    const more = ["37[{}]", '2["session:ended",{"code":1004,"reason":"logout"}]'];
    for (const data of more) connection.write(data);
    assert.deepEqual(written.slice(10), more);
  });

  it("cuts beyond the second bound, of what waits and what was dropped, and writes nothing more", async () => {
    for (const data of [push("m"), "3".padEnd(100)]) {
      const { connection, counts, isAborted, written, drainTo } = createWorld();
      for (let i = 0; i < 40; i++) connection.write(data);
      await nextTick();
      assert.equal(isAborted(), false);
      connection.write(data);
      const length = written.length;
      drainTo(0);
      connection.write(data);
      await nextTick();
      assert.equal(isAborted(), true);
      assert.deepEqual([written.length, counts.cut], [length, 1]);
    }
  });

  it("counts what was dropped anew when the reader has caught up", () => {
    const { connection, queue, counts, drainTo } = createWorld();
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 30; i++) connection.write(push("m"));
      drainTo(0);
      queue.settle();
      drainTo(0);
    }
    assert.deepEqual(counts, { dropped: 100, told: 5, cut: 0 });
  });

  it("counts bytes, and frames that were made for many", () => {
    const { connection, queue } = createWorld();
    connection.write('2["我"]');
    assert.equal(queue.bytes(), 8);
    const frame = { wsPreEncodedFrame: [Buffer.alloc(2), Buffer.alloc(30)] };
    connection.write("2[]", frame as object);
    assert.equal(queue.bytes(), 40);
  });

  it("leaves a connection that closes as it is", () => {
    const { connection, queue, written } = createWorld();
    connection.readyState = "closing";
    connection.write(push("m"));
    assert.deepEqual([queue.bytes(), written], [0, []]);
  });
});
