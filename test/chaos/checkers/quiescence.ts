import type { Checker, FinalState } from "../final-state.ts";
import type { History } from "../history.ts";
import type { HotContents } from "../pipeline.ts";
import { isHeld, placeOf } from "./sends.ts";

/**
 * I13: in the end nothing is pending or behind, the dead letters are what the database was made to refuse, and what the hot
 * store still has is what the database has.
 */
export const nothingIsLeft: Checker = (history, state) => {
  const { pending, lag, deadLetters, hot } = state.pipeline;
  const dead = new Set(deadLetters.map(({ clientMsgId }) => clientMsgId));
  const buried = history.of("send").filter(({ outcome, clientMsgId }) => outcome === "ok" && history.poison.has(clientMsgId));
  return [
    ...(pending > 0 ? [`${pending} messages are pending`] : []),
    ...(lag > 0 ? [`the persister is ${lag} records behind`] : []),
    ...deadLetters
      .filter(({ clientMsgId }) => !history.poison.has(clientMsgId))
      .map(({ clientMsgId, reason }) => `${clientMsgId} is a dead letter: ${reason}`),
    ...buried.filter(({ clientMsgId }) => !dead.has(clientMsgId)).map(({ clientMsgId }) => `${clientMsgId} is no dead letter`),
    ...(hot ? hotDiffers(history, state, hot) : []),
  ];
};

function hotDiffers(history: History, { messages }: FinalState, { messages: hot, stableSeqs }: HotContents): string[] {
  const rows = new Map(messages.map((row) => [row.messageId, row]));
  const found = hot.flatMap((one) => {
    const row = rows.get(one.messageId);
    if (!row) return [`the hot store has ${one.messageId}, which has no row`];
    if (!one.isPersisted) return [`${placeOf(row)} is not marked as persisted`];
    const isChanged = row.editedAt !== null || row.recalledAt !== null || row.type === "void" || isHeld(history, row);
    const fields = ["conversationId", "seq", "senderId", "clientMsgId", "createdAt"] as const;
    const different = fields.filter((field) => one[field] !== row[field]).map(String);
    if (!isChanged && one.content !== row.content) different.push("content");
    return different.length > 0 ? [`${placeOf(row)} differs in the hot store: ${different.join(", ")}`] : [];
  });
  const heads = new Map<string, number>();
  for (const { conversationId, seq } of messages) heads.set(conversationId, Math.max(seq, heads.get(conversationId) ?? 0));
  for (const [conversationId, stable] of stableSeqs)
    if (stable < (heads.get(conversationId) ?? 0))
      found.push(`${conversationId} is stable up to ${stable} only, and has rows up to ${heads.get(conversationId)}`);
  return found;
}
