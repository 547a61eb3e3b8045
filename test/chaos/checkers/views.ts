import type { HistoryItem, Message } from "../../../contracts/entities.ts";
import type { History, Observation, OperationOf, Walk } from "../history.ts";
import { placeOf } from "./messages.ts";
import { sees, type Checker, type FinalState, type StoredMember, type StoredMessage } from "../final-state.ts";

const messageEvents = ["message:new", "message:updated"];
const messageOf = (seen: Observation): Message => seen.payload as unknown as Message;
const messagesIn = (items: readonly HistoryItem[]): Message[] => items.filter((item) => "messageId" in item);

/** The seqs that items stand for, ranges of voids spread out. */
export function seqsOf(items: readonly HistoryItem[]): number[] {
  return items.flatMap((item) =>
    "toSeq" in item ? Array.from({ length: item.toSeq - item.seq + 1 }, (_, i) => item.seq + i) : [item.seq],
  );
}

/** I7: whoever sees a seq sees the same message there: in histories, walks, pushes and answers. */
export const allSeeTheSame: Checker = (history, { messages, histories }) => {
  const seen = [
    ...histories.flatMap(({ items }) => messagesIn(items)),
    ...history.of("walk").flatMap(({ answer }) => answer?.pages.flatMap(({ items }) => messagesIn(items)) ?? []),
    ...history.observations.filter(({ event }) => messageEvents.includes(event)).map(messageOf),
    ...history.of("send").flatMap(({ conversationId, answer }) => (answer ? [{ conversationId, ...answer }] : [])),
  ];
  const idAt = new Map(messages.map((row) => [placeOf(row), row.messageId]));
  const found = new Set<string>();
  for (const message of seen) {
    const standing = idAt.get(placeOf(message)) ?? message.messageId;
    idAt.set(placeOf(message), standing);
    if (standing !== message.messageId)
      found.add(`${placeOf(message)} is ${standing} for some and ${message.messageId} for others`);
  }
  return [...found];
};

/** I8: pages give all and only the visible, once and in order, also while others write. */
export const pagingIsExact: Checker = (history, state) => [
  ...history.of("walk").flatMap((walk) => (walk.answer ? checkWalk(history, state, walk, walk.answer) : [])),
  ...state.histories.flatMap(({ userId, conversationId, items }) => {
    const member = state.members.find((one) => one.userId === userId && one.conversationId === conversationId);
    if (!member) return [`user ${userId} reads ${conversationId} without being in it`];
    const expected = visibleTo(state.messages, member).map(({ seq }) => seq);
    return compareSeqs(`history of user ${userId} in ${conversationId}`, seqsOf(items), expected);
  }),
];

export function visibleTo(messages: readonly StoredMessage[], member: StoredMember): StoredMessage[] {
  return messages
    .filter(({ conversationId, seq }) => conversationId === member.conversationId && sees(member, seq))
    .sort((a, b) => a.seq - b.seq);
}

function compareSeqs(what: string, seqs: readonly number[], expected: readonly number[]): string[] {
  const [given, wanted] = [new Set(seqs), new Set(expected)];
  const missing = [...wanted].filter((seq) => !given.has(seq));
  const surplus = [...given].filter((seq) => !wanted.has(seq));
  if (missing.length > 0 || surplus.length > 0)
    return [`${what}: lacks ${missing.join(", ") || "nothing"}, shows ${surplus.join(", ") || "nothing"} too much`];
  return seqs.some((seq, i) => i > 0 && seq <= seqs[i - 1]!) ? [`${what}: not ascending or repeated`] : [];
}

function checkWalk(history: History, state: FinalState, walk: OperationOf<"walk">, { direction, pages }: Walk): string[] {
  const what = `walk ${direction} of user ${walk.userId} in ${walk.conversationId} (at ${walk.invoked.order})`;
  const outside = pages.flatMap(({ items, minSeq, maxSeq }) => seqsOf(items).filter((seq) => seq < minSeq || seq > maxSeq));
  if (outside.length > 0) return [`${what}: ${outside.join(", ")} outside of its own bounds`];
  const seqs = seqsOf((direction === "up" ? pages : pages.toReversed()).flatMap(({ items }) => items));
  const from = Math.max(...pages.map(({ minSeq }) => minSeq));
  const to = (direction === "up" ? pages.at(-1) : pages[0])?.maxSeq ?? 0;
  const deletes = history
    .of("delete")
    .filter(({ userId, conversationId }) => userId === walk.userId && conversationId === walk.conversationId);
  const maybeGone = deletes.filter((one) => one.invoked.order < walk.ended!.order).map(({ seq }) => seq);
  const surelyGone = deletes.filter((one) => one.outcome === "ok" && one.ended!.order < walk.invoked.order).map(({ seq }) => seq);
  const required = state.messages
    .filter(({ conversationId, seq }) => conversationId === walk.conversationId && seq >= from && seq <= to)
    .map(({ seq }) => seq)
    .filter((seq) => !maybeGone.includes(seq));
  const allowed = seqs.filter((seq) => surelyGone.includes(seq));
  if (allowed.length > 0) return [`${what}: shows ${allowed.join(", ")}, deleted before`];
  return compareSeqs(what, seqs, [...required, ...seqs.filter((seq) => seq < from || maybeGone.includes(seq))]);
}

