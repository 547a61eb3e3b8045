import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CONVERSATION,
  goodCase,
  hotOf,
  listOf,
  messageOf,
  push,
  read,
  reader,
  rowOf,
  send,
  walk,
  who,
  type Case,
} from "../chaos/good-case.ts";
import { violationsOf, type Invariant } from "../chaos/checkers/index.ts";

const drop = (items: { seq: number }[], seq: number): void =>
  void items.splice(
    items.findIndex((item) => item.seq === seq),
    1,
  );

test("nothing is found in a history where all went well", async () => {
  const { history, state } = await goodCase();
  assert.deepEqual(violationsOf(history, state), []);
});

test("an operation without an answer says nothing, whether it happened or not", async () => {
  const { history, state } = await goodCase();
  const lost = async () => ({ code: null });
  await history.record({ kind: "send", ...who, clientMsgId: "k4", text: "words 4" }, lost, () => null);
  await history.record({ kind: "read", ...reader, seq: 3 }, lost, () => null);
  assert.deepEqual(violationsOf(history, state), []);
  state.messages.push(rowOf(4));
  for (const { items } of state.histories) items.push(messageOf(4));
  for (const one of state.followed) Object.assign(one, { mark: 4 }).messages.set(4, "104");
  state.pipeline.hot!.messages.push(hotOf(4));
  state.pipeline.hot!.stableSeqs.set(CONVERSATION, 4);
  for (const { conversations } of state.lists) Object.assign(conversations[0]!, { maxSeq: 4, lastMessage: messageOf(4) });
  for (const { conversations } of state.lists.slice(1)) conversations[0]!.unread = 2;
  assert.deepEqual(violationsOf(history, state), []);
});

test("a message that another connection sent too, before it was answered, may overtake", async () => {
  const { history } = await goodCase();
  const elsewhere = { from: { ...who, connection: "x#1" } };
  await Promise.all([send(history, 5), send(history, 4), send(history, 4, elsewhere)]);
  const found = violationsOf(history, (await goodCase()).state);
  assert.deepEqual(
    found.filter(({ invariant }) => invariant === "I6"),
    [],
  );
});

test("a read without an answer may have gone as far as the last message of its moment, and no less", async () => {
  const { history, state } = await goodCase();
  await send(history, 4);
  state.messages.push(rowOf(4));
  await history.record(
    { kind: "read", ...reader, seq: 9 },
    async () => ({ code: null }),
    () => null,
  );
  const isUnexplained = (readSeq: number): boolean => {
    state.members[1]!.readSeq = readSeq;
    return violationsOf(history, state).some(({ detail }) => detail.includes("nobody put it there"));
  };
  assert.deepEqual([3, 4].map(isUnexplained), [true, false]);
});

test("who repeats what was sent elsewhere may have read it before, and hear of a receipt first", async () => {
  const { history, state } = await goodCase();
  push(history, "a#2", "receipt:delivered", { conversationId: CONVERSATION, userId: "2", seq: 3, at: 2_000 });
  await send(history, 3, { from: { ...who, connection: "a#2" } });
  assert.deepEqual(violationsOf(history, state), []);
});

test("a walk may have shown what came between the bounds that end it and the message that its walker left, and no other", async () => {
  const { history, state } = await goodCase();
  await walk(history, [1, 2], [3], []);
  Object.assign(history.of("walk").at(-1)!.answer!.pages[2]!, { maxSeq: 2 });
  const surplus = (content: object): string[] => {
    const leaving = { ...rowOf(4), type: "system", content: JSON.stringify(content) };
    return violationsOf(history, { ...state, messages: [...state.messages, leaving] }).flatMap(
      ({ detail }) => /shows \d.* too much/.exec(detail) ?? [],
    );
  };
  const event = "member.left";
  assert.deepEqual(surplus({ event, userIds: [reader.userId] }), []);
  assert.deepEqual(surplus({ event, userIds: ["1"] }), ["shows 3 too much"]);
  assert.deepEqual(surplus({ event: "member.joined", userIds: [reader.userId] }), ["shows 3 too much"]);
});

