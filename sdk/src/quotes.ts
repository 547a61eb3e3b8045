import type { Message } from "../../contracts/entities.ts";
import { QUOTED_CHARACTERS } from "../../contracts/limits.ts";

/** The first words of a message, as the server has them in a reply to it; "" when there are none, or no longer. */
export function wordsOf({ content }: Message): string {
  const words = content["text"] ?? content["title"] ?? "";
  return typeof words === "string" ? [...words.slice(0, QUOTED_CHARACTERS * 2)].slice(0, QUOTED_CHARACTERS).join("") : "";
}

/** Whether what others quote of a message may be other words than it has now. */
export const hasChangedWords = ({ editedAt, recalledAt }: Message): boolean => editedAt !== undefined || recalledAt !== undefined;

/**
 * A reply with the words that its original has now: an edit changes them, a recall takes them along.
 * @returns null when it is no reply to it, or has them
 */
export function requoted<T extends Message>(reply: T, original: Message): T | null {
  const { replyTo } = reply;
  if (replyTo?.messageId !== original.messageId || replyTo.withheld) return null;
  const preview = wordsOf(original);
  return replyTo.preview === preview ? null : { ...reply, replyTo: { ...replyTo, preview } };
}
