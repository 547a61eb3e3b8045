import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Message, ScheduledMessage } from "../../contracts/entities.ts";
import { imError } from "../../lib/errors.ts";
import { underLease } from "../../mixins/hot-store/hold-lease.ts";
import { memoryLeases } from "../../mixins/hot-store/leases-memory.ts";
import type { HotLeases } from "../../mixins/hot-store/port.ts";
import type { AppendOutcome } from "../../mixins/message-log/port.ts";
import { DueRepository } from "../../services/scheduler/due-repository.ts";
import { DueRunner } from "../../services/scheduler/runner.ts";
import { sendDue, type SendDueDeps } from "../../services/scheduler/send-due.ts";
import { errorType } from "../support/accounts.ts";
import { startIm, type Im } from "../support/im.ts";
import type { Person } from "../support/messages.ts";
import { buildFriends } from "../support/people.ts";
import { comeDue, later, runDue, schedule, scheduler, stateOf } from "../support/scheduled.ts";
import { waitFor } from "../support/wait.ts";

/** Of a lease that no event loop is held up for, and of one that ends soon. */
const TTL_MS = 10_000;
const SHORT_TTL_MS = 50;
const quiet = { warn: () => undefined, debug: () => undefined };

let im: Im;
before(async () => void (im = await startIm({}, { services: [scheduler()] })));
after(() => im.stop());

type Sending = SendDueDeps["send"];
const really: Sending = (userId, params) => im.node.as(userId, "message.send", params);

/** What a node sends with, its clock and its failures those of the test. */
function sendingOf(more: Partial<SendDueDeps> = {}): SendDueDeps & { readonly failures: string[] } {
  const failures: string[] = [];
  return {
    repository: new DueRepository(im.sql),
    send: really,
    activeAmong: async (userIds) => userIds,
    addFailure: async (_tx, _scheduled, failure) => void failures.push(failure),
    onSent: () => undefined,
    onFailed: () => undefined,
    now: Date.now,
    backoff: { firstMs: 1, maxMs: 2 },
    failures,
    ...more,
  };
}

interface RunnerTimes {
  readonly everyMs?: number;
  readonly leaseTtlMs?: number;
}

const runnerOf = (
  leases: HotLeases,
  holder: string,
  sending: SendDueDeps,
  { everyMs = 3_600_000, leaseTtlMs = TTL_MS }: RunnerTimes = {},
): DueRunner =>
  new DueRunner({
    jobs: [{ hasDue: () => sending.repository.hasDue(sending.now()), run: (term) => sendDue(sending, term) }],
    leases,
    holder,
    everyMs,
    logger: quiet,
    leaseTtlMs,
  });

async function buildDue(count: number, agoMs = 0) {
  const { a, b, conversationId } = await buildFriends(im);
  const due: ScheduledMessage[] = [];
  for (let i = 0; i < count; i++) {
    due.push(await schedule(im, a, later(conversationId, `words ${i}`)));
    await comeDue(im, due[i]!, agoMs);
  }
  return { a, b, conversationId, due };
}

const wordsOf = async ({ userId }: Person, conversationId: string): Promise<unknown[]> =>
  ((await im.node.as(userId, "message.history", { conversationId, limit: 100 })).items as Message[]).map(
    ({ content }) => content["text"],
  );

