import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import type { HotLeases } from "../../mixins/hot-store/port.ts";
import { waitFor } from "../support/wait.ts";

export interface LeasesHarness {
  readonly leases: HotLeases;
  close(): Promise<void>;
}

const TTL_MS = 60_000;

/** Every promise of `HotLeases`, for one implementation. */
export function hotLeasesContract(name: string, open: () => Promise<LeasesHarness>): void {
  const using = (work: (leases: HotLeases, name: string) => Promise<void>) => async () => {
    const harness = await open();
    await work(harness.leases, randomUUID()).finally(() => harness.close());
  };

  describe(`hot leases on ${name}`, () => {
    it(
      "gives a lease to one holder at a time",
      using(async (leases, lease) => {
        const granted = await Promise.all(["a", "b", "c"].map((holder) => leases.acquire(lease, holder, TTL_MS)));
        assert.equal(granted.filter(Boolean).length, 1);
        assert.ok(await leases.acquire(`${lease}:other`, "b", TTL_MS));
      }),
    );

    it(
      "gives the holder the same lease again",
      using(async (leases, lease) => {
        const first = await leases.acquire(lease, "a", TTL_MS);
        assert.ok(first);
        assert.equal(first.name, lease);
        assert.deepEqual(await leases.acquire(lease, "a", TTL_MS), first);
      }),
    );

    it(
      "passes to someone else when it has run out, with a greater token; the first holder has lost it",
      using(async (leases, lease) => {
        const first = await leases.acquire(lease, "a", 50);
        assert.ok(first);
        const second = await waitFor(() => leases.acquire(lease, "b", TTL_MS));
        assert.ok(second.token > first.token);
        assert.equal(await leases.renew(first, "a", TTL_MS), false);
        await leases.release(first, "a");
        assert.equal(await leases.acquire(lease, "a", TTL_MS), null);
        assert.equal(await leases.renew(second, "b", TTL_MS), true);
      }),
    );

    it(
      "stays with a holder that renews it",
      using(async (leases, lease) => {
        const held = await leases.acquire(lease, "a", 100);
        assert.ok(held);
        assert.equal(await leases.renew(held, "a", TTL_MS), true);
        const short = await leases.acquire(`${lease}:clock`, "a", 100);
        assert.ok(short);
        await waitFor(() => leases.acquire(`${lease}:clock`, "b", TTL_MS));
        assert.equal(await leases.acquire(lease, "b", TTL_MS), null);
      }),
    );

    it(
      "is free after its release, and the next token is greater",
      using(async (leases, lease) => {
        const first = await leases.acquire(lease, "a", TTL_MS);
        assert.ok(first);
        await leases.release(first, "b");
        assert.equal(await leases.acquire(lease, "b", TTL_MS), null);
        await leases.release(first, "a");
        const second = await leases.acquire(lease, "b", TTL_MS);
        assert.ok(second && second.token > first.token);
        assert.equal(await leases.renew(first, "a", TTL_MS), false);
      }),
    );
  });
}
