import type { HistoryItem, Message } from "../../../contracts/entities.ts";
import { visibleTo, type Checker, type FinalState } from "../final-state.ts";
import type { History, Observation, OperationOf, Walk } from "../history.ts";
import { placeOf } from "./sends.ts";

export const messageEvents = ["message:new", "message:updated"];
export const messageOf = (seen: Observation): Message => seen.payload as unknown as Message;
export const messagesIn = (items: readonly HistoryItem[]): Message[] => items.filter((item) => "messageId" in item);

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
  const { maybeGone, surelyGone } = deletedBefore(history, walk);
  const required = state.messages
    .filter(({ conversationId, seq }) => conversationId === walk.conversationId && seq >= from && seq <= to)
    .map(({ seq }) => seq)
    .filter((seq) => !maybeGone.has(seq));
  const gone = seqs.filter((seq) => surelyGone.has(seq));
  if (gone.length > 0) return [`${what}: shows ${gone.join(", ")}, deleted before`];
  const leaving = leavingBehind(state, walk, to);
  const allowed = seqs.filter((seq) => seq < from || maybeGone.has(seq) || (seq > to && seq < leaving));
  return compareSeqs(what, seqs, [...required, ...allowed]);
}

/**
 * The seq of the message behind `to` that says that the walker is out; 0 when there is none. Who is shut out sees no further than
 * the last message of that moment until then, though they may have read a newer one just before.
 */
function leavingBehind({ messages }: FinalState, { userId, conversationId }: OperationOf<"walk">, to: number): number {
  const leavings = messages
    .filter((row) => row.conversationId === conversationId && row.type === "system" && row.seq > to)
    .filter(({ content }) => {
      const { event, userIds } = JSON.parse(content) as { event: string; userIds?: string[] };
      return ["member.left", "member.removed"].includes(event) && userIds?.includes(userId);
    });
  return leavings.length > 0 ? Math.min(...leavings.map(({ seq }) => seq)) : 0;
}

/** What the walker may have, and what they surely have, deleted for themselves before its end or its beginning. */
export function deletedBefore(
  history: History,
  walk: OperationOf<"walk">,
): { readonly maybeGone: ReadonlySet<number>; readonly surelyGone: ReadonlySet<number> } {
  const deletes = history
    .of("delete")
    .filter(({ userId, conversationId }) => userId === walk.userId && conversationId === walk.conversationId);
  const maybe = deletes.filter((one) => one.invoked.order < walk.ended!.order);
  const surely = deletes.filter((one) => one.outcome === "ok" && one.ended!.order < walk.invoked.order);
  return { maybeGone: new Set(maybe.map(({ seq }) => seq)), surelyGone: new Set(surely.map(({ seq }) => seq)) };
}