/** I9: a status moves forward only, and what is said to be persisted has its row. */
export const statusMovesForward: Checker = (history, { messages, histories }) => {
  const ids = new Set(messages.map(({ messageId }) => messageId));
  const places = new Set(messages.map(placeOf));
  const found: string[] = [];
  for (const seen of Map.groupBy(history.observations, ({ connection }) => connection).values()) {
    const persisted = new Set<string>();
    for (const { event, payload, connection } of seen) {
      if (event === "message:persisted") {
        const { conversationId, upToSeq } = payload as { conversationId: string; upToSeq: number };
        const place = placeOf({ conversationId, seq: upToSeq });
        if (!places.has(place)) found.push(`${connection} heard that ${place} is persisted, and it has no row`);
      }
      if (!messageEvents.includes(event)) continue;
      const { messageId, status } = payload as unknown as Message;
      if (status === "persisted") persisted.add(messageId);
      else if (persisted.has(messageId)) found.push(`${connection} saw message ${messageId} fall back to ${status}`);
      if (status === "persisted" && !ids.has(messageId)) found.push(`${connection} saw ${messageId} persisted, without a row`);
    }
  }
  for (const message of histories.flatMap(({ items }) => messagesIn(items)))
    if (message.status !== "persisted" || !ids.has(message.messageId))
      found.push(`${placeOf(message)} is ${message.status} in a history${ids.has(message.messageId) ? "" : ", without a row"}`);
  return found;
};

/** I12: a connection hears of a receipt only after the message, and never of one for a message that is not there. */
export const receiptsFollowMessages: Checker = (history, { messages }) => {
  const heads = new Map<string, number>();
  for (const { conversationId, seq } of messages) heads.set(conversationId, Math.max(seq, heads.get(conversationId) ?? 0));
  const learned = whenLearned(history);
  return history.observations
    .filter(({ event }) => event.startsWith("receipt:"))
    .flatMap(({ connection, payload, event, at }) => {
      const receipt = payload as { conversationId: string; seq: number; userId: string };
      const what = `${connection} got ${event} of user ${receipt.userId} for ${placeOf(receipt)}`;
      if (receipt.seq > (heads.get(receipt.conversationId) ?? 0)) return [`${what}, which is not there`];
      const learnedAt = learned.get(`${connection} ${placeOf(receipt)}`);
      return learnedAt !== undefined && learnedAt > at.order ? [`${what} before the message`] : [];
    });
};

/** When each connection first heard of a message: by a push, or by the answer to its own sending. */
function whenLearned(history: History): Map<string, number> {
  const learned = new Map<string, number>();
  const learn = (connection: string, place: string, order: number): void => {
    const key = `${connection} ${place}`;
    learned.set(key, Math.min(order, learned.get(key) ?? Infinity));
  };
  for (const seen of history.observations)
    if (seen.event === "message:new") learn(seen.connection, placeOf(messageOf(seen)), seen.at.order);
  for (const { connection, conversationId, answer, ended } of history.of("send"))
    if (answer) learn(connection, placeOf({ conversationId, seq: answer.seq }), ended!.order);
  return learned;
}

const LEAVING_MS = 1_000;

/** I14, as far as pushes go: who was removed hears of nothing that came later, once a second is over (S2). */
export const removedHearNothing: Checker = (history, { messages, members }) => {
  const bounds = new Map(members.map(({ userId, conversationId, maxSeq }) => [`${userId} ${conversationId}`, maxSeq]));
  const times = new Map(messages.map((row) => [placeOf(row), row.createdAt]));
  return history.observations
    .filter(({ event }) => event === "message:new")
    .flatMap((seen) => {
      const { conversationId, seq } = messageOf(seen);
      const what = `${seen.connection} got ${placeOf({ conversationId, seq })}`;
      const maxSeq = bounds.get(`${seen.userId} ${conversationId}`);
      if (maxSeq === undefined) return [`${what} without being in it`];
      if (maxSeq === null || seq <= maxSeq) return [];
      const leftAt = times.get(placeOf({ conversationId, seq: maxSeq })) ?? 0;
      return seen.at.wallMs > leftAt + LEAVING_MS ? [`${what} after leaving at ${maxSeq}`] : [];
    });
};
