import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Database } from "../../mixins/database/port.ts";
import type { Device } from "../chaos/device.ts";
import { assertHolds } from "../chaos/checkers/index.ts";
import type { OperationOf } from "../chaos/history.ts";
import { startIm } from "../support/im.ts";
import { waitFor } from "../support/wait.ts";
import { buildWorld, readFinalState, type World } from "../property/world.ts";

/** Longer than an append may take, so that sends are refused before they wait as well. */
const OUTAGE_MS = 5_000;
/** I18: a sender knows by then. */
const ANSWER_MS = 5_000;
/** I18: nothing is pending any more so long after the database is back. */
const RECOVERY_MS = 10_000;

/** What the port promises of an error that another try can cure, with SQLite's own code. */
const failure = (message: string, errcode: number): Error => Object.assign(new Error(message), { errcode, type: "UNAVAILABLE" });
const diskFull = (): Error => failure("database or disk is full, says the test", 13);
const ioError = (): Error => failure("disk I/O error, says the test", 10);

/** Makes these methods fail; gives a function that repairs them. */
function fail(
  sql: Database,
  methods: readonly ("select" | "execute" | "insertRows" | "bulkInsert" | "transaction")[],
  error: () => Error,
): () => void {
  const target = sql as unknown as Record<string, unknown>;
  const before = methods.map((method) => [method, target[method]] as const);
  for (const method of methods) target[method] = () => Promise.reject(error());
  return () => before.forEach(([method, work]) => (target[method] = work));
}

/** A client waits before it tries again. */
const RETRY_MS = 100;

/** Everybody sends into everything they are in, one message after the other, until it is stopped. */
class Sending {
  #isOver = false;
  #count = 0;
  readonly #work: Promise<unknown>;

  constructor({ conversations, people }: World) {
    const lanes = conversations.flatMap(({ conversationId, members }) =>
      members.map((index) => this.#run(people[index]!.devices[0], conversationId)),
    );
    this.#work = Promise.all(lanes);
  }

  async #run(device: Device, conversationId: string): Promise<void> {
    while (!this.#isOver) {
      const key = `o${++this.#count}`;
      const { code } = await device.send(conversationId, key, `words of ${key}`);
      if (code !== 0) await delay(RETRY_MS);
    }
  }

  /** Resolves when all that was sent has its answer. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#work;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

const durationMs = ({ invoked, ended }: OperationOf<"send">): number => ended!.wallMs - invoked.wallMs;

const outages = [
  { what: "the disk is full", methods: ["execute", "insertRows", "bulkInsert", "transaction"], error: diskFull, answers: [3001] },
  {
    what: "the database neither reads nor writes",
    methods: ["select", "execute", "insertRows", "bulkInsert", "transaction"],
    error: ioError,
    // 3001 once what was on its way to the database has waited for too long there.
    answers: [3001, 9006],
  },
] as const;

for (const { what, methods, error, answers } of outages) {
  test(`while ${what}, senders are told in time; afterwards all that was taken is stored, in order`, async () => {
    await using im = await startIm();
    await using world = await buildWorld(im, { people: 3, historyVisible: false });
    await using sending = new Sending(world);
    const sends = () => world.history.of("send");
    await waitFor(() => sends().filter(({ outcome }) => outcome === "ok").length > 50, "messages before the outage");

    const repair = fail(im.sql, methods, error);
    const fault = world.history.fault(what, { stopsSending: true, stopsPersisting: true });
    const since = world.history.now();
    await waitFor(() => Date.now() > since.wallMs + OUTAGE_MS, "the end of the outage", OUTAGE_MS * 2);
    const until = world.history.now();
    fault.end();
    repair();
    fault.repaired();
    const back = Date.now();
    const during = sends().filter(({ invoked }) => invoked.order > since.order && invoked.order < until.order);
    const ended = during.filter((send) => send.ended && send.ended.order < until.order);
    assert.ok(ended.length > 10, `${ended.length} sends ended during the outage`);
    const others = ended.filter(({ code }) => !answers.some((answer) => answer === code));
    assert.deepEqual(others, [], "all are to be sent again");

    const pending = async (): Promise<number> => (await im.hot.conversations.pendingStats()).count;
    const isAccepted = (): boolean => sends().some(({ invoked, outcome }) => invoked.order > until.order && outcome === "ok");
    await waitFor(isAccepted, "a message that is taken again", RECOVERY_MS);
    await sending.stop();
    await waitFor(async () => (await pending()) === 0, "nothing to be pending", RECOVERY_MS);
    assert.ok(Date.now() - back < RECOVERY_MS);
    for (const send of sends()) assert.ok(durationMs(send) < ANSWER_MS, `${send.clientMsgId} took ${durationMs(send)} ms`);

    await resend(world);
    assertHolds(world.history, await readFinalState(world));
  });
}

/** Sends everything again that was not acknowledged, as clients do. */
async function resend({ people, history }: World): Promise<void> {
  const open = history.of("send").filter(({ outcome }) => outcome !== "ok");
  for (const { userId, conversationId, clientMsgId, text } of open) {
    const [device] = people.find((person) => person.userId === userId)!.devices;
    const { code } = await device.send(conversationId, clientMsgId, text);
    assert.equal(code, 0);
  }
}
