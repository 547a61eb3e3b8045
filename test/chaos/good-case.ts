import type { HistoryItem, Message } from "../../contracts/entities.ts";
import { History, type Clock, type Deed, type Walk } from "./history.ts";
import type { FinalState, Followed, ReadList, StoredMember, StoredMessage } from "./final-state.ts";
import type { HotMessage } from "./pipeline.ts";

/** A small history in which all went well, to be broken by the test of the checkers. */

export const CONVERSATION = "d_1_2";
type Mutable<T> = T extends readonly (infer I)[]
  ? Mutable<I>[]
  : T extends ReadonlyMap<infer K, infer V>
    ? Map<K, V>
    : T extends object
      ? { -readonly [K in keyof T]: Mutable<T[K]> }
      : T;

/** User 1 sent three messages from `a#1`, user 2 has read two of them on `b#1` and deleted none. */
export interface Case {
  readonly history: History;
  readonly state: Mutable<FinalState>;
}

export const rowOf = (seq: number): StoredMessage => ({
  conversationId: CONVERSATION,
  seq,
  messageId: `10${seq}`,
  senderId: "1",
  clientMsgId: `k${seq}`,
  type: "text",
  content: JSON.stringify({ text: `words ${seq}` }),
  createdAt: 1_000 + seq,
  persistedAt: 1_100 + seq,
  editedAt: null,
  recalledAt: null,
});
export const messageOf = (seq: number, status: Message["status"] = "persisted"): Message => ({
  messageId: `10${seq}`,
  conversationId: CONVERSATION,
  seq,
  senderId: "1",
  clientMsgId: `k${seq}`,
  type: "text",
  content: { text: `words ${seq}` },
  createdAt: 1_000 + seq,
  status,
});
const memberOf = (userId: string, readSeq: number): StoredMember => ({
  userId,
  conversationId: CONVERSATION,
  minSeq: 1,
  maxSeq: null,
  readSeq,
  hidden: [],
});
export const listOf = (userId: string, device: string, readSeq: number, unread: number): ReadList => ({
  userId,
  device,
  conversations: [{ conversationId: CONVERSATION, maxSeq: 3, readSeq, unread, lastMessage: messageOf(3) }],
});
export const hotOf = (seq: number): HotMessage => {
  const { messageId, conversationId, senderId, clientMsgId, createdAt, content } = rowOf(seq);
  return { messageId, conversationId, seq, senderId, clientMsgId, createdAt, content, isPersisted: true };
};
const followedBy = (userId: string, device: string): Followed => ({
  userId,
  device,
  conversationId: CONVERSATION,
  mark: 3,
  messages: new Map([1, 2, 3].map((seq) => [seq, `10${seq}`])),
});
export const who = { userId: "1", connection: "a#1", conversationId: CONVERSATION };
/** Of what belongs to no conversation. */
export const nothing = { conversationId: "" };
export const reader = { userId: "2", connection: "b#1", conversationId: CONVERSATION };

/** What somebody sends; `answered` as if it were the message of that seq. */
export async function send(
  history: History,
  seq: number,
  { from = who, answered = seq, text = `words ${seq}`, key = `k${seq}` } = {},
) {
  const data = { messageId: `10${answered}`, seq: answered, createdAt: 1_000 + answered };
  await history.record(
    { kind: "send", ...from, clientMsgId: key, text },
    async () => ({ code: 0, data }),
    (sent) => sent,
  );
}
/** What somebody does that has no answer worth a word; `code` 0 when it succeeds. */
export async function act(history: History, deed: Deed, code: number | null = 0): Promise<void> {
  const work = async () => ({ code });
  await history.record(deed, work, () => null);
}
export const push = (history: History, connection: string, event: string, payload: object): void => {
  const userId = connection.startsWith("a") ? "1" : "2";
  history.observe({ userId, connection, event, payload: payload as Record<string, unknown> });
};
export const read = (history: History, seq: number, answer = seq): Promise<unknown> =>
  history.record(
    { kind: "read", ...reader, seq },
    async () => ({ code: 0, data: { seq: answer } }),
    (data) => data,
  );
