import type { Change as WireChange, Conversation, Message, SyncPage as Page } from "../../../contracts/entities.ts";
import { applyDeleted, emptyRecord, readBefore, receiptsOf, recount, settleOutbox, type SyncPage } from "./apply.ts";
import { requoteReplies } from "./apply-quotes.ts";
import type { Transaction } from "./picture.ts";
import type { ConversationRecord } from "./records.ts";

export interface Asked {
  readonly me: string;
  /** The marks that were sent. */
  readonly marks: Readonly<Record<string, number>>;
  /** Without a version: its history is no news. */
  readonly isNew: boolean;
  /** Later pages repeat what moved meanwhile. */
  readonly isFirstPage: boolean;
  /** Of a client that begins anew: what it had read and drafted and told nobody yet. */
  readonly untold?: ReadonlyMap<string, ConversationRecord>;
}

/** Takes one page of a sync. @returns whether a conversation has more behind its mark */
export async function applyPage(tx: Transaction, page: SyncPage, asked: Asked): Promise<boolean> {
  let hasMore = false;
  for (const conversation of page.conversations) {
    const messages = page.messages[conversation.conversationId];
    hasMore = (await takeConversation(tx, asked, conversation, messages)) || hasMore;
  }
  // A conversation that is given for its state alone is one of a member, unless it is among these.
  for (const id of page.removed) {
    const record = tx.conversation(id);
    if (record) tx.putConversation({ ...record, active: false });
  }
  for (const change of page.changes) await takeChange(tx, asked.me, change);
  return hasMore;
}

async function takeConversation(tx: Transaction, asked: Asked, given: Conversation, page?: Page): Promise<boolean> {
  const { conversationId } = given;
  const prior = tx.conversation(conversationId);
  // One that was left comes also because it was behind; coming back writes a message, but in a large group.
  const isUpToDate = asked.isFirstPage && (asked.marks[conversationId] ?? 0) >= Math.max(1, given.maxSeq);
  const active = prior === null || prior.active || isUpToDate || given.maxSeq > prior.conversation.maxSeq;
  const untold = prior ? undefined : asked.untold?.get(conversationId);
  let record: ConversationRecord = { ...(prior ?? emptyRecord(given)), active, ...draftOf(untold) };
  const isBehind = prior !== null && (asked.marks[conversationId] ?? 0) > 0;
  if (page)
    record = isBehind
      ? await takeBehind(tx, asked, record, page)
      : await takeNewest(tx, asked, record, given, page, prior !== null);
  tx.putConversation({ ...record, conversation: untold ? withUntold(given, untold) : withOwnState(given, prior) });
  tx.dropArrived(conversationId, record.mark);
  const { readSeq, maxSeq } = given;
  const kept = tx.conversation(conversationId)?.conversation;
  if (kept && (kept.readSeq !== readSeq || kept.maxSeq !== maxSeq)) await recount(tx, asked.me, conversationId);
  return isBehind && page?.more === true;
}

const draftOf = (record?: ConversationRecord): { untoldDraft?: string } =>
  record?.untoldDraft === undefined ? {} : { untoldDraft: record.untoldDraft };

const withUntold = (given: Conversation, { conversation, untoldDraft }: ConversationRecord): Conversation => ({
  ...given,
  draft: untoldDraft ?? given.draft,
  readSeq: Math.max(given.readSeq, Math.min(conversation.readSeq, given.maxSeq)),
});

/** What this device knows better: what it has read or written since the answer was made. */
function withOwnState(given: Conversation, prior: ConversationRecord | null): Conversation {
  if (!prior) return given;
  const own = prior.conversation;
  return {
    ...given,
    ...(prior.toldRead < own.readSeq &&
      own.readSeq > given.readSeq && { readSeq: Math.min(own.readSeq, Math.max(own.maxSeq, given.maxSeq)) }),
    ...(prior.mark > given.maxSeq && {
      maxSeq: own.maxSeq,
      lastMessage: own.lastMessage,
      readSeq: Math.max(own.readSeq, given.readSeq),
    }),
    ...(prior.untoldDraft !== undefined && { draft: prior.untoldDraft }),
  };
}

async function takeBehind(tx: Transaction, { me }: Asked, record: ConversationRecord, page: Page): Promise<ConversationRecord> {
  const { conversationId } = record.conversation;
  let { persistedSeq } = record;
  let read = 0;
  for (const item of page.items) {
    if (item.type === "void") continue;
    const message = item as Message;
    tx.putMessage(message, message.seq > record.mark && isNewsTo(me, message));
    settleOutbox(tx, me, message);
    persistedSeq = Math.max(persistedSeq, persistedUpTo(me, message));
    read = Math.max(read, readBefore(me, message));
  }
  const last = page.items.at(-1);
  const reached = page.more && last ? endOf(last) : page.maxSeq;
  if (page.minSeq > record.from) await tx.trim(conversationId, page.minSeq);
  const from = Math.max(record.from, page.minSeq);
  const fromStart = record.fromStart || from === page.minSeq;
  return { ...receiptsOf(record, "read", read), mark: Math.max(record.mark, reached), from, fromStart, persistedSeq };
}

async function takeNewest(
  tx: Transaction,
  { me, isNew }: Asked,
  record: ConversationRecord,
  { readSeq }: Conversation,
  page: Page,
  wasKnown: boolean,
): Promise<ConversationRecord> {
  const { conversationId } = record.conversation;
  const newsAfter = wasKnown ? record.mark : readSeq;
  // What was sent while the answer was on its way.
  const newer = record.mark > page.maxSeq ? await tx.messages(conversationId, page.maxSeq) : [];
  if (wasKnown) tx.replaceMessages(conversationId);
  await tx.trim(conversationId, page.minSeq);
  let read = 0;
  for (const item of page.items) {
    if (item.type === "void") continue;
    const message = item as Message;
    tx.putMessage(message, !isNew && message.seq > newsAfter && isNewsTo(me, message));
    settleOutbox(tx, me, message);
    read = Math.max(read, readBefore(me, message));
  }
  for (const message of newer) tx.putMessage(message);
  const from = page.more ? (page.items[0]?.seq ?? page.maxSeq + 1) : page.minSeq;
  return { ...receiptsOf(record, "read", read), mark: Math.max(record.mark, page.maxSeq), from, fromStart: !page.more };
}

/** Messages of a conversation are persisted in their order. */
const persistedUpTo = (me: string, { senderId, status, seq }: Message): number =>
  senderId === me && status === "persisted" ? seq : 0;
const endOf = (item: Page["items"][number]): number => ("toSeq" in item ? item.toSeq : item.seq);
const isNewsTo = (me: string, { senderId, recalledAt }: Message): boolean => senderId !== me && recalledAt === undefined;

async function takeChange(tx: Transaction, me: string, { conversationId, messageId, message }: WireChange): Promise<void> {
  if (message === null) return applyDeleted(tx, me, conversationId, messageId);
  const record = tx.conversation(conversationId);
  if (!record) return;
  const stored = await tx.message(conversationId, message.seq);
  if (stored) tx.putMessage(message);
  else (tx.change.seen ??= []).push(message);
  await requoteReplies(tx, message, stored);
  if (record.conversation.lastMessage?.seq === message.seq)
    tx.putConversation({ ...record, conversation: { ...record.conversation, lastMessage: message } });
  if (message.recalledAt !== undefined && message.seq > record.conversation.readSeq) await recount(tx, me, conversationId);
}
