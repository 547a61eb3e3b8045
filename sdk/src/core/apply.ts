import type { Conversation, Message } from "../../../contracts/entities.ts";
import type { Result } from "../../../contracts/index.ts";
import { MAX_COUNTED_UNREAD } from "../../../contracts/limits.ts";
import type { ServerEventPayload } from "../../../contracts/socket-events.ts";
import { requoteReplies } from "./apply-quotes.ts";
import { isOlder } from "./is-older.ts";
import type { Transaction } from "./picture.ts";
import type { ConversationRecord, OutboxRecord } from "./records.ts";

/** What pushes and pages do to the picture. Each is a rule of docs/sync.md. */

export type SyncPage = Result<"sync.pull">;

/** Whether it counts as unread for the user. */
const isCounted = (message: Message, me: string): boolean =>
  message.senderId !== me && message.recalledAt === undefined && message.type !== "system";
const mentions = (message: Message, me: string): boolean =>
  message.mentions !== undefined && (message.mentions.includes(me) || message.mentions.includes("all"));

/** `known`: it is here already. `gap`: what is between is missing. `unknown`: so is its conversation. */
export type Arrival = "stored" | "known" | "gap" | "unknown";

/** A message that was pushed, or that the server has taken from us. */
export function applyNew(tx: Transaction, me: string, message: Message): Arrival {
  const record = tx.conversation(message.conversationId);
  if (!record || !record.active) return "unknown";
  if (message.seq <= record.mark) {
    settleOutbox(tx, me, message);
    return "known";
  }
  if (message.seq > record.mark + 1) return "gap";
  const isNews = message.senderId !== me;
  tx.putMessage(message, isNews);
  settleOutbox(tx, me, message);
  const { conversation } = record;
  const counts = isCounted(message, me) && message.seq > conversation.readSeq;
  const own = message.senderId === me ? { readSeq: message.seq, unread: 0, mentioned: false } : null;
  tx.putConversation({
    ...receiptsOf(record, "read", readBefore(me, message)),
    mark: message.seq,
    from: record.from > record.mark ? message.seq : record.from,
    ...(own && { toldRead: Math.max(record.toldRead, message.seq) }), // who sends has read all before it
    conversation: {
      ...conversation,
      maxSeq: Math.max(conversation.maxSeq, message.seq),
      lastMessage: message,
      hidden: false,
      unread: Math.min(MAX_COUNTED_UNREAD, conversation.unread + (counts ? 1 : 0)),
      mentioned: conversation.mentioned || (counts && mentions(message, me)),
      ...own,
    },
  });
  return "stored";
}

/** A message on its way has arrived when it comes back. */
export function settleOutbox(tx: Transaction, me: string, { senderId, clientMsgId, conversationId }: Message): void {
  if (senderId !== me) return;
  if (tx.outbox(clientMsgId)?.draft.conversationId === conversationId) tx.dropOutbox(clientMsgId);
}

/** The message that a plain one has become; null where only the server knows what it looks like. */
export function acceptedMessage(me: string, { draft, clientMsgId }: OutboxRecord, sent: Result<"message.send">): Message | null {
  const isPlain = ["text", "markdown", "location", "card", "custom"].includes(draft.type) && draft.burnAfterMs === undefined;
  if (!isPlain || draft.replyTo !== undefined || draft.threadId !== undefined) return null;
  const { conversationId, type, content, mentions: mentioned } = draft;
  const base = { messageId: sent.messageId, conversationId, seq: sent.seq, senderId: me, clientMsgId, type, content };
  return { ...base, ...(mentioned?.length && { mentions: mentioned }), createdAt: sent.createdAt, status: "accepted" };
}

type Updated = ServerEventPayload<"message:updated">;

/** An edit, a recall, a reaction, a pin. */
export async function applyUpdated(tx: Transaction, me: string, { change, ...pushed }: Updated): Promise<void> {
  const { conversationId, seq } = pushed;
  const record = tx.conversation(conversationId);
  if (!record) return;
  const stored = await tx.message(conversationId, seq);
  if (stored && isOlder(pushed, stored)) return;
  const message = withOwnReactions(pushed, stored, change?.userId === me ? change : null, me);
  if (stored) tx.putMessage(message);
  else (tx.change.seen ??= []).push(message);
  await requoteReplies(tx, message, stored);
  const { conversation } = record;
  const isLast = conversation.lastMessage?.seq === seq;
  if (isLast) tx.putConversation({ ...record, conversation: { ...conversation, lastMessage: message } });
  if (message.recalledAt !== undefined && seq > conversation.readSeq) await recount(tx, me, conversationId);
}

