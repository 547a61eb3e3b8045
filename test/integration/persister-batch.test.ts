import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MessageRecord } from "../../contracts/records.ts";
import type { Database } from "../../mixins/database/port.ts";
import { persistBatch, type PersistDeps } from "../../services/persister/persist.ts";
import { PersistRepository } from "../../services/persister/repository.ts";
import { createDatabase } from "../support/database.ts";
import { breakMessages, busy, refuseText } from "../support/faults.ts";
import { buildRecord, buildRecords, newId } from "../support/records.ts";

const depsOn = (sql: Database): PersistDeps => ({ repository: new PersistRepository(sql), now: () => 77 });
const rowsOf = (sql: Database) =>
  sql
    .select<Record<string, unknown>>("select * from message order by conversation_id, seq")
    .then((rows) => rows.map((row) => ({ ...row })));
const placesOf = async (sql: Database) =>
  (await rowsOf(sql)).map(({ seq, message_id, type }) => [Number(seq), String(message_id), type]);
const reasonsOf = (rejected: Awaited<ReturnType<typeof persistBatch>>) =>
  rejected.map(({ record, reason }) => [record.messageId, reason] as const);
const places = (records: readonly MessageRecord[]) => records.map(({ seq, messageId, type }) => [seq, messageId, type]);