/** Each breaks one thing; what is found must name the invariant. */
const planted: { readonly invariant: Invariant; readonly what: string; plant(one: Case): Promise<unknown> | void }[] = [
  { invariant: "I1", what: "an acknowledged message without a row", plant: ({ state }) => drop(state.messages, 3) },
  {
    invariant: "I1",
    what: "an acknowledged message that a member does not see",
    plant: ({ state }) => drop(state.histories[1]!.items, 2),
  },
  { invariant: "I1", what: "an acknowledged message at another seq", plant: ({ state }) => void (state.messages[2]!.seq = 4) },
  {
    invariant: "I2",
    what: "a message that nobody sent",
    plant: ({ state }) => void state.messages.push({ ...rowOf(4), clientMsgId: "never" }),
  },
  {
    invariant: "I2",
    what: "a message that was refused",
    plant: async ({ history, state }) => {
      await history.record(
        { kind: "send", ...who, clientMsgId: "k4", text: "words 4" },
        async () => ({ code: 3002 }),
        () => null,
      );
      state.messages.push(rowOf(4));
    },
  },
  {
    invariant: "I2",
    what: "other words than were sent",
    plant: ({ state }) => void (state.messages[0]!.content = '{"text":"else"}'),
  },
  { invariant: "I3", what: "two rows for one key", plant: ({ state }) => void (state.messages[2]!.clientMsgId = "k2") },
  { invariant: "I3", what: "another answer for a repeated key", plant: ({ history }) => send(history, 2, { answered: 3 }) },
  { invariant: "I3", what: "two bodies under one key", plant: ({ history }) => send(history, 2, { text: "else" }) },
  {
    invariant: "I4",
    what: "one seq answered for two messages",
    plant: ({ state }) => void (state.messages[2]!.messageId = "999"),
  },
  {
    invariant: "I4",
    what: "one seq with two rows",
    plant: ({ state }) => void state.messages.push({ ...rowOf(3), messageId: "998" }),
  },
  {
    invariant: "I1",
    what: "an acknowledged message that became a void",
    plant: ({ state }) => void (state.messages[2]!.type = "void"),
  },
  {
    invariant: "I5",
    what: "a client that waits for one that is there",
    plant: ({ state }) => void (state.followed[1]!.mark = 2),
  },
  { invariant: "I5", what: "a hole", plant: ({ state }) => drop(state.messages, 2) },
  { invariant: "I5", what: "a conversation that does not begin at 1", plant: ({ state }) => drop(state.messages, 1) },
  {
    invariant: "I6",
    what: "a later message before an acknowledged one",
    plant: async ({ history }) => {
      await send(history, 5, { from: { ...who, connection: "x#1" } });
      await send(history, 4, { from: { ...who, connection: "y#1" } });
    },
  },
  {
    invariant: "I6",
    what: "two messages of one connection in the wrong order",
    plant: async ({ history }) => void (await Promise.all([send(history, 5), send(history, 4)])),
  },
  {
    invariant: "I6",
    what: "two messages of one connection in the wrong order, one of which another connection sent when it was answered",
    plant: async ({ history }) => {
      await Promise.all([send(history, 5), send(history, 4)]);
      await send(history, 4, { from: { ...who, connection: "x#1" } });
    },
  },
  {
    invariant: "I6",
    what: "two messages of one connection in the wrong order, the first of which another connection sent too",
    plant: async ({ history }) =>
      void (await Promise.all([send(history, 5), send(history, 4), send(history, 5, { from: { ...who, connection: "x#1" } })])),
  },
  {
    invariant: "I7",
    what: "a push of another message at a seq",
    plant: ({ history }) => push(history, "b#1", "message:new", { ...messageOf(3), messageId: "997" }),
  },
  {
    invariant: "I7",
    what: "a history with another message at a seq",
    plant: ({ state }) => void (state.histories[1]!.items[0] = { ...messageOf(1), messageId: "997" }),
  },
  { invariant: "I8", what: "a walk that skips one", plant: ({ history }) => walk(history, [1], [3], []) },
  { invariant: "I8", what: "a walk that repeats one", plant: ({ history }) => walk(history, [1, 2], [2, 3], []) },
  {
    invariant: "I8",
    what: "a walk that shows what was deleted before",
    plant: async ({ history, state }) => {
      const deed = { kind: "delete", ...reader, messageId: "102", seq: 2 } as const;
      await history.record(
        deed,
        async () => ({ code: 0, data: null }),
        () => null,
      );
      state.members[1]!.hidden.push(2);
      drop(state.histories[1]!.items, 2);
      await walk(history, [1, 2], [3], []);
    },
  },
  { invariant: "I8", what: "a history with more than is visible", plant: ({ state }) => void (state.members[1]!.minSeq = 2) },
  {
    invariant: "I9",
    what: "a status that goes back",
    plant: ({ history }) => {
      push(history, "b#1", "message:updated", messageOf(2, "persisted"));
      push(history, "b#1", "message:new", messageOf(2, "accepted"));
    },
  },
  {
    invariant: "I9",
    what: "a message called persisted without a row",
    plant: ({ history }) => push(history, "a#1", "message:persisted", { conversationId: CONVERSATION, upToSeq: 4 }),
  },
  { invariant: "I10", what: "an answered cursor that was lost", plant: ({ state }) => void (state.members[1]!.readSeq = 1) },
  { invariant: "I10", what: "a cursor that falls", plant: ({ history }) => read(history, 1, 1) },
  { invariant: "I10", what: "a cursor that nobody moved", plant: ({ state }) => void (state.members[1]!.readSeq = 3) },
  {
    invariant: "I10",
    what: "an unread count that is off by one",
    plant: ({ state }) => void (state.lists[1]!.conversations[0]!.unread = 2),
  },
  {
    invariant: "I10",
    what: "two devices that do not agree",
    plant: ({ state }) => void (state.lists[2]!.conversations[0]!.unread = 0),
  },
  {
    invariant: "I10",
    what: "a negative count on the way",
    plant: ({ history }) =>
      history.record(
        { kind: "list", ...reader, conversationId: "" },
        async () => ({ code: 0, data: listOf("2", "b", 2, -1).conversations }),
        (data) => data,
      ),
  },
  {
    invariant: "I11",
    what: "a list that shows an older message as the last",
    plant: ({ state }) => void (state.lists[1]!.conversations[0]!.lastMessage = messageOf(2)),
  },
  {
    invariant: "I11",
    what: "a list without the conversation",
    plant: ({ state }) => void (state.lists[2]!.conversations.length = 0),
  },
  {
    invariant: "I12",
    what: "a receipt before its message",
    plant: async ({ history, state }) => {
      push(history, "a#1", "receipt:read", { conversationId: CONVERSATION, userId: "2", seq: 4, at: 2_000 });
      await send(history, 4);
      state.messages.push(rowOf(4));
    },
  },
  {
    invariant: "I12",
    what: "a receipt for a message that is not there",
    plant: ({ history }) =>
      push(history, "a#1", "receipt:delivered", { conversationId: CONVERSATION, userId: "2", seq: 9, at: 2_000 }),
  },
  {
    invariant: "I14",
    what: "a push to one who left long ago",
    plant: ({ history, state }) => {
      state.members[1]!.maxSeq = 2;
      push(history, "b#1", "message:new", messageOf(3, "accepted"));
    },
  },
  { invariant: "I16", what: "one id for two messages", plant: ({ state }) => void (state.messages[2]!.messageId = "102") },
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
