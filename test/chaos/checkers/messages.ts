import type { History, OperationOf } from "../history.ts";
import { sees, type Checker, type FinalState, type StoredMessage } from "../final-state.ts";

type Send = OperationOf<"send">;
type Keyed = Pick<StoredMessage, "conversationId" | "clientMsgId"> & { senderId: string };

export const keyOf = ({ conversationId, senderId, clientMsgId }: Keyed): string => `${conversationId} ${senderId} ${clientMsgId}`;
export const placeOf = ({ conversationId, seq }: { conversationId: string; seq: number }): string => `${conversationId} #${seq}`;
const keyOfSend = (send: Send): string => keyOf({ ...send, senderId: send.userId });
const isFromPeople = ({ type }: StoredMessage): boolean => type !== "system" && type !== "void";

const sendsByKey = (history: History): Map<string, Send[]> => Map.groupBy(history.of("send"), keyOfSend);
const answered = (sends: readonly Send[]): (Send & { answer: NonNullable<Send["answer"]> })[] =>
  sends.filter((send): send is Send & { answer: NonNullable<Send["answer"]> } => send.answer !== null);

/** I1: what was acknowledged has its row, and stands in the history of every member who can see it. */
export const acknowledgedIsNotLost: Checker = (history, state) => {
  const rows = new Map(state.messages.map((row) => [row.messageId, row]));
  const readers = idsByReader(state);
  return answered(history.of("send")).flatMap(({ conversationId, answer: { messageId, seq } }) => {
    const row = rows.get(messageId);
    if (!row) return [`${placeOf({ conversationId, seq })}: message ${messageId} was acknowledged and has no row`];
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

/** I2: what is there was sent, as it was sent or edited; what was refused is not there. */
export const nothingIsPhantom: Checker = (history, { messages }) => {
  const sends = sendsByKey(history);
  const recalled = new Set(history.of("recall").map(({ messageId }) => messageId));
  const edits = Map.groupBy(history.of("edit"), ({ messageId }) => messageId);
  return messages.filter(isFromPeople).flatMap((row) => {
    const possible = (sends.get(keyOf(row)) ?? []).filter(({ outcome }) => outcome !== "failed");
    if (possible.length === 0) return [`${placeOf(row)} (${row.clientMsgId} of ${row.senderId}) is there and was never sent`];
    if (row.recalledAt !== null && recalled.has(row.messageId)) return [];
    const texts = [...possible, ...(edits.get(row.messageId) ?? [])].map(({ text }) => JSON.stringify({ text }));
    return texts.includes(row.content) ? [] : [`${placeOf(row)} says ${row.content}, which nobody wrote`];
  });
};

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

/** I5: from 1 on every seq is a message or an explicit void. */
export const seqHasNoHole: Checker = (_history, { messages }) =>
  [...Map.groupBy(messages, ({ conversationId }) => conversationId)].flatMap(([conversationId, rows]) => {
    const seqs = new Set(rows.map(({ seq }) => seq));
    const last = Math.max(...seqs);
    const missing = Array.from({ length: last }, (_, i) => i + 1).filter((seq) => !seqs.has(seq));
    return missing.length > 0 ? [`${conversationId} ends at ${last} and lacks ${missing.slice(0, 10).join(", ")}`] : [];
  });

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
  let highest: ReturnType<typeof answered>[number] | null = null;
  for (const send of answered(firsts).toSorted((a, b) => a.invoked.order - b.invoked.order)) {
    if (highest && highest.answer.seq >= send.answer.seq && !mayBeEarlier(send))
      found.push(
        `${send.conversationId}: ${send.connection} sent ${highest.clientMsgId} (${highest.answer.seq}) before ${send.clientMsgId} (${send.answer.seq})`,
      );
    if (!highest || send.answer.seq > highest.answer.seq) highest = send;
  }
  return found;
}

/** I16: a message id belongs to one message, in all conversations. */
export const idsAreUnique: Checker = (history, { messages }) => {
  const claims = [
    ...messages.map((row) => ({ messageId: row.messageId, place: placeOf(row) })),
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
