import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageRecord } from "../../contracts/records.ts";
import { PersistRepository } from "../../services/persister/repository.ts";
import { LiveMessages } from "../../services/message/live-messages.ts";
import { createDatabase } from "../support/database.ts";
import { buildRecord, newId } from "../support/records.ts";

const ID = `g_${newId()}`;
const record = (seq: number, more: Partial<MessageRecord> = {}): MessageRecord =>
  buildRecord({ conversationId: ID, seq, createdAt: 1_000 + seq, content: { text: `m${seq}` }, ...more });

/** Messages 1 to 10, of which some are on their way to SQL; the hot store may still name some that have arrived. */
async function createSeam({ waiting, arrived = [], erased = [], more = {} }: SeamOptions) {
  const database = await createDatabase();
  const { sql } = database;
  const all = Array.from({ length: 10 }, (_, i) => record(i + 1, more[i + 1]));
  const persister = new PersistRepository(sql);
  await persister.insertNew(
    all.filter(({ seq }) => !waiting.includes(seq)),
    5_000,
  );
  const named = all.filter(({ seq }) => waiting.includes(seq) || arrived.includes(seq));
  const messages = new LiveMessages(sql, {
    conversations: {
      unpersisted: (id) => Promise.resolve(id === ID ? named : []),
      find: (messageId) => {
        const found = named.find((one) => one.messageId === messageId);
        return Promise.resolve(found ? { record: found, persistStatus: "PENDING" as const, loggedAt: 4_000 } : null);
      },
    },
    erasedAmong: (userIds) => Promise.resolve(new Set(userIds.filter((userId) => erased.includes(userId)))),
  });
  return { messages, all, sql, persister, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
}

interface SeamOptions {
  waiting: readonly number[];
  /** In SQL and still named by the hot store. */
  arrived?: readonly number[];
  erased?: readonly string[];
  more?: Record<number, Partial<MessageRecord>>;
}

const everything = { minSeq: 1, maxSeq: 10 };
const seqs = (rows: readonly { seq: number }[]): number[] => rows.map(({ seq }) => Number(seq));

test("pages have no seam, whichever messages are still on their way", async () => {
  for (const waiting of [[], [8, 9, 10], [4, 9], [1], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]]) {
    await using seam = await createSeam({ waiting, arrived: [7] });
    const page = (bounds: typeof everything, direction: "up" | "down", limit: number) =>
      seam.messages.page(ID, "8", bounds, direction, limit);
    assert.deepEqual(seqs(await page(everything, "up", 20)), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert.deepEqual(seqs(await page(everything, "down", 3)), [8, 9, 10]);
    assert.deepEqual(seqs(await page({ minSeq: 1, maxSeq: 9 }, "down", 4)), [6, 7, 8, 9]);
    assert.deepEqual(seqs(await page({ minSeq: 3, maxSeq: 10 }, "up", 2)), [3, 4]);
    assert.deepEqual(await seam.messages.head(ID, null), { seq: 10, at: 1_010 });
    assert.deepEqual(await seam.messages.head(ID, 4), { seq: 4, at: 1_004 });
    assert.equal(await seam.messages.createdAt(ID, 9), 1_009);
    assert.deepEqual(
      seqs(await seam.messages.bySeqs(ID, [4, 7, 10, 11])).sort((a, b) => a - b),
      [4, 7, 10],
    );
  }
});

test("a message on its way is accepted, one that has arrived counts as SQL has it", async () => {
  await using seam = await createSeam({ waiting: [9, 10], arrived: [8] });
  await seam.sql.execute("update message set content = :content, version = 1 where seq = 8", { content: '{"text":"edited"}' });
  const [eight, nine] = await seam.messages.page(ID, "8", { minSeq: 8, maxSeq: 10 }, "up", 3);
  assert.deepEqual([eight!.content, eight!.persisted_at], ['{"text":"edited"}', 5_000]);
  assert.deepEqual([nine!.content, nine!.persisted_at], ['{"text":"m9"}', null]);
  assert.equal((await seam.messages.byId(seam.all[8]!.messageId))?.persisted_at, null);
  assert.equal((await seam.messages.byId(seam.all[7]!.messageId))?.persisted_at, 5_000);
  assert.equal(await seam.messages.byId("404"), null);
});

test("unread counts each message once, and hears of mentions on their way", async () => {
  const mentioning = { 10: { mentions: ["8"] }, 3: { senderId: "8" }, 9: { type: "system" as const } };
  await using seam = await createSeam({ waiting: [6, 9, 10], arrived: [8], more: mentioning });
  assert.deepEqual(await seam.messages.unread(ID, "8", everything), { count: 8, mentioned: true });
  assert.deepEqual(await seam.messages.unread(ID, "8", { minSeq: 6, maxSeq: 9 }), { count: 3, mentioned: false });
  assert.deepEqual(await seam.messages.unread(ID, "8", { minSeq: 1, maxSeq: 5 }), { count: 4, mentioned: false });
});

test("who changes a message waits until it is stored; what never comes is told to be tried again", async () => {
  await using seam = await createSeam({ waiting: [9, 10] });
  const nine = (await seam.messages.byId(seam.all[8]!.messageId))!;
  const stored = seam.messages.stored(nine);
  await seam.persister.insertNew([seam.all[8]!], 6_000);
  assert.equal((await stored).persisted_at, 6_000);
  const ten = (await seam.messages.byId(seam.all[9]!.messageId))!;
  await assert.rejects(seam.messages.stored(ten), { type: "UNAVAILABLE" });
});

test("the words of a sender whose account is erased are gone at once", async () => {
  await using seam = await createSeam({ waiting: [10], erased: ["7"] });
  const [row] = await seam.messages.page(ID, "8", { minSeq: 10, maxSeq: 10 }, "up", 1);
  assert.equal(row!.content, "{}");
  assert.notEqual(row!.recalled_at, null);
});

test("a thread has no seam: each of its messages counts once, as SQL has it where it is there", async () => {
  const threadId = newId();
  const inThread = Object.fromEntries([3, 5, 8, 9, 10].map((seq) => [seq, { threadId }]));
  for (const waiting of [[], [9, 10], [5, 9], [10]]) {
    await using seam = await createSeam({ waiting, arrived: [8], more: inThread });
    const { threads } = seam.messages;
    const summary = async (viewer: string | null, maxSeq: number) =>
      (await threads.summaries(viewer, [{ conversationId: ID, threadIds: [threadId, newId()], maxSeq }])).get(threadId);
    const page = async (bounds: typeof everything, direction: "up" | "down", limit: number) =>
      seqs(await threads.page({ conversationId: ID, threadId, viewer: "8", bounds, direction, limit }));
    assert.deepEqual(await summary("8", 10), { count: 5, lastSeq: 10, lastAt: 1_010 });
    assert.deepEqual(await summary(null, Infinity), { count: 5, lastSeq: 10, lastAt: 1_010 });
    assert.deepEqual(await summary("8", 8), { count: 3, lastSeq: 8, lastAt: 1_008 });
    assert.equal(await summary("8", 2), undefined);
    assert.deepEqual(await page(everything, "down", 2), [9, 10]);
    assert.deepEqual(await page(everything, "up", 4), [3, 5, 8, 9]);
    assert.deepEqual(await page({ minSeq: 4, maxSeq: 9 }, "up", 20), [5, 8, 9]);

    await seam.sql.execute("update message set recalled_at = 1 where seq = 3");
    await seam.sql.insertRows("message_hidden", [{ user_id: "8", conversation_id: ID, seq: 8 }], "fail");
    assert.deepEqual(await summary("9", 10), { count: 4, lastSeq: 10, lastAt: 1_010 });
    assert.deepEqual(await summary("8", 9), { count: 2, lastSeq: 9, lastAt: 1_009 }, "but what they deleted");
    assert.deepEqual(await page({ minSeq: 1, maxSeq: 7 }, "up", 20), [3, 5]);
  }
});

test("threads of several conversations are counted with one question", async () => {
  await using seam = await createSeam({ waiting: [10], more: { 2: { threadId: "5" }, 10: { threadId: "5" } } });
  const others = Array.from({ length: 40 }, (_, i) => buildRecord({ threadId: String(100 + i), createdAt: 7 }));
  await seam.persister.insertNew(others, 5_000);
  const found = await seam.messages.threads.summaries("8", [
    { conversationId: ID, threadIds: ["5"], maxSeq: 10 },
    ...others.map(({ conversationId, threadId }) => ({ conversationId, threadIds: [threadId!], maxSeq: 1 })),
    { conversationId: `g_${newId()}`, threadIds: [], maxSeq: 1 },
  ]);
  assert.deepEqual(found.get("5"), { count: 2, lastSeq: 10, lastAt: 1_010 });
  assert.equal(found.size, 41);
  assert.ok(others.every(({ threadId }) => found.get(threadId!)?.count === 1));
});