describe("two runners", () => {
  it("share what is due: each message is sent by one of them, once", async () => {
    const { b, conversationId, due } = await buildDue(60);
    const leases = memoryLeases();
    const senders: string[] = [];
    const runners = ["one", "two"].map((holder) => {
      const send: Sending = (userId, params) => {
        senders.push(`${holder} ${params.clientMsgId}`);
        return really(userId, params);
      };
      return runnerOf(leases, holder, sendingOf({ send }), { everyMs: 1 });
    });
    for (const runner of runners) runner.start();
    await waitFor(async () => (await wordsOf(b, conversationId)).length === due.length, "all are sent");
    await waitFor(async () => (await stateOf(im, due.at(-1)!)) === "sent");
    await Promise.all(runners.map((runner) => runner.close()));
    assert.equal(senders.length, due.length);
  });

  it("stand in for each other: what a killed one had begun is ended by the other, and appears once", async () => {
    const { b, conversationId, due } = await buildDue(3);
    const leases = memoryLeases();
    const killed = Promise.withResolvers<never>();
    const begun = Promise.withResolvers<void>();
    // It sends the first one, and neither hears the answer nor gives its lease back.
    const send: Sending = async (userId, params) => {
      await really(userId, params);
      begun.resolve();
      return killed.promise;
    };
    // Its lease ends soon, which it does not notice before it has begun.
    const dead: HotLeases = {
      acquire: (name, holder) => leases.acquire(name, holder, SHORT_TTL_MS),
      renew: () => begun.promise.then(() => false),
      release: async () => undefined,
    };
    const dying = runnerOf(dead, "dying", sendingOf({ send })).runOnce();
    await begun.promise;
    assert.equal(await stateOf(im, due[0]!), "sending");
    const heir = runnerOf(leases, "heir", sendingOf());
    await waitFor(async () => (await heir.runOnce()) === 3, "the other one's lease to end");
    assert.deepEqual(await wordsOf(b, conversationId), ["words 0", "words 1", "words 2"]);
    killed.reject(imError("MUTED"));
    assert.equal(await dying.catch(() => 0), 1, "it goes on where it was held up");
    assert.equal(await stateOf(im, due[0]!), "sent", "and what it writes counts no more");
    assert.deepEqual(await im.sql.select("select failure from scheduled_message where failure is not null"), []);
  });

  it("take nothing that a runner with a newer lease has", async () => {
    const { due } = await buildDue(1);
    const { scheduledId } = due[0]!;
    const repository = new DueRepository(im.sql);
    const now = Date.now();
    assert.equal((await repository.take(scheduledId, 1, now))?.tries, 1);
    assert.equal((await repository.take(scheduledId, 2, now))?.tries, 2);
    assert.equal(await repository.take(scheduledId, 1, now), null);
    const failed = im.sql.transaction((tx) => repository.failed(scheduledId, 1, { failure: "MUTED", at: now }, tx));
    assert.equal(await failed, false);
    await repository.putOff(scheduledId, 1, { dueAt: now + 60_000, unknownAt: null });
    assert.equal(await repository.hasDue(now), true);
    assert.equal(await repository.sent(scheduledId, 2, { messageId: "5", seq: 1, createdAt: now, at: now }), true);
  });
});

