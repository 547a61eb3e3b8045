import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import type { MessageRecord } from "../../contracts/records.ts";
import { migrateUp } from "../../mixins/database/migrate.ts";
import { openMysql } from "../../mixins/database/mysql.ts";
import type { Database } from "../../mixins/database/port.ts";
import { sqlSentKeys } from "../../mixins/hot-store/sent-keys.ts";
import { SqlSeqBlocks } from "../../mixins/hot-store/seq-blocks.ts";
import { migrations } from "../../migrations/index.ts";
import { persistBatch } from "../../services/persister/persist.ts";
import { PersistRepository } from "../../services/persister/repository.ts";
import { createDatabase, silent } from "../support/database.ts";
import { ownDatabase } from "../support/mysql.ts";
import { buildRecord, newId } from "../support/records.ts";
import { serversFor } from "../support/servers.ts";

const mysql = await serversFor("mysql");

/** Gives a test the database that all of them share. */
type Using = (work: (sql: Database) => Promise<void>) => Promise<void>;

const persist = async (sql: Database, records: readonly MessageRecord[]) =>
  persistBatch({ repository: new PersistRepository(sql), now: Date.now }, records);

const message = (conversationId: string, seq: number, more: Partial<MessageRecord> = {}): MessageRecord =>
  buildRecord({ conversationId, seq, createdAt: 1_000 * seq, ...more });

interface VoidRow {
  seq: number;
  type: string;
  created_at: number;
}
async function rowsOf(sql: Database, conversationId: string): Promise<[seq: number, type: string, at: number][]> {
  const rows = await sql.select<VoidRow>(
    "select seq, type, created_at from message where conversation_id = :conversationId order by seq",
    { conversationId },
  );
  return rows.map(({ seq, type, created_at }) => [Number(seq), type, Number(created_at)]);
}

