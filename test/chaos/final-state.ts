import type { HistoryItem } from "../../contracts/entities.ts";
import type { Database } from "../../mixins/database/port.ts";
import type { History, Listed } from "./history.ts";
import type { Pipeline } from "./pipeline.ts";

export interface StoredMessage {
  readonly conversationId: string;
  readonly seq: number;
  readonly messageId: string;
  readonly senderId: string;
  readonly clientMsgId: string;
  readonly type: string;
  /** As it is stored, JSON. */
  readonly content: string;
  readonly createdAt: number;
  readonly persistedAt: number;
  readonly editedAt: number | null;
  readonly recalledAt: number | null;
}
/** What SQL says of one user in one conversation. */
export interface StoredMember {
  readonly userId: string;
  readonly conversationId: string;
  readonly minSeq: number;
  /** null: to the end. */
  readonly maxSeq: number | null;
  readonly readSeq: number;
  readonly hidden: readonly number[];
}
/** A whole history as its reader gets it. */
export interface ReadHistory {
  readonly userId: string;
  readonly conversationId: string;
  readonly items: readonly HistoryItem[];
}
/** The conversation list as one device gets it. */
export interface ReadList {
  readonly userId: string;
  readonly device: string;
  readonly conversations: readonly Listed[];
}

/** What a device that follows a conversation by pushes, and reads what it missed, knows in the end. */
export interface Followed {
  readonly userId: string;
  readonly device: string;
  readonly conversationId: string;
  /** Up to here it waits for nothing any more. */
  readonly mark: number;
  /** Message ids by seq. */
  readonly messages: ReadonlyMap<number, string>;
}

/** How things stand when nothing is on its way any more. */
export interface FinalState {
  readonly messages: readonly StoredMessage[];
  readonly members: readonly StoredMember[];
  readonly histories: readonly ReadHistory[];
  readonly lists: readonly ReadList[];
  readonly followed: readonly Followed[];
  readonly pipeline: Pipeline;
}

export interface Violation {
  readonly invariant: string;
  readonly detail: string;
}
/** Finds what contradicts one invariant (invariants.md) in a history and the state it ended in. */
export type Checker = (history: History, state: FinalState) => string[];

type Cell = string | number | null;

/** The part of the final state that stands in SQL, of these conversations. */
export async function readStored(
  sql: Database,
  conversationIds: readonly string[],
): Promise<Pick<FinalState, "messages" | "members">> {
  const of = (table: string) =>
    sql.select<Record<string, Cell>>(`select * from ${table} where conversation_id in (:conversationIds)`, { conversationIds });
  const [messages, members, hidden] = await Promise.all([of("message"), of("conversation_member"), of("message_hidden")]);
  return {
    messages: messages.map(toStoredMessage),
    members: members.map((row) => toStoredMember(row, hidden)),
  };
}

function toStoredMessage(row: Record<string, Cell>): StoredMessage {
  return {
    conversationId: String(row["conversation_id"]),
    seq: Number(row["seq"]),
    messageId: String(row["message_id"]),
    senderId: String(row["sender_id"]),
    clientMsgId: String(row["client_msg_id"]),
    type: String(row["type"]),
    content: String(row["content"]),
    createdAt: Number(row["created_at"]),
    persistedAt: Number(row["persisted_at"]),
    editedAt: numberOrNull(row["edited_at"]),
    recalledAt: numberOrNull(row["recalled_at"]),
  };
}

function toStoredMember(row: Record<string, Cell>, hidden: readonly Record<string, Cell>[]): StoredMember {
  const isOf = (one: Record<string, Cell>): boolean =>
    String(one["user_id"]) === String(row["user_id"]) && one["conversation_id"] === row["conversation_id"];
  return {
    userId: String(row["user_id"]),
    conversationId: String(row["conversation_id"]),
    minSeq: Number(row["min_seq"]),
    maxSeq: numberOrNull(row["max_seq"]),
    readSeq: Number(row["read_seq"]),
    hidden: hidden.filter(isOf).map((one) => Number(one["seq"])),
  };
}

const numberOrNull = (cell: Cell | undefined): number | null => (cell == null ? null : Number(cell));

/** Whether a member sees a seq, now that nothing changes any more. */
export function sees(member: StoredMember, seq: number): boolean {
  return seq >= member.minSeq && seq <= (member.maxSeq ?? Infinity) && !member.hidden.includes(seq);
}

/** What a member sees of these messages, ascending by seq. */
export function visibleTo(messages: readonly StoredMessage[], member: StoredMember): StoredMessage[] {
  return messages
    .filter(({ conversationId, seq }) => conversationId === member.conversationId && sees(member, seq))
    .sort((a, b) => a.seq - b.seq);
}

/** Of each conversation the seqs that have a row, or that the server says to be void. */
export function seqsThatAreThere({ messages, histories }: FinalState): Map<string, Set<number>> {
  const there = new Map<string, Set<number>>();
  const add = (conversationId: string, seq: number): void => {
    const seqs = there.get(conversationId);
    if (seqs) seqs.add(seq);
    else there.set(conversationId, new Set([seq]));
  };
  for (const { conversationId, seq } of messages) add(conversationId, seq);
  for (const { conversationId, items } of histories)
    for (const item of items) if ("toSeq" in item) for (let seq = item.seq; seq <= item.toSeq; seq++) add(conversationId, seq);
  return there;
}
