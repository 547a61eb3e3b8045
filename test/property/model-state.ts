import type { MessageRef } from "../chaos/device.ts";

/** What the model knows of a conversation, and what its members see of it. */

export interface ModelMessage extends MessageRef {
  /** null: the system. */
  readonly sender: number | null;
  readonly createdAt: number;
  text: string;
  isRecalled: boolean;
  readonly likedBy: Set<string>;
}
export interface ModelMember {
  isActive: boolean;
  minSeq: number;
  maxSeq: number | null;
  readonly hidden: Set<number>;
  readSeq: number;
  deliveredSeq: number;
}
/** Members by their index in the world; messages by sender and `clientMsgId`. */
export interface ModelConversation {
  readonly isGroup: boolean;
  readonly messages: ModelMessage[];
  readonly members: Map<number, ModelMember>;
  readonly keys: Map<string, { message: ModelMessage; text: string }>;
}

export const memberFrom = (minSeq: number, cursor: number): ModelMember => ({
  isActive: true,
  minSeq,
  maxSeq: null,
  hidden: new Set(),
  readSeq: cursor,
  deliveredSeq: cursor,
});

/** The last seq that a member sees. */
export const headOf = ({ messages }: ModelConversation, { maxSeq }: ModelMember): number => maxSeq ?? messages.length;
export const isVisible = (conversation: ModelConversation, member: ModelMember, seq: number): boolean =>
  seq >= member.minSeq && seq <= headOf(conversation, member) && !member.hidden.has(seq);
export const visible = (conversation: ModelConversation, member: ModelMember): ModelMessage[] =>
  conversation.messages.filter(({ seq }) => isVisible(conversation, member, seq));

/** What was read or sent was delivered too; cursors only move forward. */
export function moveTo(member: ModelMember, seq: number): void {
  member.readSeq = Math.max(member.readSeq, seq);
  member.deliveredSeq = Math.max(member.deliveredSeq, seq);
}

/** Nothing up to now is seen any more. */
export function clear(conversation: ModelConversation, member: ModelMember): void {
  const head = headOf(conversation, member);
  member.minSeq = Math.max(member.minSeq, head + 1);
  moveTo(member, head);
}
