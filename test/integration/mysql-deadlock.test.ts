import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openMysql } from "../../mixins/database/mysql.ts";
import type { Database } from "../../mixins/database/port.ts";
import { ownDatabase } from "../support/mysql.ts";
import { serversFor } from "../support/servers.ts";

const server = await serversFor("mysql");
const ROWS = Array.from({ length: 8 }, (_, at) => `row ${at}`);
const ROUNDS = 25;

/** Two nodes on one database, and how often one of them had to begin anew. */
async function usingTwo(work: (nodes: readonly [Database, Database], retries: () => number) => Promise<void>): Promise<void> {
  await using own = await ownDatabase(server.url);
  let retries = 0;
  const logger = { warn: () => void retries++, error: () => undefined };
  const open = () => openMysql({ url: own.url, poolSize: 4, logger });
  const nodes = [await open(), await open()] as const;
  try {
    await nodes[0].execute("create table item (id varchar(20) primary key, n bigint not null)");
    await nodes[0].insertRows(
      "item",
      ROWS.map((id) => ({ id, n: 0 })),
      "fail",
    );
    await work(nodes, () => retries);
  } finally {
    await Promise.all(nodes.map((node) => node.close()));
  }
}

async function countUp(db: Database, order: readonly string[]): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) await countOnce(db, order);
}

/** @param onFirst is waited for when the first row is taken */
const countOnce = (db: Database, order: readonly string[], onFirst = () => Promise.resolve()): Promise<void> =>
  db.transaction(async (tx) => {
    for (const id of order) {
      await db.execute("update item set n = n + 1 where id = :id", { id }, tx);
      if (id === order[0]) await onFirst();
    }
  });

/** Each who comes waits for the other one; who comes again waits for nobody. */
function meeting(): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let arrivals = 0;
  return () => {
    if (++arrivals === 2) resolve();
    return promise;
  };
}

describe("transactions on MySQL that wait for each other", { skip: server.skip }, () => {
  it("begin anew when they would wait for ever, and lose nothing", () =>
    usingTwo(async (nodes, retries) => {
      // Whoever goes on has both rows then, so that the other one cannot lose again and again.
      const two = ROWS.slice(0, 2);
      for (let round = 0; round < ROUNDS; round++) {
        const meet = meeting();
        await Promise.all([countOnce(nodes[0], two, meet), countOnce(nodes[1], two.toReversed(), meet)]);
      }
      assert.equal(retries(), ROUNDS, "one of them each time");
      const rows = await nodes[0].select("select distinct n from item where id in (:two)", { two });
      assert.deepEqual(rows, [{ n: 2 * ROUNDS }]);
    }));

  it("do not wait for each other for ever when they take rows in one order", () =>
    usingTwo(async (nodes, retries) => {
      await Promise.all([countUp(nodes[0], ROWS), countUp(nodes[1], ROWS)]);
      assert.equal(retries(), 0);
    }));
});
