import assert from "node:assert/strict";
import { test } from "node:test";
import {
  act,
  CONVERSATION,
  goodCase,
  listOf,
  messageOf,
  nothing,
  push,
  reader,
  send,
  walk,
  who,
  type Case,
} from "../chaos/good-case.ts";
import { violationsOf, type Invariant } from "../chaos/checkers/index.ts";
import { errorTimes, p99 } from "../chaos/checkers/in-time.ts";
import type { History, OperationOf } from "../chaos/history.ts";

const calm = { pending: 0, oldestAgeMs: null, memoryBytes: { node: 1e8 } };

/** What is broken, and repaired, around `work`. */
async function during(
  history: History,
  effects: Parameters<History["fault"]>[1],
  work: () => Promise<unknown> | void,
): Promise<void> {
  const fault = history.fault("something is away", effects);
  await work();
  fault.repaired();
}

/** A call that fails after so long. */
async function failLate(history: History, ms: number, gateway?: string): Promise<void> {
  await history.record(
    { kind: "request", ...reader, ...nothing, what: "x", ...(gateway !== undefined && { gateway }) },
    async () => {
      history.pass(ms);
      return { code: null };
    },
    () => null,
  );
}

/** What must not be taken for a violation. */
const good: Readonly<Record<string, (one: Case) => Promise<unknown> | void>> = {
  "a message that is refused while there is no log": ({ history }) =>
    during(history, { stopsSending: true }, () => act(history, { kind: "send", ...who, clientMsgId: "k9", text: "x" }, 3001)),
  "a message that is sent again while there is no log, and was in it before": ({ history }) =>
    during(history, { stopsSending: true }, () => send(history, 3)),
  "a push that comes behind an edit and a receipt, since something was away": async ({ history }) => {
    await during(history, {}, () => send(history, 3));
    push(history, "b#2", "message:updated", messageOf(3, "persisted"));
    push(history, "b#2", "receipt:read", { conversationId: CONVERSATION, userId: "2", seq: 3, at: 2_000 });
    push(history, "b#2", "message:new", messageOf(3, "accepted"));
  },
  "a push that comes behind a receipt, since a node was started and did not take part yet": async ({ history }) => {
    const fault = history.fault("a node is killed");
    fault.repaired();
    await send(history, 3);
    fault.back();
    push(history, "b#2", "receipt:read", { conversationId: CONVERSATION, userId: "2", seq: 3, at: 2_000 });
    push(history, "b#2", "message:new", messageOf(3, "accepted"));
  },
  "what waits while the database is away": ({ history }) =>
    during(history, { stopsPersisting: true }, () => history.sample({ ...calm, pending: 3, oldestAgeMs: 60_000 })),
  "what waits for a persister that was started and does not take part yet": ({ history, state }) => {
    const fault = history.fault("the persister is killed", { stopsPersisting: true });
    fault.repaired();
    history.pass(30_000);
    history.sample({ ...calm, pending: 3, oldestAgeMs: 30_000 });
    fault.back();
    for (const row of state.messages) row.persistedAt = history.now().wallMs + 5_000;
  },
  "a gateway that is frozen and answers late": ({ history }) =>
    during(history, { silences: ["http://a"] }, () => failLate(history, 9_000, "http://a")),
  "an ended session that is told so": async ({ history }) => {
    await act(history, { kind: "endSession", ...who, ...nothing, devices: ["b"] });
    push(history, "b#1", "session:ended", { code: 1004, reason: "logout" });
    history.pass(6_000);
    await act(history, { kind: "request", ...reader, ...nothing, what: "me" }, 1004);
    await act(history, { kind: "request", ...who, ...nothing, what: "me" });
  },
};

for (const [what, live] of Object.entries(good)) {
  test(`nothing is found in ${what}`, async () => {
    const one = await goodCase();
    await live(one);
    assert.deepEqual(violationsOf(one.history, one.state), []);
  });
}

