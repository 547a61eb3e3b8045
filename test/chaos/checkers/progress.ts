import type { Message } from "../../../contracts/entities.ts";
import type { Checker } from "../final-state.ts";
import type { History } from "../history.ts";
import { isAway } from "../outages.ts";
import { answered, placeOf, sendsByKey, type Send } from "./sends.ts";
import { messageEvents, messageOf, messagesIn } from "./views.ts";

/**
 * I9: a status moves forward only, and what is said to be persisted has its row. The first push of a message may come late when
 * something was away, behind one of its changes: a client that knows the message already leaves it at that.
 */
export const statusMovesForward: Checker = (history, { messages, histories }) => {
  const disturbed = placesOfDisturbed(history);
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
      const message = payload as unknown as Message;
      const { messageId, status } = message;
      const isLate = event === "message:new" && disturbed.has(placeOf(message));
      if (status === "persisted") persisted.add(messageId);
      else if (persisted.has(messageId) && !isLate) found.push(`${connection} saw message ${messageId} fall back to ${status}`);
      if (status === "persisted" && !ids.has(messageId)) found.push(`${connection} saw ${messageId} persisted, without a row`);
    }
  }
  for (const message of histories.flatMap(({ items }) => messagesIn(items)))
    if (message.status !== "persisted" || !ids.has(message.messageId))
      found.push(`${placeOf(message)} is ${message.status} in a history${ids.has(message.messageId) ? "" : ", without a row"}`);
  return found;
};

/**
 * I12: a connection hears of a receipt only after the message, and never of one for a message that is not there. Whose push is
 * late or lost because something was away can be read nevertheless: of that one a receipt may come first.
 */
export const receiptsFollowMessages: Checker = (history, { messages }) => {
  const heads = new Map<string, number>();
  for (const { conversationId, seq } of messages) heads.set(conversationId, Math.max(seq, heads.get(conversationId) ?? 0));
  const learned = whenLearned(history);
  const disturbed = placesOfDisturbed(history);
  return history.observations
    .filter(({ event }) => event.startsWith("receipt:"))
    .flatMap(({ connection, payload, event, at }) => {
      const receipt = payload as { conversationId: string; seq: number; userId: string };
      const what = `${connection} got ${event} of user ${receipt.userId} for ${placeOf(receipt)}`;
      if (receipt.seq > (heads.get(receipt.conversationId) ?? 0)) return [`${what}, which is not there`];
      const learnedAt = learned.get(`${connection} ${placeOf(receipt)}`);
      const isBefore = learnedAt !== undefined && learnedAt > at.order && !disturbed.has(placeOf(receipt));
      return isBefore ? [`${what} before the message`] : [];
    });
};

/** Of messages that had to be sent again, or were on their way while something was broken. */
function placesOfDisturbed(history: History): Set<string> {
  const isDisturbed = (send: Send): boolean =>
    send.outcome !== "ok" || history.faults.some((fault) => isAway(fault, send.invoked) || isAway(fault, send.ended!));
  const disturbed = [...sendsByKey(history).values()].filter((sends) => sends.some(isDisturbed));
  return new Set(disturbed.flatMap((sends) => answered(sends).map((send) => placeOf({ ...send, seq: send.answer.seq }))));
}

/**
 * When each connection first heard of a message: by a push, or by the answer to its own sending. Who repeats what was sent elsewhere
 * may have read it before.
 */
function whenLearned(history: History): Map<string, number> {
  const learned = new Map<string, number>();
  const learn = (connection: string, place: string, order: number): void => {
    const key = `${connection} ${place}`;
    learned.set(key, Math.min(order, learned.get(key) ?? Infinity));
  };
  for (const seen of history.observations)
    if (seen.event === "message:new") learn(seen.connection, placeOf(messageOf(seen)), seen.at.order);
  const firsts = [...sendsByKey(history).values()].flatMap((sends) =>
    sends.filter(({ connection }) => connection === sends[0]!.connection),
  );
  for (const { connection, conversationId, answer, ended } of firsts)
    if (answer) learn(connection, placeOf({ conversationId, seq: answer.seq }), ended!.order);
  return learned;
}
