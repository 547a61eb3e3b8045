import assert from "node:assert/strict";
import { test } from "node:test";
import { Fifo } from "../../lib/fifo.ts";

test("gives items in the order in which they came, also over many of them", () => {
  const queue = new Fifo<number>();
  let pushed = 0;
  let taken = 0;
  for (let round = 0; round < 300; round++) {
    for (let i = 0; i < 3; i++) queue.push(pushed++);
    for (let i = 0; i < 2; i++) {
      assert.equal(queue.first(), taken);
      assert.equal(queue.shift(), taken++);
    }
  }
  while (taken < pushed) assert.equal(queue.shift(), taken++);
  assert.deepEqual([queue.first(), queue.shift()], [undefined, undefined]);
  queue.push(5);
  assert.equal(queue.first(), 5);
});
