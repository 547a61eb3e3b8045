import assert from "node:assert/strict";
import { test } from "node:test";
import {
  act,
  CONVERSATION,
  goodCase,
  hotOf,
  listOf,
  messageOf,
  push,
  reader,
  rowOf,
  send,
  walk,
  who,
  type Case,
} from "../chaos/good-case.ts";
import { violationsOf, type Invariant } from "../chaos/checkers/index.ts";
import { errorTimes, p99 } from "../chaos/checkers/in-time.ts";
import type { History, OperationOf } from "../chaos/history.ts";

const nothing = { conversationId: "" };
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

/** Message 2 is recalled, and the row says so. */
async function recalled({ history, state }: Case): Promise<void> {
  await act(history, { kind: "recall", ...who, messageId: "102" });
  Object.assign(state.messages[1]!, { content: "{}", recalledAt: 5_000 });
  for (const { items } of state.histories) items[1] = { ...messageOf(2), content: {}, recalledAt: 5_000 };
}

/** Message 4 is refused by the database, as the test wants it. */
async function poisoned({ history, state }: Case): Promise<void> {
  history.poison.add("k4");
  await send(history, 4);
  state.messages.push({ ...rowOf(4), type: "void" });
  state.pipeline.deadLetters.push({ clientMsgId: "k4", reason: "refused" });
  for (const one of state.followed) Object.assign(one, { mark: 4 });
  for (const { items } of state.histories) items.push({ type: "void", seq: 4, toSeq: 4 });
  state.pipeline.hot!.stableSeqs.set(CONVERSATION, 4);
}

/** What must not be taken for a violation. */
const good: Readonly<Record<string, (one: Case) => Promise<unknown> | void>> = {
  "a recall": recalled,
  "a message that the database was made to refuse": poisoned,
  "a message that is acknowledged once the log is back": async ({ history }) => {
    let send4: Promise<unknown> = Promise.resolve();
    await during(history, { stopsSending: true }, () => {
      send4 = act(history, { kind: "send", ...who, clientMsgId: "k9", text: "x" }, 3001);
    });
    await send4;
  },
  "what waits while the database is away": ({ history }) =>
    during(history, { stopsPersisting: true }, () => history.sample({ ...calm, pending: 3, oldestAgeMs: 60_000 })),
  "a gateway that is frozen and answers late": ({ history }) =>
    during(history, { silences: ["http://a"] }, () => failLate(history, 9_000, "http://a")),
  "an ended session that is told so": async ({ history }) => {
    await act(history, { kind: "endSession", ...who, ...nothing, devices: ["b"] });
    push(history, "b#1", "session:ended", { code: 1004, reason: "logout" });
    history.pass(6_000);
    await act(history, { kind: "request", ...reader, ...nothing, what: "me" }, 1004);
    await act(history, { kind: "request", ...who, ...nothing, what: "me" });
  },
  "a blocked friend who is refused": async ({ history }) => {
    await act(history, { kind: "block", ...who, ...nothing, whom: "2" });
    history.pass(1_500);
    await act(history, { kind: "send", ...reader, clientMsgId: "kb", text: "x" }, 3002);
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
  { invariant: "I13", what: "a pending message", plant: ({ state }) => void (state.pipeline.pending = 1) },
  { invariant: "I13", what: "a persister that is behind", plant: ({ state }) => void (state.pipeline.lag = 1) },
  {
    invariant: "I13",
    what: "a dead letter that nobody asked for",
    plant: ({ state }) => void state.pipeline.deadLetters.push({ clientMsgId: "k2", reason: "x" }),
  },
  {
    invariant: "I13",
    what: "a refused message that was swallowed",
    plant: async (one) => {
      await poisoned(one);
      one.state.pipeline.deadLetters.length = 0;
    },
  },
  {
    invariant: "I13",
    what: "a hot store with other words",
    plant: ({ state }) => void (state.pipeline.hot!.messages[1]!.content = "{}"),
  },
  {
    invariant: "I13",
    what: "a hot store that takes a stored message for a pending one",
    plant: ({ state }) => void (state.pipeline.hot!.messages[1]!.isPersisted = false),
  },
  {
    invariant: "I13",
    what: "a hot store with a message that has no row",
    plant: ({ state }) => void state.pipeline.hot!.messages.push(hotOf(4)),
  },
  {
    invariant: "I13",
    what: "a hot store that stays behind the rows",
    plant: ({ state }) => void state.pipeline.hot!.stableSeqs.set(CONVERSATION, 2),
  },
  {
    invariant: "I14",
    what: "a history that one who left reads on",
    plant: ({ history, state }) => {
      state.members[1]!.maxSeq = 2;
      return walk(history, [1, 2, 3], []);
    },
  },
  {
    invariant: "I14",
    what: "a list that shows a newer message to one who left",
    plant: ({ history, state }) => {
      state.members[1]!.maxSeq = 2;
      return history.record(
        { kind: "list", ...reader, ...nothing },
        async () => ({ code: 0, data: listOf("2", "b", 2, 0).conversations }),
        (data) => data,
      );
    },
  },
  {
    invariant: "I14",
    what: "a message of one who is blocked",
    plant: async ({ history }) => {
      await act(history, { kind: "block", ...reader, ...nothing, whom: "1" });
      history.pass(1_500);
      await send(history, 4);
    },
  },
  {
    invariant: "I14",
    what: "a receipt to one who is blocked",
    plant: async ({ history }) => {
      await act(history, { kind: "block", ...reader, ...nothing, whom: "1" });
      history.pass(1_500);
      push(history, "a#1", "receipt:read", { conversationId: CONVERSATION, userId: "2", seq: 3, at: 1 });
    },
  },
  {
    invariant: "I15",
    what: "a recalled message with its words in the database",
    plant: ({ history }) => act(history, { kind: "recall", ...who, messageId: "102" }),
  },
  {
    invariant: "I15",
    what: "a recalled message with its words in a history",
    plant: async (one) => {
      await recalled(one);
      await walk(one.history, [1, 2], [3], []);
    },
  },
  {
    invariant: "I15",
    what: "an edit that was undone",
    plant: ({ history }) => act(history, { kind: "edit", ...who, messageId: "102", text: "new words" }),
  },
  {
    invariant: "I15",
    what: "a deleted message that is back",
    plant: ({ history }) => act(history, { kind: "delete", ...reader, messageId: "102", seq: 2 }),
  },
  {
    invariant: "I15",
    what: "words of one who is erased",
    plant: ({ history }) => act(history, { kind: "erase", ...who, ...nothing }),
  },
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
