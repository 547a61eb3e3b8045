import type { Checker, FinalState, StoredMessage } from "../final-state.ts";
import type { History, Moment, OperationOf } from "../history.ts";
import { placeOf, sendsByKey } from "./sends.ts";
import { messageOf, seqsOf } from "./views.ts";

/** Pushes are given this long to end (S2); whoever reads gets nothing at once. */
const SPREAD_MS = 1_000;

/** I14: who has no part, or none any more, gets nothing by pushes, histories or lists; nor does who is blocked. */
export const outsidersGetNothing: Checker = (history, state) => {
  const leavings = new Leavings(history, state);
  return [
    ...removedHearNothing(history, leavings),
    ...removedReadNothing(history, leavings),
    ...history.of("block").flatMap((block) => (block.outcome === "ok" ? blockedGetNothing(history, block) : [])),
  ];
};

/** How somebody left a conversation, who may have been asked to more than once. */
class Leavings {
  readonly #bounds: ReadonlyMap<string, number | null>;
  readonly #rows: ReadonlyMap<string, StoredMessage>;
  readonly #removals: ReadonlyMap<string, Moment>;
  /** When the message was made that says so, of those whose removal nobody had an answer to. */
  readonly #told: ReadonlyMap<string, number>;

  constructor(history: History, { members, messages }: FinalState) {
    this.#bounds = new Map(members.map(({ userId, conversationId, maxSeq }) => [`${userId} ${conversationId}`, maxSeq]));
    this.#rows = new Map(messages.map((row) => [placeOf(row), row]));
    const removals = history.of("remove");
    const done = removals.filter(({ outcome }) => outcome === "ok");
    this.#removals = new Map(done.map(({ whom, conversationId, ended }) => [`${whom} ${conversationId}`, ended!]));
    this.#told = new Map(
      removals
        .filter(({ outcome }) => outcome === "unknown")
        .flatMap(({ whom, conversationId }) => {
          const bound = this.#bounds.get(`${whom} ${conversationId}`) ?? Infinity;
          const row = messages.find((one) => one.conversationId === conversationId && one.seq > bound && saysThatLeft(one, whom));
          return row ? [[`${whom} ${conversationId}`, row.createdAt] as const] : [];
        }),
    );
  }

  /** Why a message that was pushed to somebody at that time is not theirs; null when it is. */
  whyNotPushed(userId: string, conversationId: string, seq: number, at: Moment): string | null {
    return this.#whyNot(userId, conversationId, seq, at, SPREAD_MS, this.#told.get(`${userId} ${conversationId}`));
  }

  /** The same of one that was read. */
  whyNotRead(userId: string, conversationId: string, seq: number, at: Moment): string | null {
    return this.#whyNot(userId, conversationId, seq, at, 0);
  }

  #whyNot(userId: string, conversationId: string, seq: number, at: Moment, spreadMs: number, toldAt?: number): string | null {
    const maxSeq = this.#bounds.get(`${userId} ${conversationId}`);
    if (maxSeq === undefined) return "without being in it";
    if (maxSeq === null || seq <= maxSeq) return null;
    const removed = this.#removals.get(`${userId} ${conversationId}`);
    const leftAt = toldAt ?? this.#rows.get(placeOf({ conversationId, seq: maxSeq }))?.createdAt ?? 0;
    const row = this.#rows.get(placeOf({ conversationId, seq }));
    const saidAt = row?.createdAt ?? Infinity;
    // It says that they left.
    if (row && saysThatLeft(row, userId)) return null;
    // What was said before one was removed was for them, although it may lie behind what they are shown in the end.
    const isLater = removed === undefined || saidAt > removed.wallMs;
    const isOver = removed ? at.monotonicMs > removed.monotonicMs + spreadMs : at.wallMs > leftAt + spreadMs;
    return isLater && isOver ? `after leaving at ${maxSeq}` : null;
  }
}

const saysThatLeft = ({ type, content }: StoredMessage, userId: string): boolean =>
  type === "system" && content.includes(`"${userId}"`);

function removedHearNothing(history: History, leavings: Leavings): string[] {
  return history.observations
    .filter(({ event }) => event === "message:new")
    .flatMap((seen) => {
      const { conversationId, seq } = messageOf(seen);
      const why = leavings.whyNotPushed(seen.userId, conversationId, seq, seen.at);
      return why === null ? [] : [`${seen.connection} got ${placeOf({ conversationId, seq })} ${why}`];
    });
}

function removedReadNothing(history: History, leavings: Leavings): string[] {
  const read = [
    ...history.of("walk").flatMap(({ answer, ...walk }) => {
      const seqs = answer?.pages.flatMap(({ items }) => seqsOf(items)) ?? [];
      return seqs.map((seq) => ({ ...walk, seq, how: "read" }));
    }),
    ...history
      .of("list")
      .flatMap(({ answer, ...list }) =>
        (answer ?? []).flatMap(({ conversationId, lastMessage }) =>
          lastMessage ? [{ ...list, conversationId, seq: lastMessage.seq, how: "was shown" }] : [],
        ),
      ),
  ];
  return read.flatMap(({ userId, conversationId, seq, connection, invoked, how }) => {
    const why = leavings.whyNotRead(userId, conversationId, seq, invoked);
    return why === null ? [] : [`${connection} ${how} ${placeOf({ conversationId, seq })} ${why}`];
  });
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
