import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { burnTimesAt, DueTimers, startBurnTimers } from "../../mixins/burn-timers/index.ts";
import type { Database } from "../../mixins/database/port.ts";
import { BURN_AFTER_MS } from "../support/burning.ts";
import { startIm, type Im } from "../support/im.ts";
import { buildFriends } from "../support/people.ts";
import { persistBatch } from "../../services/persister/persist.ts";
import { PersistRepository } from "../../services/persister/repository.ts";
import { buildRecord } from "../support/records.ts";
import { scheduler } from "../support/scheduled.ts";

const READ_AT = 5_000;

let im: Im;
before(async () => void (im = await startIm({}, { services: [scheduler()] })));
after(() => im.stop());

/** Two people and messages between them, of which those at `burning` burn; the others are by their reader. */
async function buildChat(burning: readonly number[], last = Math.max(...burning)) {
  const { a, b, conversationId } = await buildFriends(im);
  const records = Array.from({ length: last }, (_, i) => {
    const burns = burning.includes(i + 1);
    const senderId = burns ? a.userId : b.userId;
    return buildRecord({ conversationId, senderId, seq: i + 1, createdAt: i + 1, ...(burns && { burnAfterMs: BURN_AFTER_MS }) });
  });
  await persistBatch({ repository: new PersistRepository(im.sql), now: Date.now }, records);
  return { a, b, conversationId };
}

/** When each of these burns, by its seq. */
async function burnsAt(conversationId: string): Promise<Record<number, number | null>> {
  const rows = await im.sql.select<{ seq: number; burns_at: number | null }>(
    "select seq, burns_at from burn_timer where conversation_id = :conversationId order by seq",
    { conversationId },
  );
  return Object.fromEntries(rows.map(({ seq, burns_at }) => [Number(seq), burns_at === null ? null : Number(burns_at)]));
}

/** The database, and what it is asked. */
function watched() {
  const texts: string[] = [];
  const sql = Object.create(im.sql) as Database;
  Object.assign(sql, {
    dialect: im.sql.dialect,
    select: (...args: Parameters<Database["select"]>) => (texts.push(args[0]), im.sql.select(...args)),
    execute: (...args: Parameters<Database["execute"]>) => (texts.push(args[0]), im.sql.execute(...args)),
  });
  return { sql, texts };
}

describe("timers of messages that burn", () => {
  it("start with one statement for all that one reading reaches, and are shown as far as that is", async () => {
    const { a, b, conversationId } = await buildChat([1, 2, 3, 4, 5, 6]);
    const other = await buildChat([1]);
    const reading = { conversationId, userId: b.userId, readSeq: 5, shownSeq: 2, at: READ_AT };
    const readings = [
      reading,
      { ...reading, userId: a.userId, readSeq: 6 },
      { ...reading, conversationId: other.conversationId, userId: other.b.userId, shownSeq: 0, at: READ_AT + 1 },
    ];
    const { sql, texts } = watched();
    await im.sql.transaction((tx) => startBurnTimers(sql, readings, tx));
    assert.equal(texts.length, 3, "what waits, and each of two readings");
    const at = READ_AT + BURN_AFTER_MS;
    assert.deepEqual(await burnsAt(conversationId), { 1: at, 2: at, 3: at, 4: at, 5: at, 6: null });
    assert.deepEqual(await burnsAt(other.conversationId), { 1: at + 1 });
    const places = [1, 2, 3, 4, 5, 6].map((seq) => [conversationId, seq] as const);
    const times = await burnTimesAt(im.sql, [...places, [other.conversationId, 1]]);
    assert.deepEqual(
      times.filter((time) => time.conversationId === conversationId).map(({ seq, isShown }) => [seq, isShown]),
      [
        [1, true],
        [2, true],
        [3, false],
        [4, false],
        [5, false],
      ],
    );
    assert.equal(times.length, 6);
    await im.sql.transaction((tx) => startBurnTimers(sql, [{ ...reading, readSeq: 6, at: READ_AT + 9 }], tx));
    assert.deepEqual(await burnsAt(conversationId), { 1: at, 2: at, 3: at, 4: at, 5: at, 6: at + 9 }, "what runs stays");
  });

  it("that were never started are found by cursors and by answers, portion by portion, with few statements", async () => {
    const read = await buildChat([1, 2, 3]);
    await im.sql.execute(
      "update conversation_member set read_seq = 2, read_at = :at, shown_seq = 1 where user_id = :userId and conversation_id = :conversationId",
      { at: READ_AT, userId: read.b.userId, conversationId: read.conversationId },
    );
    const answered = await Promise.all([buildChat([1, 2, 4, 6, 7]), buildChat([2, 3], 5), buildChat([1])]);
    const timers = new DueTimers(im.sql);
    for (let place = { conversationId: "", seq: 0 }, count = 0; ; count++) {
      const next = await timers.repair(place, 4);
      if (!next) {
        assert.ok(count >= 2, "several portions");
        break;
      }
      place = next;
    }
    const byCursor = READ_AT + BURN_AFTER_MS;
    assert.deepEqual(await burnsAt(read.conversationId), { 1: byCursor, 2: byCursor, 3: null });
    const [first, second, silent] = answered;
    const said = (seq: number): number => seq + BURN_AFTER_MS;
    assert.deepEqual(await burnsAt(first!.conversationId), { 1: said(3), 2: said(3), 4: said(5), 6: null, 7: null });
    assert.deepEqual(await burnsAt(second!.conversationId), { 2: said(4), 3: said(4) });
    assert.deepEqual(await burnsAt(silent!.conversationId), { 1: null });
    const { sql, texts } = watched();
    assert.equal(await new DueTimers(sql).repair({ conversationId: "", seq: 0 }, 500), null);
    assert.equal(texts.length, 2, "what waits, and what all those readers have said");
  });

  it("that wait are gone through in the order of their key, not from the first one on for each portion", async () => {
    const { conversationId } = await buildChat([1, 2, 3]);
    const { sql, texts } = watched();
    await new DueTimers(sql).repair({ conversationId, seq: 2 }, 1);
    const params = { conversationId, seq: 2, limit: 1 };
    if (im.sql.dialect === "sqlite") {
      const [first] = await im.sql.select<{ detail: string }>(`explain query plan ${texts[0]!}`, params);
      assert.match(first!.detail, /^SEARCH t USING .*conversation_id>\?/);
    } else {
      const [first] = await im.sql.select<{ table: string; type: string; key: string }>(`explain ${texts[0]!}`, params);
      assert.deepEqual([first!.table, first!.type, first!.key], ["t", "range", "PRIMARY"]);
    }
  });
});