function suite(name: string, skip: string | false, using: Using): void {
  describe(`blocks of seqs on ${name}`, { skip, timeout: 60_000 }, () => {
    it("begins behind what SQL has, once", () =>
      using(async (sql) => {
        const blocks = new SqlSeqBlocks(sql);
        const [empty, used] = [`g_${newId()}`, `g_${newId()}`];
        await persist(sql, [message(used, 1), message(used, 2)]);
        assert.equal(await blocks.find(empty), null);
        const first = (await blocks.first(empty, 0))!;
        assert.deepEqual([first.epoch, first.base, first.reserved > 0], [1, 0, true]);
        assert.equal(await blocks.first(empty, 0), null);
        assert.deepEqual(await blocks.find(empty), { epoch: 1, reserved: first.reserved });
        assert.equal((await blocks.first(used, 1))!.base, 2);
      }));

    it("reserves more where much is said, and the same for those who ask at the same time", () =>
      using(async (sql) => {
        let now = 1_000_000;
        const blocks = new SqlSeqBlocks(sql, () => now);
        const id = `g_${newId()}`;
        const { reserved: quiet } = (await blocks.first(id, 0))!;
        const ask = (mark: { epoch: number; reserved: number }) => blocks.extend(id, { ...mark, stable: 5 });
        const asked = await Promise.all([1, 2, 3].map(() => ask({ epoch: 1, reserved: quiet })));
        assert.deepEqual(asked, [quiet + 256, quiet + 256, quiet + 256]);
        assert.equal(await ask({ epoch: 1, reserved: quiet }), quiet + 256, "a block that another reserved");
        now += 120_000;
        assert.equal(await ask({ epoch: 1, reserved: quiet + 256 }), 2 * quiet + 256);
        assert.equal(await ask({ epoch: 2, reserved: 2 * quiet + 256 }), null, "of another epoch");
      }));

    it("leaves voids where nothing stands when a new epoch begins, in the order of time", () =>
      using(async (sql) => {
        const blocks = new SqlSeqBlocks(sql);
        const id = `g_${newId()}`;
        const { reserved } = (await blocks.first(id, 0))!;
        await persist(sql, [message(id, 1), message(id, 2), message(id, 5)]);
        const renewed = (await blocks.renew(id, { epoch: 1, reserved }))!;
        assert.deepEqual([renewed.epoch, renewed.base], [2, reserved]);
        assert.deepEqual(await blocks.find(id), { epoch: 2, reserved: renewed.reserved });
        const rows = await rowsOf(sql, id);
        assert.deepEqual(rows.slice(0, 6), [
          [1, "text", 1_000],
          [2, "text", 2_000],
          [3, "void", 2_000],
          [4, "void", 2_000],
          [5, "text", 5_000],
          [6, "void", 5_000],
        ]);
        assert.equal(rows.length, reserved);
        assert.equal(await blocks.renew(id, { epoch: 1, reserved }), null, "it has begun already");
        const [rejection] = await persist(sql, [message(id, 3)]);
        assert.match(rejection!.reason, /its seq 3 is void/);
      }));

    it("begins no epoch when more was reserved since it was looked at", () =>
      using(async (sql) => {
        const blocks = new SqlSeqBlocks(sql);
        const id = `g_${newId()}`;
        const { reserved } = (await blocks.first(id, 0))!;
        await blocks.extend(id, { epoch: 1, reserved, stable: 0 });
        assert.equal(await blocks.renew(id, { epoch: 1, reserved }), null);
        assert.deepEqual(await rowsOf(sql, id), []);
      }));

    it("says up to where SQL has everything", () =>
      using(async (sql) => {
        const blocks = new SqlSeqBlocks(sql);
        const [whole, gapped, behind] = [`g_${newId()}`, `g_${newId()}`, `g_${newId()}`];
        for (const id of [whole, gapped, behind]) await blocks.first(id, 0);
        await persist(
          sql,
          [1, 2, 3].map((seq) => message(whole, seq)),
        );
        await persist(
          sql,
          [1, 3].map((seq) => message(gapped, seq)),
        );
        const { reserved } = (await blocks.find(behind))!;
        await blocks.extend(behind, { epoch: 1, reserved, stable: 9 });
        assert.deepEqual(
          await blocks.inSql([whole, gapped, behind, "g_404"]),
          new Map([
            [whole, { stable: 3, hasHole: false }],
            [gapped, { stable: 1, hasHole: true }],
            [behind, { stable: 9, hasHole: false }],
          ]),
        );
        assert.deepEqual(await blocks.inSql([]), new Map());
      }));
  });

  describe(`what a sender sent last, on ${name}`, { skip, timeout: 60_000 }, () => {
    it("gives all of one who sent little", () =>
      using(async (sql) => {
        const id = `g_${newId()}`;
        const records = [1, 2, 3, 4].map((seq) => message(id, seq, { senderId: seq === 2 ? "8" : "7" }));
        await persist(sql, records);
        const { keys, ...rest } = await sqlSentKeys(sql)(id, "7", 3);
        const [first, , third, fourth] = records;
        assert.deepEqual(
          keys.map(({ clientMsgId }) => clientMsgId),
          [fourth, third, first].map((record) => record!.clientMsgId),
        );
        const { messageId, seq, createdAt, bodyHash, clientMsgId } = fourth!;
        assert.deepEqual(keys[0], { clientMsgId, messageId, seq, createdAt, bodyHash });
        assert.deepEqual(rest, { from: 0, olderUntil: 0 });
        assert.deepEqual(await sqlSentKeys(sql)(id, "9", 3), { keys: [], from: 0, olderUntil: 0 });
      }));

    it("gives the last of one who sent more, and says when the others were sent", () =>
      using(async (sql) => {
        const id = `g_${newId()}`;
        const bySender = (seq: number): string => (seq <= 20 || seq > 28 ? "7" : "8");
        const seqs = Array.from({ length: 30 }, (_, index) => index + 1);
        await persist(
          sql,
          seqs.map((seq) => message(id, seq, { senderId: bySender(seq) })),
        );
        const last = await sqlSentKeys(sql)(id, "7", 2);
        assert.deepEqual(
          last.keys.map(({ seq }) => seq),
          [30, 29],
        );
        assert.deepEqual([last.from, last.olderUntil], [29, 28_000]);
        const sparse = await sqlSentKeys(sql)(id, "7", 5);
        assert.deepEqual(
          sparse.keys.map(({ seq }) => seq),
          [30, 29, 20, 19, 18],
        );
        assert.deepEqual([sparse.from, sparse.olderUntil], [18, 17_000]);
        const few = await sqlSentKeys(sql)(id, "7", 3);
        assert.deepEqual(
          few.keys.map(({ seq }) => seq),
          [30, 29, 20],
        );
      }));
  });
}

const sqlite = await createDatabase();
after(() => sqlite[Symbol.asyncDispose]());
suite("SQLite", false, (work) => work(sqlite.sql));

const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());
let opened: Promise<Database> | null = null;
suite("MySQL", mysql.skip, async (work) => work(await (opened ??= openOwn())));

async function openOwn(): Promise<Database> {
  const own = resources.use(await ownDatabase(mysql.url));
  const sql = await openMysql({ url: own.url, poolSize: 4, logger: silent });
  resources.defer(() => sql.close());
  await migrateUp(sql, migrations);
  return sql;
}
