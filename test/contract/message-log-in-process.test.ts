import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sqlDeadLetters, type DeadLetterStore } from "../../mixins/message-log/dead-letters.ts";
import { InProcessLog, type InProcessLogOptions } from "../../mixins/message-log/in-process.ts";
import { PERSISTER_GROUP, type AppendOutcome, type ConsumeOptions, type MessageLog } from "../../mixins/message-log/port.ts";
import { createDatabase, silent } from "../support/database.ts";
import { buildRecord, buildRecords } from "../support/records.ts";
import { waitFor } from "../support/wait.ts";
import { messageLogContract } from "./message-log.ts";
import { FAR_MS, record } from "./message-log/harness.ts";

const quick = { logger: silent, backoffMs: () => 5 };

messageLogContract("this process", async (appendTimeoutMs) => {
  const database = await createDatabase();
  const limits = { appendTimeoutMs, maxBacklog: 200 };
  const openLog = (): MessageLog => new InProcessLog({ deadLetters: sqlDeadLetters(database.sql), ...quick, ...limits });
  const gates = { open: Promise.resolve() as Promise<void>, isBroken: false };
  let log = openLog();
  /** The log, with a persister that can be held up and broken: an append takes as long as its handling. */
  const gated = (inner: MessageLog): MessageLog => ({
    acknowledges: inner.acknowledges,
    isAccepting: () => inner.isAccepting(),
    append: (records) => inner.append(records),
    onLate: (listener) => inner.onLate(listener),
    deadLetters: (...page) => inner.deadLetters(...page),
    bury: (letters) => inner.bury(letters),
    removeDeadLetters: (messageIds) => inner.removeDeadLetters(messageIds),
    forgetDeadLetters: (userId) => inner.forgetDeadLetters(userId),
    lag: (group) => inner.lag(group),
    settled: (...args) => inner.settled(...args),
    ping: () => inner.ping(),
    close: () => inner.close(),
    consume: (options: ConsumeOptions) =>
      inner.consume({
        ...options,
        async onBatch(batch) {
          if (options.group !== PERSISTER_GROUP) return options.onBatch(batch);
          await gates.open;
          if (gates.isBroken) throw new Error("broken");
          return options.onBatch(batch);
        },
      }),
  });
  return {
    log: gated(log),
    ...limits,
    stall() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gates.open = promise;
      return resolve;
    },
    fail() {
      gates.isBroken = true;
      return () => void (gates.isBroken = false);
    },
    async reopen() {
      await log.close();
      return gated((log = openLog()));
    },
    async cleanup() {
      await log.close();
      await database[Symbol.asyncDispose]();
    },
  };
});

describe("message log in this process: what it promises beyond the port", () => {
  const noLetters: DeadLetterStore = {
    add: async () => undefined,
    list: async () => [],
    remove: async () => undefined,
    forget: async () => undefined,
  };
  const open = (options: Partial<InProcessLogOptions> = {}) =>
    new InProcessLog({ deadLetters: noLetters, ...quick, appendTimeoutMs: FAR_MS, ...options });

  it("says yes only when the persister has handled the record", async () => {
    const log = open();
    const gate = Promise.withResolvers<void>();
    let isStored = false;
    await record(log, PERSISTER_GROUP, () => gate.promise.then(() => void (isStored = true)));
    const appended = log.append([buildRecord()]).then((outcomes) => {
      assert.ok(isStored);
      return outcomes;
    });
    gate.resolve();
    assert.deepEqual(await appended, [{ ok: true }]);
    await log.close();
  });

  it("hands what was appended in one turn to the persister in one batch", async () => {
    const log = open();
    const seen = await record(log, PERSISTER_GROUP);
    await Promise.all([1, 2, 3].map(() => log.append(buildRecords(2))));
    assert.deepEqual(
      seen.batches.map(({ length }) => length),
      [6],
    );
    await log.close();
  });

  it("hands a record that was appended twice to the persister once", async () => {
    const log = open();
    const seen = await record(log, PERSISTER_GROUP);
    const one = buildRecord();
    await Promise.all([log.append([one]), log.append([one, one])]);
    assert.deepEqual(seen.ids(), [one.messageId]);
    await log.close();
  });

  it("says for good that a rejected record is not written, also to who appended it again", async () => {
    const log = open();
    await record(log, PERSISTER_GROUP, ({ records }) => ({
      rejected: records.map((one) => ({ record: one, reason: "too odd" })),
    }));
    const one = buildRecord();
    const refused = { ok: false, retryable: false, reason: "too odd" };
    assert.deepEqual(await Promise.all([log.append([one]), log.append([one])]), [[refused], [refused]]);
    await log.close();
  });

  it("keeps records of the other groups away from those that were rejected", async () => {
    const log = open();
    const other = await record(log, "search");
    const [good, poison] = buildRecords(2);
    await record(log, PERSISTER_GROUP, () => ({ rejected: [{ record: poison!, reason: "too odd" }] }));
    await log.append([good!, poison!]);
    await waitFor(() => other.ids().length);
    assert.deepEqual(other.ids(), [good!.messageId]);
    await log.close();
  });

  it("gives a record without an answer until its dead letter is stored", async () => {
    let isDown = true;
    const buried: string[] = [];
    const deadLetters: DeadLetterStore = {
      ...noLetters,
      async add(letters) {
        if (isDown) throw new Error("the database is away");
        buried.push(...letters.map(({ reason }) => reason));
      },
    };
    const log = open({ deadLetters, appendTimeoutMs: 150 });
    const seen = await record(log, PERSISTER_GROUP, ({ records }) => ({
      rejected: records.map((one) => ({ record: one, reason: "no" })),
    }));
    const one = buildRecord();
    const [unknown] = await log.append([one]);
    assert.ok(unknown && !unknown.ok && unknown.retryable);
    isDown = false;
    let last: AppendOutcome | undefined;
    await waitFor(async () => {
      [last] = await log.append([one]);
      return last?.ok === false && !last.retryable;
    });
    assert.deepEqual(last, { ok: false, retryable: false, reason: "no" });
    assert.ok(seen.batches.length > 1 && buried.length > 0);
    await log.close();
  });

  it("waits for a persister that comes later", async () => {
    const log = open();
    const records = buildRecords(3);
    const appended = log.append(records);
    assert.equal(await log.lag(PERSISTER_GROUP), 3);
    const seen = await record(log, PERSISTER_GROUP);
    assert.deepEqual(await appended, [{ ok: true }, { ok: true }, { ok: true }]);
    assert.equal(seen.ids().length, 3);
    await log.close();
  });

  it("lets a group be consumed once at a time", async () => {
    const log = open();
    const first = await record(log, PERSISTER_GROUP);
    await assert.rejects(record(log, PERSISTER_GROUP));
    await first.stop();
    await record(log, PERSISTER_GROUP);
    await log.close();
  });

  it("closes although its persister keeps failing", async () => {
    const log = open({ appendTimeoutMs: 150 });
    await record(log, PERSISTER_GROUP, () => {
      throw new Error("broken");
    });
    const [outcome] = await log.append([buildRecord()]);
    assert.ok(outcome && !outcome.ok && outcome.retryable);
    await log.close();
  });
});
