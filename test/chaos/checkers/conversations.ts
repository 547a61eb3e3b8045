import type { History, OperationOf } from "../history.ts";
import { visibleTo, type Checker, type FinalState, type StoredMember } from "../final-state.ts";

type Cursor = OperationOf<"read" | "delivered">;
const nameOf = ({ userId, conversationId }: { userId: string; conversationId: string }): string =>
  `user ${userId} in ${conversationId}`;

/** I10: cursors merge by the highest and never fall back; unread is what a recount gives, on every device. */
export const cursorsAndUnreadAgree: Checker = (history, state) => [
  ...cursorsNeverFall(history),
  ...state.members.flatMap((member) => cursorIsExplained(history, state, member)),
  ...neverNegative(history, state),
  ...state.members.flatMap((member) => unreadIsCounted(state, member)),
];

function cursorsNeverFall(history: History): string[] {
  const groups = Map.groupBy(history.of("read", "delivered"), (one) => `${one.kind} cursor of ${nameOf(one)}`);
  return [...groups].flatMap(([name, cursors]) => {
    const answered = cursors.filter(({ answer }) => answer !== null);
    return answered.flatMap((later) => {
      const before = Math.max(0, ...answered.filter((one) => one.ended!.order < later.invoked.order).map(answerOf));
      return answerOf(later) < before ? [`${name} fell from ${before} to ${answerOf(later)}`] : [];
    });
  });
}

const answerOf = ({ answer }: Cursor): number => answer?.seq ?? 0;

/** A cursor stands where somebody moved it: by reading, sending, clearing, joining (which a system message tells). */
function cursorIsExplained(history: History, { messages }: FinalState, member: StoredMember): string[] {
  const isMine = (one: { userId: string; conversationId: string }): boolean => nameOf(one) === nameOf(member);
  const answers = history
    .of("read")
    .filter(isMine)
    .filter(({ answer }) => answer !== null)
    .map(answerOf);
  const maybe = history.of("read").filter((one) => isMine(one) && one.answer === null && one.outcome !== "failed");
  const sent = messages
    .filter(({ senderId, conversationId }) => isMine({ userId: senderId, conversationId }))
    .map(({ seq }) => seq);
  const heads = messages.filter(({ conversationId }) => conversationId === member.conversationId).map(({ seq }) => seq);
  const atLeast = Math.max(0, ...answers);
  if (member.readSeq < atLeast) return [`read cursor of ${nameOf(member)} is ${member.readSeq}, and ${atLeast} was answered`];
  if (member.readSeq > Math.max(0, ...heads)) return [`read cursor of ${nameOf(member)} is beyond the last message`];
  const told = messages
    .filter(({ type, conversationId }) => type === "system" && conversationId === member.conversationId)
    .map(({ seq }) => seq);
  const possible = [0, ...answers, ...sent, ...told, member.minSeq - 1];
  const mayBe = possible.includes(member.readSeq) || maybe.some((one) => mayHaveReached(history, one, member.readSeq));
  return mayBe ? [] : [`read cursor of ${nameOf(member)} is ${member.readSeq}; nobody put it there`];
}

/** A cursor goes to where it is asked to go, or to the last message of that moment: no less than what had been acknowledged. */
function mayHaveReached(history: History, { seq, conversationId, invoked }: Cursor, readSeq: number): boolean {
  const before = history.of("send").filter((send) => send.conversationId === conversationId && send.ended !== null);
  const acknowledged = before.filter(({ ended }) => ended!.order < invoked.order).map(({ answer }) => answer?.seq ?? 0);
  return readSeq === seq || (readSeq < seq && readSeq >= Math.max(0, ...acknowledged));
}

function neverNegative(history: History, { lists }: FinalState): string[] {
  const shown = [
    ...lists.flatMap(({ userId, conversations }) => conversations.map((one) => ({ userId, ...one }))),
    ...history.of("list").flatMap(({ userId, answer }) => (answer ?? []).map((one) => ({ userId, ...one }))),
  ];
  return shown
    .filter(({ unread, maxSeq }) => unread < 0 || unread > maxSeq)
    .map((one) => `${nameOf(one)} had ${one.unread} unread of ${one.maxSeq}`);
}

function unreadIsCounted(state: FinalState, member: StoredMember): string[] {
  const counted = visibleTo(state.messages, member).filter(
    ({ seq, senderId, recalledAt, type }) =>
      seq > member.readSeq && senderId !== member.userId && recalledAt === null && type !== "system" && type !== "void",
  ).length;
  return listedOf(state, member).flatMap(({ device, unread, readSeq }) =>
    unread === counted && readSeq === member.readSeq
      ? []
      : [`${nameOf(member)}: ${device} shows ${unread} unread from ${readSeq}; counted ${counted} from ${member.readSeq}`],
  );
}

function listedOf({ lists }: FinalState, { userId, conversationId }: StoredMember) {
  return lists
    .filter((list) => list.userId === userId)
    .flatMap(({ device, conversations }) =>
      conversations.filter((one) => one.conversationId === conversationId).map((one) => ({ device, ...one })),
    );
}

/** I11: the last message of a list is the visible one of the highest seq; a conversation with messages is listed everywhere. */
export const lastMessageIsTheLast: Checker = (_history, state) =>
  state.members.flatMap((member) => {
    const visible = visibleTo(state.messages, member).filter(({ type }) => type !== "void");
    const last = visible.at(-1)?.messageId ?? null;
    const devices = state.lists.filter(({ userId }) => userId === member.userId).length;
    const listed = listedOf(state, member);
    const missing = last !== null && listed.length < devices ? [`${nameOf(member)} is not listed on every device`] : [];
    return [
      ...missing,
      ...listed
        .filter(({ lastMessage }) => (lastMessage?.messageId ?? null) !== last)
        .map(
          ({ device, lastMessage }) =>
            `${nameOf(member)}: ${device} shows ${lastMessage?.messageId ?? "nothing"} as last, not ${last}`,
        ),
    ];
  });
