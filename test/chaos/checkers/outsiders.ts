import type { Checker, FinalState } from "../final-state.ts";
import type { History, Moment, OperationOf } from "../history.ts";
import { placeOf, sendsByKey } from "./sends.ts";
import { messageOf, seqsOf } from "./views.ts";

/** What one knows when is given this long to spread (S2). */
const SPREAD_MS = 1_000;

/** I14: who has no part, or none any more, gets nothing by pushes, histories or lists; nor does who is blocked. */
export const outsidersGetNothing: Checker = (history, state) => [
  ...removedHearNothing(history, state),
  ...removedReadNothing(history, state),
  ...history.of("block").flatMap((block) => (block.outcome === "ok" ? blockedGetNothing(history, block) : [])),
];

type Bounds = Map<string, number | null>;
const boundsOf = ({ members }: FinalState): Bounds =>
  new Map(members.map(({ userId, conversationId, maxSeq }) => [`${userId} ${conversationId}`, maxSeq]));

/** A second after they left, by pushes. */
function removedHearNothing(history: History, state: FinalState): string[] {
  const bounds = boundsOf(state);
  const times = new Map(state.messages.map((row) => [placeOf(row), row.createdAt]));
  return history.observations
    .filter(({ event }) => event === "message:new")
    .flatMap((seen) => {
      const { conversationId, seq } = messageOf(seen);
      const what = `${seen.connection} got ${placeOf({ conversationId, seq })}`;
      const maxSeq = bounds.get(`${seen.userId} ${conversationId}`);
      if (maxSeq === undefined) return [`${what} without being in it`];
      if (maxSeq === null || seq <= maxSeq) return [];
      const leftAt = times.get(placeOf({ conversationId, seq: maxSeq })) ?? 0;
      return seen.at.wallMs > leftAt + SPREAD_MS ? [`${what} after leaving at ${maxSeq}`] : [];
    });
}

/** A second after they left, by asking. */
function removedReadNothing(history: History, state: FinalState): string[] {
  const bounds = boundsOf(state);
  const times = new Map(state.messages.map((row) => [placeOf(row), row.createdAt]));
  const beyond = (asked: Moment, userId: string, conversationId: string, seqs: readonly number[]): number[] => {
    const maxSeq = bounds.get(`${userId} ${conversationId}`);
    if (maxSeq === undefined) return [...seqs];
    const hasLeft = maxSeq !== null && asked.wallMs > (times.get(placeOf({ conversationId, seq: maxSeq })) ?? 0) + SPREAD_MS;
    return hasLeft ? seqs.filter((seq) => seq > maxSeq) : [];
  };
  const walks = history.of("walk").flatMap(({ userId, conversationId, answer, connection, invoked }) => {
    const seqs = beyond(invoked, userId, conversationId, answer?.pages.flatMap(({ items }) => seqsOf(items)) ?? []);
    return seqs.length > 0
      ? [`${connection} read ${placeOf({ conversationId, seq: seqs[0]! })}, which is not theirs to see`]
      : [];
  });
  const lists = history.of("list").flatMap(({ userId, connection, answer, invoked }) =>
    (answer ?? []).flatMap(({ conversationId, lastMessage }) => {
      const seqs = beyond(invoked, userId, conversationId, lastMessage ? [lastMessage.seq] : []);
      return seqs.length > 0 ? [`${connection} was shown ${placeOf({ conversationId, seq: seqs[0]! })} in the list`] : [];
    }),
  );
  return [...walks, ...lists];
}

/** In the direct conversation, until it is lifted again: the one's messages are refused, and neither hears of the other. */
function blockedGetNothing(history: History, block: OperationOf<"block">): string[] {
  const { userId, whom } = block;
  const lifted = history
    .of("unblock")
    .find((one) => one.userId === userId && one.whom === whom && one.invoked.order > block.ended!.order);
  const isDuring = ({ monotonicMs, order }: Moment): boolean =>
    monotonicMs > block.ended!.monotonicMs + SPREAD_MS && order < (lifted?.invoked.order ?? Infinity);
  const isTheirs = (conversationId: unknown): boolean =>
    [`d_${userId}_${whom}`, `d_${whom}_${userId}`].includes(String(conversationId));
  const sent = [...sendsByKey(history).values()]
    .map(([first]) => first!)
    .filter(
      ({ userId: by, conversationId, invoked, outcome }) =>
        by === whom && isTheirs(conversationId) && isDuring(invoked) && outcome === "ok",
    )
    .map(({ clientMsgId }) => `${clientMsgId} of user ${whom} was taken, whom user ${userId} had blocked`);
  const heard = history.observations
    .filter(({ event, at }) => (event.startsWith("receipt:") || event === "typing") && isDuring(at))
    .filter(({ payload, userId: to }) => {
      const of = payload["userId"];
      return isTheirs(payload["conversationId"]) && ((to === whom && of === userId) || (to === userId && of === whom));
    })
    .map(({ connection, event }) => `${connection} got ${event} of one of two who are blocked`);
  return [...sent, ...heard];
}
