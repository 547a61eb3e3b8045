import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WriteLock, WriteLockTimeout, writeLockOf } from "../../mixins/database/write-lock.ts";

describe("WriteLock", () => {
  it("serves those who wait in the order of their coming", async () => {
    const lock = new WriteLock();
    await lock.acquire();
    const order: number[] = [];
    const waiting = [1, 2, 3].map(async (who) => {
      await lock.acquire();
      order.push(who);
      lock.release();
    });
    lock.release();
    await Promise.all(waiting);
    assert.deepEqual(order, [1, 2, 3]);
  });

  it("is not taken from under the one it was handed to", async () => {
    const lock = new WriteLock();
    assert.equal(lock.tryAcquire(), true);
    const next = lock.acquire();
    lock.release();
    assert.equal(lock.tryAcquire(), false);
    await next;
    lock.release();
    assert.equal(lock.tryAcquire(), true);
  });

  it("tells a writer that waits for itself so, and goes on for the others", async () => {
    const lock = new WriteLock();
    await lock.acquire();
    await assert.rejects(lock.acquire(5), WriteLockTimeout);
    const next = lock.acquire();
    lock.release();
    await next;
  });

  it("is one for each file", () => {
    assert.equal(writeLockOf("/data/a"), writeLockOf("/data/a"));
    assert.notEqual(writeLockOf("/data/a"), writeLockOf("/data/b"));
  });
});
