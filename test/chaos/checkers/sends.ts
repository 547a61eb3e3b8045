import type { History, OperationOf } from "../history.ts";
import type { StoredMessage } from "../final-state.ts";

export type Send = OperationOf<"send">;
export type AnsweredSend = Send & { readonly answer: NonNullable<Send["answer"]> };
type Keyed = Pick<StoredMessage, "conversationId" | "clientMsgId"> & { readonly senderId: string };

export const keyOf = ({ conversationId, senderId, clientMsgId }: Keyed): string => `${conversationId} ${senderId} ${clientMsgId}`;
export const keyOfSend = (send: Send): string => keyOf({ ...send, senderId: send.userId });
export const placeOf = ({ conversationId, seq }: { readonly conversationId: string; readonly seq: number }): string =>
  `${conversationId} #${seq}`;
export const isFromPeople = ({ type }: StoredMessage): boolean => type !== "system" && type !== "void";
export const isVoid = ({ type }: StoredMessage): boolean => type === "void";
/** The database was made to refuse it after it was acknowledged: it keeps its place, without its words. */
export const isHeld = (history: History, { clientMsgId, content }: StoredMessage): boolean =>
  history.poison.has(clientMsgId) && content === "{}";

export const sendsByKey = (history: History): Map<string, Send[]> => Map.groupBy(history.of("send"), keyOfSend);
export const answered = (sends: readonly Send[]): AnsweredSend[] =>
  sends.filter((send): send is AnsweredSend => send.answer !== null);
