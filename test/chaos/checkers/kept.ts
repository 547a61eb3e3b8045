import { sees, type Checker, type FinalState } from "../final-state.ts";
import { answered, isFromPeople, isHeld, isVoid, keyOf, placeOf, sendsByKey } from "./sends.ts";

/**
 * I1: what was acknowledged has its row, and stands in the history of every member who can see it. What the database was made
 * to refuse is among the dead letters, until it is driven again.
 */
export const acknowledgedIsNotLost: Checker = (history, state) => {
  const dead = new Set(state.pipeline.deadLetters.map(({ clientMsgId }) => clientMsgId));
  const rows = new Map(state.messages.map((row) => [row.messageId, row]));
  const readers = idsByReader(state);
  return answered(history.of("send")).flatMap(({ conversationId, clientMsgId, answer: { messageId, seq } }) => {
    if (history.poison.has(clientMsgId) && dead.has(clientMsgId)) return [];
    const row = rows.get(messageId);
    if (!row || isVoid(row)) return [`${placeOf({ conversationId, seq })}: message ${messageId} was acknowledged and has no row`];
    if (row.conversationId !== conversationId || row.seq !== seq)
      return [`message ${messageId} was acknowledged as ${placeOf({ conversationId, seq })} and stands at ${placeOf(row)}`];
    return state.members
      .filter((member) => member.conversationId === conversationId && sees(member, seq))
      .filter(({ userId }) => readers.get(`${userId} ${conversationId}`)?.has(messageId) === false)
      .map(({ userId }) => `${placeOf(row)} is not in the history of user ${userId}`);
  });
};

/** Of the histories that were read; those that were not say nothing. */
function idsByReader({ histories }: FinalState): Map<string, Set<string>> {
  return new Map(
    histories.map(({ userId, conversationId, items }) => [
      `${userId} ${conversationId}`,
      new Set(items.flatMap((item) => ("messageId" in item ? [item.messageId] : []))),
    ]),
  );
}

/**
 * I2: what is there was sent, as it was sent or edited; what was refused is not there. Of what the database was made to refuse
 * there may be the place alone.
 */
export const nothingIsPhantom: Checker = (history, { messages }) => {
  const sends = sendsByKey(history);
  const recalled = new Set(history.of("recall").map(({ messageId }) => messageId));
  const edits = Map.groupBy(history.of("edit"), ({ messageId }) => messageId);
  return messages.filter(isFromPeople).flatMap((row) => {
    const possible = (sends.get(keyOf(row)) ?? []).filter(({ outcome }) => outcome !== "failed");
    if (possible.length === 0) return [`${placeOf(row)} (${row.clientMsgId} of ${row.senderId}) is there and was never sent`];
    if (row.recalledAt !== null && recalled.has(row.messageId)) return [];
    if (isHeld(history, row)) return [];
    const texts = [...possible, ...(edits.get(row.messageId) ?? [])].map(({ text }) => JSON.stringify({ text }));
    return texts.includes(row.content) ? [] : [`${placeOf(row)} says ${row.content}, which nobody wrote`];
  });
};
