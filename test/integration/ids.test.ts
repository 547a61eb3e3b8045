import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import { imError } from "../../lib/errors.ts";
import { ID_EPOCH_MS } from "../../lib/snowflake.ts";
import type { Database } from "../../mixins/database/index.ts";
import type { HotLeases } from "../../mixins/hot-store/port.ts";
import { memoryLeases } from "../../mixins/hot-store/leases-memory.ts";
import { IdSource } from "../../mixins/ids/id-source.ts";
import { withIds, type IdsVars } from "../../mixins/ids/index.ts";
import { createDatabase, silent } from "../support/database.ts";
import { createNode } from "../support/node.ts";

const START = ID_EPOCH_MS + 60_000_000_000;
const unavailable = { type: "UNAVAILABLE", retryable: true };

const partsOf = (id: string) => {
  const value = BigInt(id);
  return { ms: Number(value >> 22n) + ID_EPOCH_MS, workerId: Number((value >> 12n) & 1023n) };
};

/** Opens sources over one database, on a clock that the test sets; those still open are closed with it. */
async function createIdWorld() {
  const database = await createDatabase();
  const clock = { now: START };
  const sources: IdSource[] = [];
  const lost: Error[] = [];
  const open = async (leases: HotLeases, sql: Database = database.sql): Promise<IdSource> => {
    const source = await IdSource.open({
      sql,
      leases,
      owner: randomUUID(),
      logger: silent,
      onLost: (error) => lost.push(error),
      now: () => clock.now,
      renewEveryMs: 3_600_000,
    });
    sources.push(source);
    return source;
  };
  return {
    clock,
    lost,
    open,
    async [Symbol.asyncDispose]() {
      for (const source of sources) await source.close();
      await database[Symbol.asyncDispose]();
    },
  };
}

describe("ids", () => {
  it("gives nodes that run at the same time different worker ids", async () => {
    await using world = await createIdWorld();
    const leases = memoryLeases();
    const sources = [await world.open(leases), await world.open(leases), await world.open(leases)];
    assert.deepEqual(
      sources.map((source) => partsOf(source.next()).workerId),
      [0, 1, 2],
    );
  });

  it("never repeats an id after the process was killed, even if the clock went back", async () => {
    await using world = await createIdWorld();
    const seen = new Set<string>();
    for (const step of [0, 5, 500, -3_600_000, 0, 20_000, -86_400_000]) {
      world.clock.now += step;
      const source = await world.open(memoryLeases());
      for (let i = 0; i < 5_000; i++) seen.add(source.next());
    }
    assert.equal(seen.size, 7 * 5_000);
  });

  it("uses its worker id again after an orderly stop, above what it made", async () => {
    await using world = await createIdWorld();
    const first = await world.open(memoryLeases());
    const before = BigInt(first.next());
    await first.close();
    assert.throws(() => first.next(), unavailable);
    world.clock.now += 1;
    const second = await world.open(memoryLeases());
    const id = second.next();
    assert.equal(partsOf(id).workerId, 0);
    assert.ok(BigInt(id) > before);
  });

  it("makes ids only for time that is reserved, and reserves more as time passes", async () => {
    await using world = await createIdWorld();
    const source = await world.open(memoryLeases());
    world.clock.now += 60_000;
    assert.ok(partsOf(source.next()).ms <= START + 10_000);
    await source.renew();
    assert.equal(partsOf(source.next()).ms, START + 60_000);
    assert.deepEqual(world.lost, []);
  });

  it("stops making ids, and says so, when someone else has its worker id", async () => {
    await using world = await createIdWorld();
    const leases = memoryLeases({ now: () => world.clock.now });
    const first = await world.open(leases);
    world.clock.now += 11_000;
    const second = await world.open(leases);
    assert.equal(partsOf(second.next()).workerId, 0);
    await first.renew();
    assert.throws(() => first.next(), unavailable);
    assert.equal(world.lost.length, 1);
    await first.renew();
    assert.equal(world.lost.length, 1);
    second.next();
  });

  it("is stopped by SQL when two hot stores gave out the same worker id, and nothing repeats meanwhile", async () => {
    await using world = await createIdWorld();
    const first = await world.open(memoryLeases());
    const seen = new Set([first.next()]);
    world.clock.now += 10_000;
    const second = await world.open(memoryLeases());
    for (let i = 0; i < 2_000; i++) seen.add(first.next()).add(second.next());
    assert.equal(seen.size, 4_001);
    world.clock.now += 1;
    await first.renew();
    assert.throws(() => first.next(), unavailable);
    assert.equal(world.lost.length, 1);
  });

  it("goes on when the hot store forgot the lease and nobody took it", async () => {
    await using world = await createIdWorld();
    let leases = memoryLeases();
    const forgetful: HotLeases = {
      acquire: (...lease) => leases.acquire(...lease),
      renew: (...lease) => leases.renew(...lease),
      release: (...lease) => leases.release(...lease),
    };
    const source = await world.open(forgetful);
    leases = memoryLeases();
    world.clock.now += 3_000;
    await source.renew();
    assert.deepEqual(world.lost, []);
    source.next();
    assert.equal(await leases.acquire("worker-id:0", "someone else", 1_000), null);
  });

  it("goes on while the hot store is away, as long as SQL answers, and stops in order", async () => {
    await using world = await createIdWorld();
    const leases = memoryLeases();
    let isAway = false;
    const away = async (): Promise<never> => Promise.reject(imError("UNAVAILABLE"));
    const source = await world.open({
      acquire: (...args) => (isAway ? away() : leases.acquire(...args)),
      renew: (...args) => (isAway ? away() : leases.renew(...args)),
      release: (...args) => (isAway ? away() : leases.release(...args)),
    });
    isAway = true;
    for (let i = 0; i < 10; i++) {
      world.clock.now += 5_000;
      await source.renew();
      source.next();
    }
    assert.deepEqual(world.lost, []);
    await source.close();
  });

  it("ends with the reserved time while SQL does not answer, and recovers with it", async () => {
    await using database = await createDatabase();
    await using world = await createIdWorld();
    let isAway = false;
    const { sql } = database;
    const flaky = new Proxy(sql, {
      get(target, name: keyof Database) {
        if (isAway && name === "execute") return () => Promise.reject(new Error("away"));
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
    const source = await world.open(memoryLeases(), flaky);
    isAway = true;
    world.clock.now += 60_000;
    await source.renew();
    for (let i = 0; i < 4_096; i++) source.next();
    assert.throws(() => source.next(), unavailable);
    isAway = false;
    await source.renew();
    assert.equal(partsOf(source.next()).ms, START + 60_000);
    await source.close();
  });

  it("is one source for all services of a node", async () => {
    const sources: unknown[] = [];
    const schema = (name: string) => ({
      name,
      mixins: [withIds()],
      async started(this: IdsVars) {
        sources.push(this.ids);
        this.ids.next();
      },
    });
    await using node = await createNode([schema("a"), schema("b")] as never);
    assert.equal(sources.length, 2);
    assert.equal(sources[0], sources[1]);
    await node.stop();
  });
});
