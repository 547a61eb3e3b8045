import type { LocalMessage } from "@moleculer-im/client";
import { shallowReactive } from "vue";
import { textOf } from "./said.ts";

/** So long after a recall the words can be taken up again. */
const KEPT_MS = 5 * 60_000;

/** Words of own messages that were recalled on this page a while ago: the server has forgotten them. */
const kept = shallowReactive(new Map<string, string>());

/** To be called before a message is recalled. @returns to be called when it was not recalled after all */
export function keepWords({ messageId, type, content }: LocalMessage, me: string, senderId: string): () => void {
  if (messageId === null || senderId !== me || (type !== "text" && type !== "markdown")) return () => undefined;
  kept.set(messageId, textOf(content, "text"));
  const timer = setTimeout(() => kept.delete(messageId), KEPT_MS);
  return () => {
    clearTimeout(timer);
    kept.delete(messageId);
  };
}

/** Null when they are not known. */
export const keptWords = (messageId: string | null): string | null => (messageId === null ? null : (kept.get(messageId) ?? null));
