import { seqsThatAreThere, visibleTo, type Checker, type FinalState, type Followed } from "../final-state.ts";
import { answered, keyOfSend, sendsByKey, type AnsweredSend, type Send } from "./sends.ts";

/** I5: from 1 on every seq is a message or an explicit void, and no client that follows waits for one. */
export const seqHasNoHole: Checker = (_history, state) => {
  const missing = [...seqsThatAreThere(state)].flatMap(([conversationId, seqs]) => {
    const last = Math.max(...seqs);
    const holes = Array.from({ length: last }, (_, i) => i + 1).filter((seq) => !seqs.has(seq));
    return holes.length > 0 ? [`${conversationId} ends at ${last} and lacks ${holes.slice(0, 10).join(", ")}`] : [];
  });
  return [...missing, ...state.followed.flatMap((one) => waitsFor(state, one))];
};

function waitsFor({ messages, members }: FinalState, { userId, device, conversationId, mark }: Followed): string[] {
  const member = members.find((one) => one.userId === userId && one.conversationId === conversationId);
  const last = member && visibleTo(messages, member).at(-1);
  return last && last.seq > mark ? [`${device} waits behind ${mark} in ${conversationId}, which goes on to ${last.seq}`] : [];
}

/** I6: who was acknowledged before another was sent comes before it, and a connection's messages keep their order. */
export const orderIsKept: Checker = (history) => {
  const byKey = sendsByKey(history);
  const firsts = [...byKey.values()].map(([first]) => first!);
  const lasting = [...Map.groupBy(firsts, ({ conversationId }) => conversationId).values()];
  const byConnection = Map.groupBy(firsts, ({ conversationId, connection }) => `${conversationId} ${connection}`);
  const mayBeEarlier = (send: Send): boolean => isRepeatedElsewhere(send, byKey.get(keyOfSend(send))!);
  return [
    ...lasting.flatMap(realTimeOrder),
    ...[...byConnection.values()].flatMap((sends) => firstInFirstOut(sends, mayBeEarlier)),
  ];
};

function realTimeOrder(firsts: readonly Send[]): string[] {
  const sends = answered(firsts);
  const ended = sends.toSorted((a, b) => a.ended!.order - b.ended!.order);
  const found: string[] = [];
  let highest: (typeof sends)[number] | null = null;
  let next = 0;
  for (const send of sends.toSorted((a, b) => a.invoked.order - b.invoked.order)) {
    for (; next < ended.length && ended[next]!.ended!.order < send.invoked.order; next++) {
      if (!highest || ended[next]!.answer.seq > highest.answer.seq) highest = ended[next]!;
    }
    if (highest && highest.answer.seq >= send.answer.seq)
      found.push(
        `${send.conversationId}: ${send.clientMsgId} got ${send.answer.seq} though ${highest.clientMsgId} had ${highest.answer.seq} before it was sent`,
      );
  }
  return found;
}

/** The same sent on another connection before the first was answered: what came on that one may have been accepted, earlier. */
const isRepeatedElsewhere = ({ connection, ended }: Send, ofKey: readonly Send[]): boolean =>
  ofKey.some((one) => one.connection !== connection && (ended === null || one.invoked.order < ended.order));

function firstInFirstOut(firsts: readonly Send[], mayBeEarlier: (send: Send) => boolean): string[] {
  const found: string[] = [];
  let highest: AnsweredSend | null = null;
  for (const send of answered(firsts).toSorted((a, b) => a.invoked.order - b.invoked.order)) {
    if (highest && highest.answer.seq >= send.answer.seq && !mayBeEarlier(send))
      found.push(
        `${send.conversationId}: ${send.connection} sent ${highest.clientMsgId} (${highest.answer.seq}) before ${send.clientMsgId} (${send.answer.seq})`,
      );
    if (!highest || send.answer.seq > highest.answer.seq) highest = send;
  }
  return found;
}
