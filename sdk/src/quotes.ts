import type { Message } from "../../contracts/entities.ts";
import { quotedWords } from "../../contracts/quotes.ts";

/** Whether what others quote of a message may be other words than it has now. */
export const hasChangedWords = ({ editedAt, recalledAt }: Message): boolean => editedAt !== undefined || recalledAt !== undefined;

/**
 * A reply with the words that its original has now: an edit changes them, a recall takes them along.
 * @returns null when it is no reply to it, or has them
 */
export function requoted<T extends Message>(reply: T, original: Message): T | null {
  const { replyTo } = reply;
  if (replyTo?.messageId !== original.messageId || replyTo.withheld) return null;
  const preview = quotedWords(original.content);
  return replyTo.preview === preview ? null : { ...reply, replyTo: { ...replyTo, preview } };
}