describe("persistBatch", () => {
  it("writes every field of a record, and no preview of what it answers", async () => {
    await using database = await createDatabase();
    const { sql } = database;
    const record = buildRecord({
      seq: 3,
      content: { text: "\ud800 😀 \u0000" },
      replyTo: { messageId: "5", seq: 1, senderId: "7", type: "text", preview: "secret" },
      mentions: ["all"],
      threadId: "5",
      burnAfterMs: 60_000,
    });
    assert.deepEqual(await persistBatch(depsOn(sql), [record]), []);
    const [row] = await rowsOf(sql);
    assert.deepEqual(row, {
      conversation_id: record.conversationId,
      seq: 3,
      message_id: record.messageId,
      sender_id: 7,
      client_msg_id: record.clientMsgId,
      type: "text",
      content: '{"text":"\\ud800 😀 \\u0000"}',
      reply_to: '{"messageId":"5","seq":1,"senderId":"7","type":"text"}',
      mentions: '["all"]',
      body_hash: "hash",
      created_at: record.createdAt,
      persisted_at: 77,
      version: 0,
      edited_at: null,
      recalled_at: null,
      thread_id: 5,
      burn_after_ms: 60_000,
    });
  });

  it("keeps conversations in which nothing burns on the fast way, and each of the others whole, also when it fails in between", async () => {
    await using database = await createDatabase();
    const { sql } = database;
    const [plain, also] = [buildRecords(3), buildRecords(2)];
    const mixed = buildRecords(3, { conversationId: "d_7_8" });
    const burning = { ...mixed[1]!, burnAfterMs: 60_000 };
    const batch = [mixed[0]!, ...plain, burning, mixed[2]!, ...also];
    const bulks: unknown[][] = [];
    const [bulkInsert, insertRows] = [sql.bulkInsert.bind(sql), sql.insertRows.bind(sql)];
    sql.bulkInsert = (table, rows, ...rest) => {
      bulks.push(rows.map(({ message_id }) => message_id).sort());
      return bulkInsert(table, rows, ...rest);
    };
    sql.insertRows = (table, ...rest) => (table === "burn_timer" ? Promise.reject(busy(sql)) : insertRows(table, ...rest));
    const others = [...plain, ...also];
    const idsOf = (records: readonly MessageRecord[]) => records.map(({ messageId }) => messageId).sort();
    const stored = async () => (await rowsOf(sql)).map(({ message_id }) => String(message_id)).sort();
    await assert.rejects(persistBatch(depsOn(sql), batch), /busy/);
    assert.deepEqual(bulks, [idsOf(others)]);
    assert.deepEqual(await stored(), idsOf(others), "nothing of the conversation in which something burns");
    sql.insertRows = insertRows;
    assert.deepEqual(await persistBatch(depsOn(sql), batch), []);
    assert.deepEqual(await stored(), idsOf(batch));
    const timers = await sql.select<{ message_id: string }>("select message_id from burn_timer");
    assert.deepEqual(
      timers.map(({ message_id }) => String(message_id)),
      [burning.messageId],
    );
    assert.deepEqual(await persistBatch(depsOn(sql), [buildRecord({ conversationId: "d_7_9", burnAfterMs: 60_000 })]), []);
    assert.equal(bulks.length, 2, "there is nothing on the fast way");
  });

  it("keeps the thread of what it holds without its words", async () => {
    await using database = await createDatabase();
    const { sql } = database;
    const record = buildRecord({ mentions: ["all"], threadId: "5" });
    const repository = new PersistRepository(sql);
    await repository.transaction((tx) => repository.insertHeld(record, 77, tx));
    const [row] = await rowsOf(sql);
    assert.deepEqual([row!["content"], row!["mentions"], row!["thread_id"]], ["{}", null, 5]);
  });

  it("changes no byte when a batch comes again, in another order and among new records", async () => {
    await using database = await createDatabase();
    const { sql } = database;
    const records = [...buildRecords(20), ...buildRecords(20)];
    await persistBatch(depsOn(sql), records);
    const before = await rowsOf(sql);
    const [later] = buildRecords(1, { conversationId: records[0]!.conversationId }, 21);
    assert.deepEqual(await persistBatch({ ...depsOn(sql), now: () => 99 }, [later!, ...records.toReversed()]), []);
    const after = await rowsOf(sql);
    assert.deepEqual(
      after.filter(({ message_id }) => String(message_id) !== later!.messageId),
      before,
    );
    assert.equal(after.length, before.length + 1);
  });

  it("undoes no edit and no recall when the original comes again", async () => {
    await using database = await createDatabase();
    const { sql } = database;
    const [edited, recalled] = buildRecords(2);
    await persistBatch(depsOn(sql), [edited!, recalled!]);
    await sql.execute(`update message set content = '{"text":"new"}', version = 1, edited_at = 5 where seq = 1`);
    await sql.execute("update message set content = '{}', version = 1, recalled_at = 6 where seq = 2");
    const before = await rowsOf(sql);
    assert.deepEqual(await persistBatch(depsOn(sql), [recalled!, edited!]), []);
    assert.deepEqual(await rowsOf(sql), before);
  });

  it("rejects a record whose seq another message has, and writes the others", async () => {
    await using database = await createDatabase();
    const { sql } = database;
    const records = buildRecords(3);
    await persistBatch(depsOn(sql), [records[1]!]);
    const intruder = buildRecord({ conversationId: records[0]!.conversationId, seq: 2 });
    const rejected = await persistBatch(depsOn(sql), [records[0]!, intruder, records[2]!]);
    assert.deepEqual(reasonsOf(rejected), [[intruder.messageId, `message ${records[1]!.messageId} has its seq 2`]]);
    assert.deepEqual(await placesOf(sql), places(records));
    assert.equal((await persistBatch(depsOn(sql), [intruder])).length, 1, "again");
  });

  it("rejects a record whose client message id another message has, and keeps its seq as a void", async () => {
    await using database = await createDatabase();
    const { sql } = database;
    const [first, second, third] = buildRecords(3);
    const double = { ...second!, clientMsgId: first!.clientMsgId };
    const rejected = await persistBatch(depsOn(sql), [first!, double, third!]);
    assert.deepEqual(reasonsOf(rejected), [[double.messageId, `message ${first!.messageId} has its clientMsgId, at seq 1`]]);
    assert.deepEqual(await placesOf(sql), [
      [1, first!.messageId, "text"],
      [2, double.messageId, "void"],
      [3, third!.messageId, "text"],
    ]);
  });

  it("finds the records that the database refuses among many, and writes all others", async () => {
    await using database = await createDatabase();
    const { sql } = database;
    await refuseText(sql, "poison");
    const records = buildRecords(100).map((record) =>
      [13, 14, 77].includes(record.seq) ? { ...record, content: { text: "poison" } } : record,
    );
    const rejected = await persistBatch(depsOn(sql), records);
    assert.deepEqual(
      rejected.map(({ record }) => record.seq),
      [13, 14, 77],
    );
    assert.ok(rejected.every(({ reason }) => reason.includes("refused by the test")));
    const types = (await placesOf(sql)).map(([seq, , type]) => (type === "void" ? seq : null)).filter(Boolean);
    assert.deepEqual(types, [13, 14, 77]);
    assert.equal((await placesOf(sql)).length, 100);
  });

  it("rejects what it rejected before when the batch comes again, since its dead letter may not be written yet", async () => {
    await using database = await createDatabase();
    const { sql } = database;
    await refuseText(sql, "poison");
    const [first, second, third] = buildRecords(3);
    const poison = { ...second!, content: { text: "poison" } };
    const double = { ...third!, clientMsgId: first!.clientMsgId };
    const batch = [first!, poison, double];
    const idsOf = (rejected: Awaited<ReturnType<typeof persistBatch>>) => rejected.map(({ record }) => record.messageId);
    assert.deepEqual(idsOf(await persistBatch(depsOn(sql), batch)), [poison.messageId, double.messageId]);
    assert.deepEqual(idsOf(await persistBatch(depsOn(sql), batch)), [poison.messageId, double.messageId]);
    assert.deepEqual(idsOf(await persistBatch(depsOn(sql), [poison])), [poison.messageId]);
  });

  it("keeps the seq of a record that lacks what a row needs", async () => {
    await using database = await createDatabase();
    const { sql } = database;
    const [good, odd, better] = buildRecords(3);
    const broken = [
      { bodyHash: undefined },
      { createdAt: undefined },
      { content: { n: 5n } },
      { type: undefined },
    ] as unknown as Partial<MessageRecord>[];
    for (const [index, fields] of broken.entries()) {
      const shift = (record: MessageRecord) => ({
        ...record,
        seq: record.seq + 3 * index,
        messageId: newId(),
        clientMsgId: newId(),
      });
      const poison = { ...shift(odd!), ...fields };
      const rejected = await persistBatch(depsOn(sql), [shift(good!), poison, shift(better!)]);
      assert.deepEqual(
        rejected.map(({ record }) => record.seq),
        [poison.seq],
        Object.keys(fields)[0],
      );
    }
    const types = (await placesOf(sql)).map(([, , type]) => type);
    assert.deepEqual(
      types,
      broken.flatMap(() => ["text", "void", "text"]),
    );
  });

  it("writes nothing and passes on an error that another try can cure", async () => {
    await using database = await createDatabase();
    const { sql } = database;
    const repair = breakMessages(sql);
    await assert.rejects(persistBatch(depsOn(sql), buildRecords(3)), /busy/);
    repair();
    assert.deepEqual(await rowsOf(sql), []);
  });

  it("passes on an error that has nothing to do with the records, and buries none of them", async () => {
    await using database = await createDatabase();
    const { sql } = database;
    await sql.execute("alter table message rename to elsewhere");
    await assert.rejects(persistBatch(depsOn(sql), buildRecords(4)));
    await sql.execute("alter table elsewhere rename to message");
    assert.deepEqual(await rowsOf(sql), []);
  });
});
