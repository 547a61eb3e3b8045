import assert from "node:assert/strict";
import { test } from "node:test";
import { createKeyedLimiter, createLimiter } from "../../lib/concurrency.ts";
import { isImError } from "../../lib/errors.ts";

/** Work that ends when the test says so. */
function pieces() {
  const running: { name: string; end: () => void }[] = [];
  const started: string[] = [];
  const work = (name: string) => async (): Promise<string> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    started.push(name);
    running.push({ name, end: resolve });
    await promise;
    return name;
  };
  return { started, work, endNext: () => running.shift()!.end() };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("runs no more than the limit, the others in their order", async () => {
  const { started, work, endNext } = pieces();
  const limiter = createLimiter({ concurrency: 2 });
  const all = Promise.all(["a", "b", "c", "d"].map((name) => limiter.run(work(name))));
  await settled();
  assert.deepEqual(started, ["a", "b"]);
  endNext();
  await settled();
  assert.deepEqual(started, ["a", "b", "c"]);
  endNext();
  endNext();
  await settled();
  endNext();
  assert.deepEqual(await all, ["a", "b", "c", "d"]);
});

test("what is urgent goes before all that waits, in its own order", async () => {
  const { started, work, endNext } = pieces();
  const limiter = createLimiter({ concurrency: 1 });
  const all = ["a", "b"].map((name) => limiter.run(work(name)));
  all.push(...["c", "d"].map((name) => limiter.run(work(name), { isUrgent: true })));
  for (let ended = 0; ended < 4; ended++) {
    await settled();
    endNext();
  }
  await Promise.all(all);
  assert.deepEqual(started, ["a", "c", "d", "b"]);
});

test("a failure is its caller's and makes room", async () => {
  const limiter = createLimiter({ concurrency: 1 });
  await assert.rejects(
    limiter.run(() => Promise.reject(new Error("no"))),
    /no/,
  );
  assert.equal(await limiter.run(() => Promise.resolve(1)), 1);
});

test("work that waited too long is refused without being started", async () => {
  const { started, work, endNext } = pieces();
  const limiter = createLimiter({ concurrency: 1, maxWaitMs: 0 });
  const first = limiter.run(work("a"));
  const second = assert.rejects(limiter.run(work("b")), (error) => isImError(error, "UNAVAILABLE"));
  const start = performance.now();
  while (performance.now() === start);
  await settled();
  endNext();
  await Promise.all([first, second]);
  assert.deepEqual(started, ["a"]);
});

test("keys do not wait for each other", async () => {
  const { started, work, endNext } = pieces();
  const limiter = createKeyedLimiter({ concurrency: 1 });
  const all = Promise.all([limiter.run("x", work("x1")), limiter.run("x", work("x2")), limiter.run("y", work("y1"))]);
  await settled();
  assert.deepEqual(started, ["x1", "y1"]);
  endNext();
  endNext();
  await settled();
  endNext();
  assert.deepEqual(await all, ["x1", "x2", "y1"]);
});
