import type { Checker } from "../final-state.ts";
import { answered, isVoid, keyOf, placeOf, sendsByKey } from "./sends.ts";

/** I3: one row for a key, and one answer however often it was sent; two bodies cannot both succeed. */
export const oneMessageForAKey: Checker = (history, { messages }) => {
  const rows = Map.groupBy(messages, keyOf);
  const found = [...rows].filter(([, { length }]) => length > 1).map(([key, { length }]) => `${key} has ${length} rows`);
  for (const [key, sends] of sendsByKey(history)) {
    const row = rows.get(key)?.[0];
    const answers = answered(sends).map(({ answer: { messageId, seq, createdAt } }) => `${messageId} ${seq} ${createdAt}`);
    if (row) answers.push(`${row.messageId} ${row.seq} ${row.createdAt}`);
    if (new Set(answers).size > 1) found.push(`${key} was answered differently: ${[...new Set(answers)].join(", ")}`);
    if (new Set(answered(sends).map(({ text }) => text)).size > 1) found.push(`${key} succeeded with two bodies`);
  }
  return found;
};

/** I4: a seq belongs to one message of its conversation. */
export const seqIsUnique: Checker = (history, { messages }) => {
  const claims = [
    ...messages.map((row) => ({ place: placeOf(row), messageId: row.messageId })),
    ...answered(history.of("send")).map(({ conversationId, answer: { seq, messageId } }) => ({
      place: placeOf({ conversationId, seq }),
      messageId,
    })),
  ];
  const rows = Map.groupBy(messages, placeOf);
  return [...Map.groupBy(claims, ({ place }) => place)].flatMap(([place, of]) => {
    const ids = new Set(of.map(({ messageId }) => messageId));
    const isDouble = ids.size > 1 || (rows.get(place)?.length ?? 0) > 1;
    return isDouble ? [`${place} is claimed by ${[...ids].join(" and ")}`] : [];
  });
};

/** I16: a message id belongs to one message, in all conversations. */
export const idsAreUnique: Checker = (history, { messages }) => {
  const claims = [
    ...messages.filter((row) => !isVoid(row)).map((row) => ({ messageId: row.messageId, place: placeOf(row) })),
    ...answered(history.of("send")).map(({ conversationId, answer: { seq, messageId } }) => ({
      messageId,
      place: placeOf({ conversationId, seq }),
    })),
  ];
  return [...Map.groupBy(claims, ({ messageId }) => messageId)].flatMap(([messageId, of]) => {
    const places = new Set(of.map(({ place }) => place));
    return places.size > 1 ? [`message id ${messageId} stands for ${[...places].join(" and ")}`] : [];
  });
};
