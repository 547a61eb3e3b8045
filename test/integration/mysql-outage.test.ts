import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createConnection } from "mysql2/promise";
import { DataTypes, type Model, type ModelStatic } from "sequelize";
import type { Server } from "../../scripts/servers/server.ts";
import { openMysql } from "../../mixins/database/mysql.ts";
import type { Database } from "../../mixins/database/port.ts";
import { silent } from "../support/database.ts";
import { onServer } from "../support/mysql.ts";
import { freePort } from "../support/server-process.ts";
import { ownServers, reasonToSkip } from "../support/servers.ts";
import { waitFor } from "../support/wait.ts";

const CALL_MS = 5_000;
const PING_MS = 2_000;
const skip = await reasonToSkip("mysql");

describe("MySQL that fails", { skip }, () => {
  let servers: AsyncDisposable & { mysql: Server };
  let server: Server;
  let db: Database;
  let item: ModelStatic<Model>;
  let rows = 0;

  before(async () => {
    servers = await ownServers("mysql");
    server = servers.mysql;
    db = await openMysql({ url: server.url, poolSize: 6, logger: silent });
    await db.execute("create table item (id varchar(40) primary key, n bigint not null)");
    item = db.sequelize.define(
      "item",
      { id: { type: DataTypes.STRING, primaryKey: true }, n: DataTypes.BIGINT },
      { tableName: "item", timestamps: false },
    );
  });
  after(async () => {
    await db.close();
    await servers[Symbol.asyncDispose]();
  });

  const newRow = () => ({ id: `row ${++rows}`, n: 1 });
  const insert = () => db.insertRows("item", [newRow()], "fail");
  const writes = (): Promise<unknown>[] => [
    db.execute("update item set n = n + 1"),
    insert(),
    db.bulkInsert("item", [newRow(), newRow()]),
    db.transaction((tx) => db.insertRows("item", [newRow()], "fail", tx)),
    item.create(newRow()),
  ];
  const reads = (): Promise<unknown>[] => [db.select("select id from item"), item.findAll()];

  /**
   * Each rejects in time with what tells a client to come back. A timer says when it is late: where this process is kept from
   * running for a moment, the bounds of the calls are as well.
   */
  async function allUnavailable(calls: readonly Promise<unknown>[], ms = CALL_MS): Promise<void> {
    const ended = new AbortController();
    const late =
      ms === Infinity ? [] : [delay(ms, `a call took ${ms} ms`, { signal: ended.signal }).catch(() => "all calls have ended")];
    const outcomes = await Promise.all(
      calls.map((call) =>
        Promise.race([
          call.then(
            () => "a call resolved",
            (error: unknown) => ({ isTransient: db.isTransient(error), error }),
          ),
          ...late,
        ]),
      ),
    );
    ended.abort();
    for (const outcome of outcomes) {
      if (typeof outcome === "string") assert.fail(outcome);
      assert.ok(outcome.isTransient, String(outcome.error));
    }
  }

  /** Without a new opening. */
  const worksAgain = (): Promise<unknown> =>
    waitFor(
      () =>
        Promise.all([db.ping(), ...reads(), ...writes()]).then(
          () => true,
          () => false,
        ),
      "the database to work again",
      20_000,
    );

  it("killed: every call rejects in time, acknowledged rows are there when it is back, and calls work again", async () => {
    const acknowledged: string[] = [];
    const running = Array.from({ length: 20 }, async () => {
      for (;;) {
        const row = newRow();
        await db.insertRows("item", [row], "fail");
        acknowledged.push(row.id);
      }
    });
    await waitFor(() => acknowledged.length > 100, "some rows");
    const ended = allUnavailable(running);
    await server.kill();
    await ended;
    await allUnavailable([...reads(), ...writes()]);
    await allUnavailable([db.ping()], PING_MS);
    await allUnavailable([db.exclusive(() => Promise.resolve())]);
    await server.restart();
    await worksAgain();
    const found = new Set((await db.select<{ id: string }>("select id from item")).map(({ id }) => id));
    assert.deepEqual(
      acknowledged.filter((id) => !found.has(id)),
      [],
    );
  });

  it("frozen: every call rejects in time, those that were under way too, and works once it goes on", async () => {
    const { promise: frozen, resolve: go } = Promise.withResolvers<void>();
    const underWay = db.transaction(async (tx) => {
      await db.insertRows("item", [newRow()], "fail", tx);
      await frozen;
      await db.insertRows("item", [newRow()], "fail", tx);
    });
    const before = await db.select("select id from item");
    await server.pause();
    try {
      await waitFor(() => hasStopped(server.pid!), "all threads of the server to stand still");
      go();
      const crowd = Array.from({ length: 20 }, () => insert());
      await Promise.all([
        allUnavailable([underWay, ...reads(), ...writes(), ...crowd, db.exclusive(() => Promise.resolve())]),
        allUnavailable([db.ping()], PING_MS),
        assert.rejects(openMysql({ url: server.url, poolSize: 2, logger: silent }), /cannot be reached: it does not answer/),
      ]);
    } finally {
      await server.resume();
    }
    await worksAgain();
    assert.ok((await db.select("select id from item")).length > before.length);
  });

  it("read-only: writes are refused as unavailable, reads go on, and writes work once it may be written to", async () => {
    await onServer(server.rootUrl!, "set global read_only = 1");
    await allUnavailable(writes());
    await Promise.all([db.ping(), ...reads()]);
    await onServer(server.rootUrl!, "set global read_only = 0");
    await worksAgain();
  });

  it("with no connection to spare: a call waits its turn, and is refused in time when it does not come", async () => {
    const { promise: never, resolve: end } = Promise.withResolvers<void>();
    const holders = Array.from({ length: 6 }, () => db.transaction(() => never));
    await allUnavailable([insert(), ...reads().slice(0, 1)]);
    await db.ping();
    end();
    await allUnavailable(holders, Infinity); // their own time is over as well
    const crowd = Array.from({ length: 60 }, () => db.transaction((tx) => db.insertRows("item", [newRow()], "fail", tx)));
    assert.deepEqual(new Set(await Promise.all(crowd)), new Set([1]));
  });

  it("with a row that another session holds for long: the write is refused in time", async () => {
    const row = newRow();
    await db.insertRows("item", [row], "fail");
    const other = await createConnection(server.url);
    await other.query("start transaction");
    await other.query("select n from item where id = ? for update", [row.id]);
    await allUnavailable([db.execute("update item set n = 6 where id = :id", row)]);
    const waiting = db.execute("update item set n = 7 where id = :id", row);
    await other.query("rollback");
    assert.equal(await waiting, 1);
    await other.end();
  });
});

