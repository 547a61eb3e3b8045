import assert from "node:assert/strict";
import { test } from "node:test";
import type { Message } from "../../contracts/entities.ts";
import {
  act,
  CONVERSATION,
  goodCase,
  held,
  hotOf,
  listOf,
  messageOf,
  nothing,
  poisoned,
  push,
  reader,
  recalled,
  rowOf,
  send,
  walk,
  who,
  type Case,
} from "../chaos/good-case.ts";
import { violationsOf, type Invariant } from "../chaos/checkers/index.ts";

/** User 2 is removed behind message 2 and nobody gets an answer; message 4, which says so, is of now. */
async function removedInSilence({ history, state }: Case): Promise<void> {
  state.members[1]!.maxSeq = 2;
  state.histories[1]!.items.pop();
  for (const { conversations } of state.lists.slice(1))
    Object.assign(conversations[0]!, { maxSeq: 2, unread: 0, lastMessage: messageOf(2) });
  history.operations.splice(history.operations.indexOf(history.of("walk")[0]!), 1); // it read message 3
  await act(history, { kind: "remove", ...who, whom: "2" }, null);
  const content = JSON.stringify({ event: "member.removed", userIds: ["2"] });
  const told = { senderId: "0", clientMsgId: "told", type: "system", content };
  state.messages.push({ ...rowOf(4), ...told, createdAt: history.now().wallMs });
  const message = { ...messageOf(4), ...told, type: "system" as const, content: JSON.parse(content) as Message["content"] };
  state.histories[0]!.items.push(message);
  Object.assign(state.lists[0]!.conversations[0]!, { maxSeq: 4, lastMessage: message });
  Object.assign(state.followed[0]!, { mark: 4 }).messages.set(4, "104");
  state.pipeline.hot!.stableSeqs.set(CONVERSATION, 4);
}

/** What must not be taken for a violation. */
const good: Readonly<Record<string, (one: Case) => Promise<unknown> | void>> = {
  "a recall": recalled,
  "a message that the database was made to refuse": poisoned,
  "a message that it was made to refuse after it was acknowledged": held,
  "a push of what was said before one was removed": async ({ history, state }) => {
    state.members[1]!.maxSeq = 2;
    state.histories[1]!.items.pop();
    for (const { conversations } of state.lists.slice(1))
      Object.assign(conversations[0]!, { maxSeq: 2, unread: 0, lastMessage: messageOf(2) });
    await act(history, { kind: "remove", ...who, whom: "2" });
    history.pass(1_500);
    push(history, "b#1", "message:new", messageOf(3, "accepted"));
  },
  "a push before anybody was told of a removal that had no answer": async (one) => {
    await removedInSilence(one);
    push(one.history, "b#1", "message:new", messageOf(3, "accepted"));
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
    invariant: "I1",
    what: "a held message that became no dead letter",
    plant: async (one) => {
      await held(one);
      one.state.messages.pop();
      one.state.pipeline.deadLetters.length = 0;
    },
  },
  {
    invariant: "I2",
    what: "a held message that was driven again and has no words",
    plant: async (one) => {
      await held(one);
      one.history.poison.clear();
    },
  },
  {
    invariant: "I3",
    what: "a held message that was driven again to another place",
    plant: async (one) => {
      await held(one);
      Object.assign(one.state.messages[3]!, { seq: 5 });
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
    what: "a push of what was said after one was removed",
    plant: async ({ history, state }) => {
      state.members[1]!.maxSeq = 2;
      await act(history, { kind: "remove", ...who, whom: "2" });
      history.pass(1_500);
      state.messages[2]!.createdAt = history.now().wallMs;
      push(history, "b#1", "message:new", messageOf(3));
    },
  },
  {
    invariant: "I14",
    what: "a push long after all were told of a removal that had no answer",
    plant: async (one) => {
      await removedInSilence(one);
      one.history.pass(1_500);
      push(one.history, "b#1", "message:new", messageOf(3));
    },
  },
  {
    invariant: "I14",
    what: "a history that one reads on whose removal had no answer",
    plant: async (one) => {
      await removedInSilence(one);
      await walk(one.history, [1, 2, 3], []);
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