function withOwnReactions(message: Message, stored: Message | null, own: Updated["change"] | null, me: string): Message {
  if (!message.reactions) return message;
  const before = new Map(stored?.reactions?.map(({ emoji, mine }) => [emoji, mine === true]));
  const reactions = message.reactions.map((reaction) => ({
    ...reaction,
    mine: own?.emoji === reaction.emoji ? own.added : reaction.userIds.includes(me) || before.get(reaction.emoji) === true,
  }));
  return { ...message, reactions };
}

/** A message was deleted for the user. */
export async function applyDeleted(tx: Transaction, me: string, conversationId: string, messageId: string): Promise<void> {
  const record = tx.conversation(conversationId);
  if (!record) return;
  const all = await tx.messages(conversationId, 0);
  const gone = all.find((message) => message.messageId === messageId);
  if (!gone) return void (tx.change.deleted ??= []).push({ conversationId, messageId, seq: null });
  tx.deleteMessage(gone);
  if (record.conversation.lastMessage?.messageId === messageId)
    tx.putConversation({
      ...record,
      conversation: { ...record.conversation, lastMessage: all.filter((one) => one !== gone).at(-1) ?? null },
    });
  await recount(tx, me, conversationId);
}

/** Counts what is unread anew, where all of it is here; where it is not, the server is asked. */
export async function recount(tx: Transaction, me: string, conversationId: string): Promise<void> {
  const record = tx.conversation(conversationId);
  if (!record) return;
  const { readSeq, maxSeq } = record.conversation;
  if (readSeq < maxSeq && record.from > readSeq + 1 && !record.fromStart) return void tx.stale.add(conversationId);
  const first = Math.max(readSeq, maxSeq - MAX_COUNTED_UNREAD);
  const counted = readSeq >= maxSeq ? [] : (await tx.messages(conversationId, first)).filter((message) => isCounted(message, me));
  const mentioned = counted.some((message) => mentions(message, me));
  tx.putConversation({ ...record, conversation: { ...record.conversation, unread: counted.length, mentioned } });
}

/** All up to a seq was read, here or on another device. */
export async function applyRead(
  tx: Transaction,
  me: string,
  conversationId: string,
  seq: number,
  isTold: boolean,
): Promise<void> {
  const record = tx.conversation(conversationId);
  if (!record) return;
  const toldRead = isTold ? Math.max(record.toldRead, seq) : record.toldRead;
  const readSeq = Math.max(record.conversation.readSeq, Math.min(seq, record.conversation.maxSeq));
  if (readSeq === record.conversation.readSeq && toldRead === record.toldRead) return;
  const conversation = {
    ...record.conversation,
    readSeq,
    ...(readSeq >= record.conversation.maxSeq && { unread: 0, mentioned: false }),
  };
  tx.putConversation({ ...record, toldRead, conversation });
  if (readSeq < conversation.maxSeq) await recount(tx, me, conversationId);
}

/** Everything up to a seq was cleared. */
export async function applyCleared(tx: Transaction, me: string, conversationId: string, seq: number): Promise<void> {
  const record = tx.conversation(conversationId);
  if (!record) return;
  await tx.trim(conversationId, seq + 1);
  const { conversation } = record;
  const lastMessage = conversation.lastMessage && conversation.lastMessage.seq > seq ? conversation.lastMessage : null;
  const from = Math.max(record.from, seq + 1);
  tx.putConversation({
    ...record,
    from,
    fromStart: record.fromStart || from === seq + 1,
    conversation: { ...conversation, lastMessage },
  });
  await applyRead(tx, me, conversationId, seq, true);
  await recount(tx, me, conversationId);
}

/** Up to where others have read since one of them sent this: who sends has read all before it, and no receipt says so. */
export const readBefore = (me: string, { senderId, seq, type }: Message): number =>
  senderId === me || type === "system" ? 0 : seq - 1;

export const receiptsOf = (record: ConversationRecord, kind: "read" | "delivered", seq: number): ConversationRecord => ({
  ...record,
  othersDelivered: Math.max(record.othersDelivered, seq),
  ...(kind === "read" && { othersRead: Math.max(record.othersRead, seq) }),
});

/** A record of a conversation that was not known. */
export const emptyRecord = (conversation: Conversation): ConversationRecord => ({
  conversation,
  active: true,
  mark: 0,
  from: 1,
  fromStart: false,
  listVersion: 0,
  toldRead: conversation.readSeq,
  toldDelivered: 0,
  othersDelivered: 0,
  othersRead: 0,
  persistedSeq: 0,
});
