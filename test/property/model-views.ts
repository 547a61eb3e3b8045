import assert from "node:assert/strict";
import type { HistoryItem, Message } from "../../contracts/entities.ts";
import type { Listed, Walk } from "../chaos/history.ts";
import { headOf, visible, type ModelConversation, type ModelMember, type ModelMessage } from "./model-state.ts";
import { positionOf, type Task } from "./perform.ts";

/** Compares what clients are given with what the model knows. */

export type Page = Walk["pages"][number];

/** A page of history, which the operation asked for. */
export function assertPage(
  { operation, seq: near }: Task,
  conversation: ModelConversation,
  member: ModelMember,
  page: Page,
): void {
  if (operation.op !== "page") return;
  assert.deepEqual([page.minSeq, page.maxSeq], [member.minSeq, headOf(conversation, member)]);
  const all = visible(conversation, member);
  const { position, seq } = positionOf(operation.position, near);
  const { limit } = operation;
  if (position === "newest") assertItems(page.items, all.slice(-limit));
  if (position === "afterSeq") assertItems(page.items, all.filter((message) => message.seq > seq).slice(0, limit));
  if (position === "beforeSeq") assertItems(page.items, all.filter((message) => message.seq < seq).slice(-limit));
  if (position === "aroundSeq") assertAround(page, all, seq, limit);
}

/** A stretch without gaps, as long as it can be, with the message in it when it is visible. */
function assertAround({ items }: Page, all: readonly ModelMessage[], seq: number, limit: number): void {
  const start = all.findIndex((message) => message.seq === items[0]?.seq);
  assertItems(items, start === -1 ? [] : all.slice(start, start + items.length));
  assert.equal(items.length, Math.min(limit, all.length));
  if (all.some((message) => message.seq === seq)) assert.ok(items.some((item) => item.seq === seq));
}

/** These messages in this order, with the words and reactions that they have now. */
export function assertItems(items: readonly HistoryItem[], expected: readonly ModelMessage[]): void {
  assert.deepEqual(items.map(seen), expected.map(shown));
}

/** The conversation list of a person. */
export function assertList(
  conversations: ReadonlyMap<string, ModelConversation>,
  { person }: Task,
  items: readonly Listed[],
): void {
  for (const [conversationId, conversation] of conversations) {
    const member = conversation.members.get(person.index);
    const listed = items.find((item) => item.conversationId === conversationId);
    const head = member ? headOf(conversation, member) : 0;
    assert.equal(listed !== undefined, head > 0, `${conversationId} in the list`);
    if (!listed || !member) continue;
    const { readSeq, unread, maxSeq, lastMessage } = listed;
    assert.equal(maxSeq, head);
    assert.equal(readSeq, member.readSeq);
    const all = visible(conversation, member);
    assert.equal(lastMessage?.messageId, all.at(-1)?.messageId);
    const others = all.filter(({ sender }) => sender !== null && sender !== person.index);
    assert.equal(unread, others.filter(({ seq, isRecalled }) => seq > readSeq && !isRecalled).length);
  }
}

/** The answer to a message that was sent before is that of the first time. */
export function assertSent({ messageId, seq, createdAt }: Message, first: ModelMessage): void {
  assert.deepEqual({ messageId, seq, createdAt }, { messageId: first.messageId, seq: first.seq, createdAt: first.createdAt });
}

/** What is compared of a message. */
const shown = ({ messageId, seq, sender, text, isRecalled, likedBy }: ModelMessage): unknown => [
  seq,
  messageId,
  sender === null ? "system" : isRecalled ? "recalled" : text,
  [...likedBy].sort(),
];

function seen(item: HistoryItem): unknown {
  if (!("messageId" in item)) return item;
  const { messageId, seq, type, content, recalledAt, reactions = [] } = item;
  const words = type === "system" ? "system" : recalledAt === undefined ? content["text"] : "recalled";
  return [seq, messageId, words, reactions.flatMap(({ userIds }) => userIds).sort()];
}