/** Each breaks one thing; what is found must name the invariant. */
const planted: readonly { readonly invariant: Invariant; readonly what: string; plant(one: Case): Promise<unknown> | void }[] = [
  {
    invariant: "I17",
    what: "a message that is acknowledged while there is no log",
    plant: ({ history }) => during(history, { stopsSending: true }, () => send(history, 4)),
  },
  { invariant: "I18", what: "errors that come late", plant: ({ history }) => failLate(history, 5_500) },
  {
    invariant: "I18",
    what: "a call that never ends",
    plant: ({ history }) => {
      const deed = { kind: "request", ...reader, ...nothing, what: "x" } as const;
      const silence = new Promise<never>(() => undefined);
      void history.record(
        deed,
        () => silence,
        () => null,
      );
    },
  },
  {
    invariant: "I18",
    what: "a message that stays pending",
    plant: ({ history }) => history.sample({ ...calm, pending: 1, oldestAgeMs: 10_500 }),
  },
  {
    invariant: "I18",
    what: "a message that stays pending after the log is back",
    plant: async ({ history }) => {
      await during(history, { stopsPersisting: true }, () => undefined);
      history.pass(11_000);
      history.sample({ ...calm, pending: 1, oldestAgeMs: 12_000 });
    },
  },
  {
    invariant: "I18",
    what: "a message that stays pending after the persister takes part again",
    plant: ({ history }) => {
      const fault = history.fault("the persister is killed", { stopsPersisting: true });
      fault.repaired();
      fault.back();
      history.pass(11_000);
      history.sample({ ...calm, pending: 1, oldestAgeMs: 12_000 });
    },
  },
  {
    invariant: "I18",
    what: "memory that grows without bound",
    plant: ({ history }) => {
      history.sample(calm);
      history.sample({ ...calm, memoryBytes: { node: 5e8 } });
    },
  },
  {
    invariant: "I19",
    what: "messages that are persisted long after healing",
    plant: async ({ history, state }) => {
      await during(history, { stopsPersisting: true }, () => undefined);
      for (const row of state.messages) row.persistedAt = Date.now() + 60_000;
    },
  },
  {
    invariant: "I19",
    what: "messages that are persisted long after the persister takes part again",
    plant: ({ history, state }) => {
      const fault = history.fault("the persister is killed", { stopsPersisting: true });
      fault.repaired();
      history.pass(30_000);
      fault.back();
      for (const row of state.messages) row.persistedAt = history.now().wallMs + 60_000;
    },
  },
  {
    invariant: "I20",
    what: "a session that goes on after its end",
    plant: async ({ history }) => {
      await act(history, { kind: "endSession", ...who, ...nothing, devices: ["b"] });
      history.pass(6_000);
      await act(history, { kind: "request", ...reader, ...nothing, what: "me" });
    },
  },
  {
    invariant: "I20",
    what: "a session that hears on after its end",
    plant: async ({ history }) => {
      await act(history, { kind: "endSession", ...who, ...nothing, devices: ["b"] });
      history.pass(6_000);
      push(history, "b#1", "message:new", messageOf(3));
    },
  },
  {
    invariant: "I21",
    what: "a message below what was said to be complete",
    plant: ({ history }) => walk(history, [1], [3], []),
  },
  {
    invariant: "I21",
    what: "a message in the place of a void",
    plant: ({ history }) => {
      const items = [messageOf(1), { type: "void" as const, seq: 2, toSeq: 2 }, messageOf(3)];
      return history.record(
        { kind: "walk", ...reader },
        async () => ({ code: 0, data: { direction: "up" as const, pages: [{ items, minSeq: 1, maxSeq: 3 }] } }),
        (data) => data,
      );
    },
  },
  {
    invariant: "I21",
    what: "less than was said before",
    plant: async ({ history, state }) => {
      await walk(history, [1, 2], [3], []);
      const walks = history.of("walk");
      const page = (walks.at(-1) as OperationOf<"walk">).answer!.pages[2]!;
      Object.assign(page, { maxSeq: 2 });
      for (const one of walks.at(-1)!.answer!.pages) Object.assign(one, { maxSeq: 2 });
      assert.equal(state.messages.length, 3);
    },
  },
  {
    invariant: "I21",
    what: "a list that counts what is not there",
    plant: ({ history }) => {
      const [listed] = listOf("2", "b", 2, 1).conversations;
      return history.record(
        { kind: "list", ...reader, ...nothing },
        async () => ({ code: 0, data: [{ ...listed!, maxSeq: 4 }] }),
        (data) => data,
      );
    },
  },
  {
    invariant: "I21",
    what: "a message behind the back of one who follows",
    plant: ({ state }) => void state.followed[1]!.messages.delete(2),
  },
];

for (const { invariant, what, plant } of planted) {
  test(`${invariant} is found broken by ${what}`, async () => {
    const one = await goodCase();
    await plant(one);
    const found = violationsOf(one.history, one.state);
    assert.ok(
      found.some((violation) => violation.invariant === invariant),
      JSON.stringify(found),
    );
  });
}

test("the time of errors is that of 99 in 100, without what a silent gateway could not say", async () => {
  const { history } = await goodCase();
  for (const ms of [10, 20, 30]) await failLate(history, ms);
  await during(history, { silences: ["http://a"] }, () => failLate(history, 9_000, "http://a"));
  const times = errorTimes(history);
  assert.deepEqual(times.map(Math.floor), [10, 20, 30]);
  assert.equal(p99(times), times[2]);
  assert.equal(p99([]), null);
});