export const walk = (history: History, ...pages: number[][]): Promise<unknown> => {
  const data: Walk = {
    direction: "up",
    pages: pages.map((seqs) => ({ items: seqs.map((seq): HistoryItem => messageOf(seq)), minSeq: 1, maxSeq: 3 })),
  };
  return history.record(
    { kind: "walk", ...reader },
    async () => ({ code: 0, data }),
    (answer) => answer,
  );
};

/** Time passes only where it is let pass, so that what a test says of times does not depend on the machine. */
function stoppedClock(): Clock {
  const startedAt = Date.now();
  return { wallMs: () => startedAt, monotonicMs: () => 0 };
}

export async function goodCase(): Promise<Case> {
  const history = new History({ clock: stoppedClock() });
  for (const seq of [1, 2, 3]) {
    await send(history, seq);
    push(history, "b#1", "message:new", messageOf(seq, "accepted"));
  }
  await read(history, 2);
  push(history, "a#1", "receipt:read", { conversationId: CONVERSATION, userId: "2", seq: 2, at: 2_000 });
  push(history, "a#1", "message:persisted", { conversationId: CONVERSATION, upToSeq: 3 });
  await walk(history, [1, 2], [3], []);
  const items = [1, 2, 3].map((seq) => messageOf(seq));
  const state: FinalState = {
    messages: [1, 2, 3].map(rowOf),
    members: [memberOf("1", 3), memberOf("2", 2)],
    histories: ["1", "2"].map((userId) => ({ userId, conversationId: CONVERSATION, items: [...items] })),
    lists: [listOf("1", "a", 3, 0), listOf("2", "b", 2, 1), listOf("2", "c", 2, 1)],
    followed: [followedBy("1", "a"), followedBy("2", "b")],
    pipeline: {
      pending: 0,
      lag: 0,
      deadLetters: [],
      hot: { messages: [1, 2, 3].map(hotOf), stableSeqs: new Map([[CONVERSATION, 3]]) },
    },
  };
  return { history, state: state as Mutable<FinalState> };
}

/** Message 2 is recalled, and the row says so. */
export async function recalled({ history, state }: Case): Promise<void> {
  await act(history, { kind: "recall", ...who, messageId: "102" });
  Object.assign(state.messages[1]!, { content: "{}", recalledAt: 5_000 });
  for (const { items } of state.histories) items[1] = { ...messageOf(2), content: {}, recalledAt: 5_000 };
}

/** Message 4 is refused by the database, as the test wants it. */
export async function poisoned({ history, state }: Case): Promise<void> {
  history.poison.add("k4");
  await send(history, 4);
  state.messages.push({ ...rowOf(4), type: "void" });
  state.pipeline.deadLetters.push({ clientMsgId: "k4", reason: "refused" });
  for (const one of state.followed) Object.assign(one, { mark: 4 });
  for (const { items } of state.histories) items.push({ type: "void", seq: 4, toSeq: 4 });
  state.pipeline.hot!.stableSeqs.set(CONVERSATION, 4);
}

/** As `poisoned`, where the message was acknowledged: it keeps its place, without its words. */
export async function held(one: Case): Promise<void> {
  const { state } = one;
  await poisoned(one);
  const message = { ...messageOf(4), content: {} };
  state.messages[3] = { ...rowOf(4), content: "{}" };
  for (const { messages } of state.followed) messages.set(4, "104");
  for (const { items } of state.histories) items[3] = message;
  for (const { device, conversations } of state.lists)
    Object.assign(conversations[0]!, { maxSeq: 4, unread: device === "a" ? 0 : 2, lastMessage: message });
  state.members[0]!.readSeq = 4;
  state.lists[0]!.conversations[0]!.readSeq = 4;
  state.pipeline.hot!.messages.push(hotOf(4));
}
