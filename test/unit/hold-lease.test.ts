import assert from "node:assert/strict";
import { test } from "node:test";
import { holdLease, underLease } from "../../mixins/hot-store/hold-lease.ts";
import { memoryLeases } from "../../mixins/hot-store/leases-memory.ts";
import type { HotLeases } from "../../mixins/hot-store/port.ts";
import { waitFor } from "../support/wait.ts";

const options = (holder: string, waitMs = 5_000) => ({ holder, ttlMs: 1_000, waitMs });

test("work under one name is done one after the other, under another name at once", async () => {
  const leases = memoryLeases();
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const order: string[] = [];
  const a = holdLease(leases, "g", options("a"), async () => {
    order.push("a begins");
    first.resolve();
    await second.promise;
    order.push("a ends");
  });
  await first.promise;
  const b = holdLease(leases, "g", options("b"), async () => void order.push("b"));
  await holdLease(leases, "h", options("c"), async () => void order.push("c"));
  second.resolve();
  await Promise.all([a, b]);
  assert.deepEqual(order, ["a begins", "c", "a ends", "b"]);
});

test("a holder is waited for only so long", async () => {
  const leases = memoryLeases();
  await leases.acquire("g", "someone else", 60_000);
  await assert.rejects(
    holdLease(leases, "g", options("a", 20), () => Promise.resolve()),
    { type: "UNAVAILABLE" },
  );
});

test("work that fails gives the lease back and fails as it did; a lease that cannot be asked for does nothing", async () => {
  const leases = memoryLeases();
  const failing = holdLease(leases, "g", options("a"), () => Promise.reject(new Error("it broke")));
  await assert.rejects(failing, /it broke/);
  assert.equal(await holdLease(leases, "g", options("b", 0), () => Promise.resolve(7)), 7);
  let isDone = false;
  const away = { ...leases, acquire: () => Promise.reject(new Error("away")) };
  await assert.rejects(
    holdLease(away, "g", options("c"), async () => void (isDone = true)),
    /away/,
  );
  assert.equal(isDone, false);
});

test("a lease is renewed while one works, and says when it may be another's", async () => {
  let now = 0;
  const leases = memoryLeases({ now: () => now });
  const asked = { count: 0, answer: true };
  const watched = {
    ...leases,
    renew: async (...args: Parameters<HotLeases["renew"]>) => {
      asked.count++;
      return asked.answer && leases.renew(...args);
    },
  };
  const of = (holder: string) => ({ holder, ttlMs: 400 });
  await underLease(watched, "name", of("one"), async (term) => {
    await waitFor(() => asked.count > 5, "renewals for longer than it lasts");
    assert.equal(term.holds(), true);
    assert.equal(await underLease(leases, "name", of("two"), async () => true), null);
    asked.answer = false;
    await waitFor(() => !term.holds(), "it is lost");
    now += 401;
    const newer = await underLease(leases, "name", of("two"), async ({ token }) => token);
    assert.ok(newer! > term.token);
  });
});

test("work that others do not wait for gives the lease back when it fails, and is not done while the lease cannot be asked for", async () => {
  const leases = memoryLeases();
  const of = (holder: string) => ({ holder, ttlMs: 60_000 });
  await assert.rejects(
    underLease(leases, "g", of("a"), () => Promise.reject(new Error("it broke"))),
    /it broke/,
  );
  assert.equal(await underLease(leases, "g", of("b"), () => Promise.resolve(7)), 7);
  const away = { ...leases, acquire: () => Promise.reject(new Error("away")) };
  await assert.rejects(
    underLease(away, "g", of("c"), () => Promise.reject(new Error("it was done"))),
    /away/,
  );
});
