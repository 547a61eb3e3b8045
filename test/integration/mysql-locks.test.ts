import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createConnection, type Connection, type RowDataPacket } from "mysql2/promise";
import { migrateUp } from "../../mixins/database/migrate.ts";
import { takeTurn } from "../../mixins/database/dialect.ts";
import { openMysql } from "../../mixins/database/mysql.ts";
import type { Database } from "../../mixins/database/port.ts";
import { erasedAmong, markErased } from "../../mixins/message-log/erased-senders.ts";
import { migrations } from "../../migrations/index.ts";
import { persistBatch } from "../../services/persister/persist.ts";
import { PersistRepository } from "../../services/persister/repository.ts";
import { silent } from "../support/database.ts";
import { startIm } from "../support/im.ts";
import { react, rowsOf, send } from "../support/messages.ts";
import { ownDatabase, type OwnDatabase } from "../support/mysql.ts";
import { buildFriends } from "../support/people.ts";
import { buildRecord } from "../support/records.ts";
import { serversFor } from "../support/servers.ts";
import { waitFor } from "../support/wait.ts";

const server = await serversFor("mysql");

describe("transactions side by side on MySQL", { skip: server.skip }, () => {
  let own: OwnDatabase;
  let db: Database;
  let watcher: Connection;

  before(async () => {
    own = await ownDatabase(server.url);
    watcher = await createConnection(own.url);
    db = await openMysql({ url: own.url, poolSize: 6, logger: silent });
    await migrateUp(db, migrations);
  });
  after(async () => {
    await db.close();
    await watcher.end();
    await own[Symbol.asyncDispose]();
  });

  /** Until a statement that begins so waits on the server, and does not just run. */
  function waiting(statement: string): Promise<unknown> {
    let sightings = 0;
    return waitFor(async () => {
      const [processes] = await watcher.query<RowDataPacket[]>("show processlist");
      const isThere = processes.some(({ db: name, Info }) => name === own.name && String(Info).startsWith(statement));
      sightings = isThere ? sightings + 1 : 0;
      return sightings === 20;
    }, `${statement} to wait`);
  }

  /** Holds the place of a message; the result gives it free. */
  async function holdPlace({ conversationId, seq }: { conversationId: string; seq: number }): Promise<() => Promise<void>> {
    const other = await createConnection(own.url);
    await other.query("start transaction");
    const columns =
      "conversation_id, seq, message_id, sender_id, client_msg_id, type, content, body_hash, created_at, persisted_at, version";
    await other.query(`insert into message (${columns}) values (?, ?, 1, 1, 'held', 'text', '{}', '', 1, 1, 0)`, [
      conversationId,
      seq,
    ]);
    return async () => {
      await other.query("rollback");
      await other.end();
    };
  }

  /** Holds up what is about to be written into a table; the server itself lets nobody wait for a row for long. */
  function holdRows(sql: Database, table: string): { readonly held: Promise<void>; release(): void } {
    const insertRows = sql.insertRows.bind(sql);
    const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    sql.insertRows = async (into, ...rest) => {
      if (into === table) {
        reached.resolve();
        await gate.promise;
      }
      return insertRows(into, ...rest);
    };
    return {
      held: reached.promise,
      release() {
        sql.insertRows = insertRows;
        gate.resolve();
      },
    };
  }

  it("a batch that found its sender not erased is there before anybody can erase them", async () => {
    const record = buildRecord({ senderId: "71" });
    const rows = holdRows(db, "message");
    const ended: string[] = [];
    const deps = { repository: new PersistRepository(db), now: Date.now };
    const persisted = persistBatch(deps, [record]).then(() => ended.push("batch"));
    await rows.held;
    const marked = markErased(db, "71", 1).then(() => ended.push("mark"));
    await waiting("INSERT INTO `erased_sender`");
    rows.release();
    await Promise.all([persisted, marked]);
    assert.deepEqual(ended, ["batch", "mark"]);
    const late = buildRecord({ senderId: "71", conversationId: record.conversationId, seq: 2 });
    const rejected = await persistBatch(deps, [late]);
    assert.ok(rejected[0]?.forget);
  });

  it("batches of others go on beside one that waits, and so do erasures of others' senders in time", async () => {
    const record = buildRecord({ senderId: "81" });
    const giveFree = await holdPlace(record);
    const deps = { repository: new PersistRepository(db), now: Date.now };
    const held = persistBatch(deps, [record]);
    await waiting("INSERT INTO `message`");
    assert.deepEqual(await persistBatch(deps, [buildRecord({ senderId: "82" })]), []);
    await giveFree();
    assert.deepEqual(await held, []);
    await markErased(db, "81", 1);
    assert.equal((await erasedAmong(db, ["81", "82"])).size, 1);
  });

  it("a reaction that found its user not erased is there before they can be erased, and goes with them", async () => {
    await using im = await startIm({ mysqlUrl: own.url });
    const { a, b, conversationId } = await buildFriends(im);
    const sent = await send(im, a, conversationId);
    const rows = holdRows(im.sql, "reaction");
    const reacted = react(im, b, sent, "👍");
    await rows.held;
    const erased = im.node.call("message.eraseOf", { userId: b.userId });
    await waiting("INSERT INTO `erased_sender`");
    rows.release();
    await Promise.all([reacted, erased]);
    assert.deepEqual(await rowsOf(im, "reaction", sent), []);
  });

  it("those that take the same turn follow each other", async () => {
    const seen: string[] = [];
    const turn = (name: string) =>
      db.transaction(async (tx) => {
        await takeTurn(db, tx, "test");
        seen.push(`${name} in`);
        await db.select("select 1", {}, tx);
        await new Promise(setImmediate);
        seen.push(`${name} out`);
      });
    await Promise.all(["a", "b", "c", "d"].map(turn));
    const pairs = Array.from({ length: 4 }, (_, at) => seen.slice(2 * at, 2 * at + 2).map((step) => step[0]));
    for (const [first, second] of pairs) assert.equal(first, second, seen.join());
  });
});
