import assert from "node:assert/strict";
import { test } from "node:test";
import { createIdGenerator, ID_EPOCH_MS, MAX_BORROWED_MS, MAX_WORKER_ID } from "../../lib/snowflake.ts";
import { isImError } from "../../lib/errors.ts";

const START = ID_EPOCH_MS + 60_000_000_000;
const unavailable = (error: unknown): boolean => isImError(error, "UNAVAILABLE");

/** A generator over a clock that the test sets. */
function generatorAt(wall: number, options: { workerId?: number; floorMs?: number; ceilingMs?: number } = {}) {
  const clock = { wall };
  return { clock, ids: createIdGenerator({ workerId: 1, ...options, now: () => clock.wall }) };
}

const partsOf = (id: string) => {
  const value = BigInt(id);
  return { ms: Number(value >> 22n) + ID_EPOCH_MS, workerId: Number((value >> 12n) & 1023n), sequence: Number(value & 4095n) };
};

test("a million ids are unique and each is greater than the one before", () => {
  const ids = createIdGenerator({ workerId: 7 });
  const seen = new Set<string>();
  let previous = 0n;
  for (let i = 0; i < 1_000_000; i++) {
    const id = ids.next();
    seen.add(id);
    const value = BigInt(id);
    assert.ok(value > previous, `${id} follows ${previous}`);
    previous = value;
  }
  assert.equal(seen.size, 1_000_000);
  assert.ok(previous < 2n ** 63n);
});

test("an id says when, where and as which it was made, whatever digits vary inside its millisecond", () => {
  for (const workerId of [0, 1, 512, MAX_WORKER_ID]) {
    for (let step = 0; step < 200; step++) {
      const wall = START + step * 7_919;
      const { ids } = generatorAt(wall, { workerId });
      for (let sequence = 0; sequence < 4_096; sequence += 1) {
        const id = ids.next();
        if (sequence % 819 === 0) assert.deepEqual(partsOf(id), { ms: wall, workerId, sequence });
      }
    }
  }
});

test("a full millisecond borrows the next one, up to the bound", () => {
  const { ids } = generatorAt(START);
  for (let i = 0; i < 4_096; i++) ids.next();
  assert.deepEqual(partsOf(ids.next()), { ms: START + 1, workerId: 1, sequence: 0 });
  for (let i = 1; i < 4_096 * MAX_BORROWED_MS; i++) ids.next();
  assert.throws(() => ids.next(), unavailable);
});

test("goes on from its last time when the clock steps back a little", () => {
  const { clock, ids } = generatorAt(START);
  const before = BigInt(ids.next());
  clock.wall = START - MAX_BORROWED_MS;
  const after = ids.next();
  assert.ok(BigInt(after) > before);
  assert.equal(partsOf(after).ms, START);
});

test("refuses, retryable, while the clock is far behind, and recovers with it", () => {
  const { clock, ids } = generatorAt(START);
  ids.next();
  clock.wall = START - MAX_BORROWED_MS - 1;
  assert.throws(() => ids.next(), unavailable);
  clock.wall = START + 1;
  assert.equal(partsOf(ids.next()).ms, START + 1);
});

test("two workers never make the same id", () => {
  const first = generatorAt(START, { workerId: 3 }).ids;
  const second = generatorAt(START, { workerId: 4 }).ids;
  const seen = new Set<string>();
  for (let i = 0; i < 20_000; i++) seen.add(first.next()).add(second.next());
  assert.equal(seen.size, 40_000);
});

test("starts above its floor after a restart, even when the clock went back", () => {
  const first = generatorAt(START);
  const before = Array.from({ length: 10_000 }, () => BigInt(first.ids.next())).at(-1)!;
  const second = generatorAt(START - 1_000, { floorMs: first.ids.lastMs() });
  assert.ok(BigInt(second.ids.next()) > before);
});

test("never passes its ceiling: uses up what is reserved, then refuses until more is", () => {
  const { clock, ids } = generatorAt(START, { ceilingMs: START + 1 });
  ids.next();
  clock.wall = START + 3_600_000;
  for (let i = 0; i < 4_096; i++) assert.equal(partsOf(ids.next()).ms, START + 1);
  assert.throws(() => ids.next(), unavailable);
  ids.reserve(clock.wall + 10_000);
  assert.equal(partsOf(ids.next()).ms, clock.wall);
});

test("refuses a worker id that does not fit", () => {
  for (const workerId of [-1, 1.5, MAX_WORKER_ID + 1]) assert.throws(() => createIdGenerator({ workerId }), RangeError);
});