describe("what cannot be answered", () => {
  it("is tried again until the pipeline is back, can no longer be cancelled, and is sent once", async () => {
    const { a, b, conversationId, due } = await buildDue(3);
    const append = im.log.append.bind(im.log);
    im.log.append = async (records) =>
      records.map((): AppendOutcome => ({ ok: false, retryable: true, reason: "away, says the test" }));
    const sending = sendingOf();
    const runner = runnerOf(memoryLeases(), "one", sending, { everyMs: 1 });
    runner.start();
    await waitFor(async () => {
      const [row] = await im.sql.select<{ tries: number }>(
        "select max(tries) as tries from scheduled_message where conversation_id = :conversationId",
        { conversationId },
      );
      return row!.tries > 2;
    }, "the first is tried again and again");
    const { scheduledId } = due[0]!;
    assert.equal(await errorType(im.node.as(a.userId, "scheduler.cancel", { scheduledId })), "SCHEDULED_CLOSED");
    assert.deepEqual(await wordsOf(b, conversationId), []);
    im.log.append = append;
    await waitFor(async () => (await wordsOf(b, conversationId)).length === 3, "all are sent");
    await waitFor(async () => (await Promise.all(due.map((one) => stateOf(im, one)))).every((state) => state === "sent"));
    await runner.close();
    assert.deepEqual(await wordsOf(b, conversationId), ["words 0", "words 1", "words 2"]);
    assert.deepEqual(sending.failures, []);
  });

  it("holds up what its author wants to be sent behind it there, however often it is tried", async () => {
    const { b, conversationId, due } = await buildDue(3);
    let isAway = true;
    const send: Sending = (userId, params) =>
      isAway && params.clientMsgId === due[0]!.clientMsgId ? Promise.reject(imError("SEND_FAILED")) : really(userId, params);
    const sending = sendingOf({ send, backoff: { firstMs: 3_600_000, maxMs: 3_600_000 } });
    const runner = runnerOf(memoryLeases(), "one", sending);
    await runner.runOnce();
    await runner.runOnce();
    assert.deepEqual(await wordsOf(b, conversationId), []);
    assert.equal(await sending.repository.hasDue(Date.now()), false, "there is nothing that may go");
    isAway = false;
    await im.sql.execute("update scheduled_message set due_at = send_at where scheduled_id = :scheduledId", {
      scheduledId: due[0]!.scheduledId,
    });
    await runner.runOnce();
    assert.deepEqual(await wordsOf(b, conversationId), ["words 0", "words 1", "words 2"]);
    await runner.close();
  });

  it("waits longer and longer, and ends a run when nothing answers", async () => {
    const { due } = await buildDue(1);
    const others = await Promise.all(Array.from({ length: 20 }, () => buildDue(1)));
    let tries = 0;
    const send: Sending = async () => {
      tries++;
      throw imError("SEND_FAILED");
    };
    const sending = sendingOf({ send, backoff: { firstMs: 60_000, maxMs: 600_000 } });
    const outcome = await underLease(memoryLeases(), "name", { holder: "one", ttlMs: 5_000 }, (term) => sendDue(sending, term));
    assert.deepEqual(outcome, { done: 0, isMore: false });
    assert.ok(tries >= 16 && tries < 21 + 16, `${tries} tries`);
    const rows = await im.sql.select<{ due_at: number; tries: number }>(
      "select due_at, tries from scheduled_message where state = 'sending' and due_at > :now",
      { now: Date.now() + 20_000 },
    );
    assert.equal(rows.length, tries);
    for (const one of [...due, ...others.flatMap((other) => other.due)])
      await im.sql.execute("delete from scheduled_message where scheduled_id = :scheduledId", { scheduledId: one.scheduledId });
  });

  it("is refused for good only when no earlier try can become a message any more", async () => {
    const { due } = await buildDue(1);
    let now = Date.now();
    const answers = [imError("SEND_FAILED"), imError("CANNOT_MESSAGE"), imError("CANNOT_MESSAGE"), imError("CANNOT_MESSAGE")];
    const sending = sendingOf({ now: () => now, send: async () => Promise.reject(answers.shift()!) });
    const leases = memoryLeases({ now: () => now });
    const run = () => underLease(leases, "name", { holder: "one", ttlMs: 5_000 }, (term) => sendDue(sending, term));
    const states: unknown[] = [];
    for (const stepMs of [0, 60_000, 50_000, 20_000]) {
      now += stepMs;
      await run();
      states.push([await stateOf(im, due[0]!), sending.failures.length]);
    }
    assert.deepEqual(states, [
      ["sending", 0],
      ["sending", 0],
      ["sending", 0],
      ["failed", 1],
    ]);
    assert.deepEqual(sending.failures, ["CANNOT_MESSAGE"]);
    assert.equal(await runDue(im), 0);
  });

  it("is given up when nobody knows the error, after many tries", async () => {
    const { due } = await buildDue(1);
    let now = Date.now();
    const sending = sendingOf({ now: () => now, send: async () => Promise.reject(new Error("a fault, says the test")) });
    let tries = 0;
    for (; (await stateOf(im, due[0]!)) !== "failed"; now += 200_000, tries++)
      await underLease(memoryLeases(), "name", { holder: "one", ttlMs: 5_000 }, (term) => sendDue(sending, term));
    assert.deepEqual([tries, sending.failures], [20, ["INTERNAL"]]);
  });
});
