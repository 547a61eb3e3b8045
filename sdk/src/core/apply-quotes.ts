import type { Message } from "../../../contracts/entities.ts";
import { quotedWords } from "../../../contracts/quotes.ts";
import { hasChangedWords, requoted } from "../quotes.ts";
import type { Transaction } from "./picture.ts";

/** The replies to a message that changed quote what it says now. @param before as it was stored; null: it was not */
export async function requoteReplies(tx: Transaction, original: Message, before: Message | null): Promise<void> {
  if (!hasChangedWords(original) || (before && quotedWords(before.content) === quotedWords(original.content))) return;
  for (const message of await tx.messages(original.conversationId, original.seq)) put(tx, requoted(message, original));
}

/** Replies that come quote what their originals say here, which may have changed since they were on their way. */
export async function requoteArrived(tx: Transaction): Promise<void> {
  for (const { conversationId, seq, replyTo } of [...(tx.change.messages ?? [])]) {
    if (!replyTo) continue;
    const original = await tx.message(conversationId, replyTo.seq);
    const reply = original && hasChangedWords(original) ? await tx.message(conversationId, seq) : null;
    if (original && reply) put(tx, requoted(reply, original));
  }
}

function put(tx: Transaction, reply: Message | null): void {
  if (!reply) return;
  const { conversationId, seq, messageId } = reply;
  tx.putMessage(reply);
  if (tx.change.news) tx.change.news = tx.change.news.map((one) => (one.messageId === messageId ? reply : one));
  const record = tx.conversation(conversationId);
  if (record?.conversation.lastMessage?.seq === seq)
    tx.putConversation({ ...record, conversation: { ...record.conversation, lastMessage: reply } });
}
