import { seqsThatAreThere, sees, type Checker, type FinalState, type Followed, type StoredMessage } from "../final-state.ts";
import type { History, Moment, OperationOf } from "../history.ts";
import { isVoid, placeOf } from "./sends.ts";
import { deletedBefore, seqsOf } from "./views.ts";

/** That a conversation is complete up to a seq, as somebody was told. */
interface Announcement {
  readonly userId: string;
  readonly conversationId: string;
  readonly maxSeq: number;
  readonly asked: Moment;
  readonly told: Moment;
}

/**
 * I21: a conversation that was said to be complete up to a seq is: each seq up to it is a message or void, nothing appears
 * there later, and nobody is told of less afterwards.
 */
export const stableIsStable: Checker = (history, state) => {
  const announcements = announcementsOf(history);
  return [
    ...withoutMessage(state, announcements),
    ...takenBack(state, announcements),
    ...history.of("walk").flatMap((walk) => appearedLater(history, state, walk)),
    ...state.followed.flatMap((one) => appearedBehind(state, one)),
  ];
};

function announcementsOf(history: History): Announcement[] {
  const walks = history.of("walk").flatMap(({ userId, conversationId, invoked: asked, ended, answer }) => {
    const maxSeq = Math.max(0, ...(answer?.pages.map((page) => page.maxSeq) ?? []));
    return answer ? [{ userId, conversationId, maxSeq, asked, told: ended! }] : [];
  });
  const lists = history
    .of("list")
    .flatMap(({ userId, invoked: asked, ended, answer }) =>
      (answer ?? []).map(({ conversationId, maxSeq }) => ({ userId, conversationId, maxSeq, asked, told: ended! })),
    );
  return [...walks, ...lists];
}

function withoutMessage(state: FinalState, announcements: readonly Announcement[]): string[] {
  const there = seqsThatAreThere(state);
  const found = new Set<string>();
  for (const [conversationId, of] of Map.groupBy(announcements, (one) => one.conversationId)) {
    const seqs = there.get(conversationId) ?? new Set();
    const highest = Math.max(...of.map(({ maxSeq }) => maxSeq));
    for (let seq = 1; seq <= highest; seq++)
      if (!seqs.has(seq)) found.add(`${conversationId} was complete up to ${highest}, and ${seq} is neither message nor void`);
  }
  return [...found];
}

/** One who leaves sees less from then on: up to the message that says so. */
function takenBack({ messages }: FinalState, announcements: readonly Announcement[]): string[] {
  const systemAt = new Set(messages.filter(({ type }) => type === "system").map(placeOf));
  return [...Map.groupBy(announcements, ({ userId, conversationId }) => `${userId} ${conversationId}`).values()].flatMap((of) => {
    const told = of.toSorted((a, b) => a.told.order - b.told.order);
    let highest: Announcement | null = null;
    let next = 0;
    return of
      .toSorted((a, b) => a.asked.order - b.asked.order)
      .flatMap((one) => {
        for (; next < told.length && told[next]!.told.order < one.asked.order; next++)
          if (!highest || told[next]!.maxSeq > highest.maxSeq) highest = told[next]!;
        if (!highest || one.maxSeq >= highest.maxSeq || systemAt.has(placeOf({ ...one, seq: one.maxSeq }))) return [];
        return [`user ${one.userId} was told ${highest.maxSeq} and then ${one.maxSeq} of ${one.conversationId}`];
      });
  });
}

const rowsUpTo = ({ messages }: FinalState, conversationId: string, from: number, to: number): StoredMessage[] =>
  messages.filter((row) => row.conversationId === conversationId && row.seq >= from && row.seq <= to && !isVoid(row));

function appearedLater(history: History, state: FinalState, walk: OperationOf<"walk">): string[] {
  if (!walk.answer) return [];
  const { direction, pages } = walk.answer;
  const to = (direction === "up" ? pages.at(-1) : pages[0])?.maxSeq ?? 0;
  const from = Math.max(1, ...pages.map(({ minSeq }) => minSeq));
  const { maybeGone } = deletedBefore(history, walk);
  const items = pages.flatMap((page) => page.items);
  const messages = new Set(seqsOf(items.filter((item) => "messageId" in item)));
  return rowsUpTo(state, walk.conversationId, from, to)
    .filter(({ seq }) => !messages.has(seq) && !maybeGone.has(seq))
    .map((row) => `${placeOf(row)} appeared below ${to}, which user ${walk.userId} had read up to`);
}

/** What a device that waits for nothing up to its mark will never show. */
function appearedBehind(state: FinalState, { userId, device, conversationId, mark, messages }: Followed): string[] {
  const member = state.members.find((one) => one.userId === userId && one.conversationId === conversationId);
  if (!member) return [];
  return rowsUpTo(state, conversationId, member.minSeq, mark)
    .filter(({ seq }) => sees(member, seq) && !messages.has(seq))
    .map((row) => `${placeOf(row)} appeared behind the back of ${device}, which had all up to ${mark}`);
}
