import type { LocalMessage, ReplyPreview } from "@moleculer-im/client";
import { shallowReactive } from "vue";
import { textOf } from "./said.ts";
import { firstWords } from "./text.ts";

/** What messages on their way answer, by their key: only the server's copy of a message says so itself. */
export const sentQuotes = shallowReactive(new Map<string, ReplyPreview>());

/** As the server would show what is answered; null when it does not have it. */
export function quoteOf({ messageId, seq, senderId, type, content }: LocalMessage): ReplyPreview | null {
  if (messageId === null || seq === null) return null;
  return { messageId, seq, senderId, type, preview: firstWords(textOf(content, "text") || textOf(content, "title")) };
}