describe("MySQL that cannot be opened", { skip }, () => {
  const opening = (url: string) => openMysql({ url, poolSize: 2, logger: silent });
  const isOneLine = (pattern: RegExp) => (error: unknown) => {
    assert.ok(error instanceof Error);
    assert.match(error.message, pattern);
    assert.doesNotMatch(error.message, /\n|hunter2/);
    return true;
  };

  it("says where it is in one line, without the password", async () => {
    const port = await freePort();
    const url = `mysql://im:hunter2@127.0.0.1:${port}/chat`;
    const start = performance.now();
    await assert.rejects(
      opening(url),
      isOneLine(/^Cannot open the database: MySQL 127\.0\.0\.1:\d+\/chat cannot be reached: .*ECONNREFUSED/),
    );
    await assert.rejects(opening("mysql://im:hunter2@nowhere.invalid/chat"), isOneLine(/nowhere\.invalid:3306\/chat/));
    assert.ok(performance.now() - start < 2 * CALL_MS);
  });

  it("rejects in time when something listens and is silent, or hangs up", async () => {
    for (const hangsUp of [false, true]) {
      const silence = createServer((socket) => void (hangsUp && socket.end()));
      silence.listen(0, "127.0.0.1");
      await once(silence, "listening");
      const { port } = silence.address() as AddressInfo;
      const start = performance.now();
      await assert.rejects(opening(`mysql://im:hunter2@127.0.0.1:${port}/chat`), isOneLine(/cannot be reached/));
      assert.ok(performance.now() - start < CALL_MS);
      await waitFor(async () => (await openConnections(silence)) === 0, "the connections to be gone");
      silence.close();
    }
  });

  it("says that user, password or database are not known there", async () => {
    await using servers = await ownServers("mysql");
    const good = new URL(servers.mysql.url);
    const bad = Object.assign(new URL(good), { password: "hunter2" });
    await assert.rejects(opening(bad.href), isOneLine(/Access denied for user 'im'/));
    const elsewhere = Object.assign(new URL(good), { pathname: "/im_nowhere" });
    await assert.rejects(opening(elsewhere.href), isOneLine(/Unknown database 'im_nowhere'/));
  });
});

/** A signal to stop is obeyed a moment later. Where there is no /proc nobody can tell. */
async function hasStopped(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const states = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, "utf8").catch(() => ") T ")),
  );
  return states.every((state) => state.includes(") T "));
}

const openConnections = (server: ReturnType<typeof createServer>): Promise<number> =>
  new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
