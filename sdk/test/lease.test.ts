import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Lease, type Held, type LeasePlace } from "../src/lease.ts";
import { SharedStorage } from "./support/shared-storage.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const NAME = "a store";
const KEY = `lock ${NAME}`;
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
/** The clock goes on, but nobody's timers come: the machine, or the page, was asleep. */
const sleep = (ms: number): void => void vi.setSystemTime(Date.now() + ms);

/** Stands in line in a tab; what happens is written down. */
function hold(place: LeasePlace) {
  const ending = new AbortController();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const one = { state: "waiting", held: null as Held | null, error: null as unknown, release, stop: () => ending.abort() };
  const over = new Lease(NAME, place).hold(ending.signal, (held) => {
    Object.assign(one, { state: "holds", held });
    return released;
  });
  over.then(
    () => (one.state = "released"),
    (error: unknown) => Object.assign(one, { state: "lost", error }),
  );
  return one;
}

describe("a lease", () => {
  it("is taken when it is free, and kept as long as its holder lives", async () => {
    const storage = new SharedStorage();
    const one = hold(storage.tab());
    await pass(400);
    expect(one.state).toBe("holds");
    const other = hold(storage.tab());
    await pass(120_000);
    expect([one.state, other.state]).toEqual(["holds", "waiting"]);
    expect([one.held!.isHeld(), vi.getTimerCount() > 0]).toEqual([true, true]);
  });

  it("goes to the next one at once when it is released", async () => {
    const storage = new SharedStorage();
    const one = hold(storage.tab());
    await pass(400);
    const other = hold(storage.tab());
    await pass(1_000);
    one.release();
    await pass(400);
    expect([one.state, other.state]).toEqual(["released", "holds"]);
    other.release();
    await pass(400);
    expect(storage.tab().storage.getItem(KEY)).toBeNull();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is released by a page that goes, though it may be come back to", async () => {
    const storage = new SharedStorage();
    const place = storage.tab();
    const one = hold(place);
    await pass(400);
    const other = hold(storage.tab());
    place.events.dispatchEvent(new Event("pagehide"));
    await pass(400);
    expect([one.state, other.state]).toEqual(["lost", "holds"]);
    await expect(one.held!.confirm()).rejects.toMatchObject({ code: 0 });
  });

  it("of one that died is over after some seconds", async () => {
    const storage = new SharedStorage();
    storage.tab().storage.setItem(KEY, JSON.stringify({ holder: "dead", until: Date.now() + 10_000 }));
    await pass(100);
    const one = hold(storage.tab());
    await pass(9_000);
    expect(one.state).toBe("waiting");
    await pass(3_000);
    expect(one.state).toBe("holds");
  });

  it("is one's alone, of many that take it at the same time", async () => {
    for (let round = 0; round < 50; round++) {
      const storage = new SharedStorage();
      const all = Array.from({ length: 5 }, () => hold(storage.tab()));
      await pass(1_000);
      expect(all.map(({ state }) => state).sort()).toEqual(["holds", ...Array<string>(4).fill("waiting")]);
      for (const one of all) one.stop();
      all.find(({ state }) => state === "holds")!.release();
      await pass(1_000);
      expect(vi.getTimerCount()).toBe(0);
    }
  });

  it("stays with one whose timers are slow, since it answers", async () => {
    const storage = new SharedStorage();
    const one = hold(storage.tab());
    await pass(400);
    const second = storage.tab();
    const other = hold(second);
    await pass(100);
    sleep(60_000);
    second.events.dispatchEvent(new Event("visibilitychange"));
    await pass(2_500);
    expect([one.state, other.state, one.held!.isHeld()]).toEqual(["holds", "waiting", true]);
  });

  it("is lost by one that slept and did not answer, which is told before it does anything", async () => {
    const storage = new SharedStorage();
    const first = storage.tab();
    const one = hold(first);
    await pass(2_000);
    const second = storage.tab();
    const other = hold(second);
    await pass(100);
    first.isFrozen = true;
    sleep(60_000);
    vi.spyOn(first.storage, "setItem").mockImplementation(() => undefined); // its timers are late, too
    second.events.dispatchEvent(new Event("visibilitychange"));
    await pass(1_600);
    expect(other.state).toBe("holds");
    expect(one.held!.isHeld()).toBe(false);
    await expect(one.held!.confirm()).rejects.toMatchObject({ code: 0 });
    await pass(0);
    expect([one.state, other.state]).toEqual(["lost", "holds"]);
    expect(other.held!.isHeld()).toBe(true);
  });

  it("is lost at once by one that hears of another one", async () => {
    const storage = new SharedStorage();
    const one = hold(storage.tab());
    await pass(400);
    storage.tab().storage.setItem(KEY, JSON.stringify({ holder: "another", until: Date.now() + 10_000 }));
    await pass(50);
    expect(one.state).toBe("lost");
  });

  it("that is over is taken anew before something is done with it, and is long enough for that", async () => {
    const storage = new SharedStorage();
    const one = hold(storage.tab());
    await pass(400);
    sleep(60_000);
    let isConfirmed = false;
    void one.held!.confirm(35_000).then(() => (isConfirmed = true));
    await pass(50);
    expect(isConfirmed).toBe(false);
    await pass(350);
    expect(isConfirmed).toBe(true);
    await pass(50);
    const entry = JSON.parse(storage.tab().storage.getItem(KEY)!) as { until: number };
    expect(entry.until).toBeGreaterThan(Date.now() + 34_000);
  });

  it("from before the clock was set back keeps nobody out", async () => {
    const storage = new SharedStorage();
    const place = storage.tab();
    place.storage.setItem(KEY, JSON.stringify({ holder: "of tomorrow", until: Date.now() + 86_400_000 }));
    const one = hold(place);
    await pass(2_000);
    expect(one.state).toBe("holds");
  });

  it("is waited for no more when that is ended", async () => {
    const storage = new SharedStorage();
    const one = hold(storage.tab());
    await pass(400);
    const other = hold(storage.tab());
    await pass(400);
    other.stop();
    await pass(0);
    expect(other.state).toBe("lost");
    one.release();
    await pass(100);
    expect(vi.getTimerCount()).toBe(0);
  });
});
