import type { Draft, LocalMessage } from "@moleculer-im/client";

/** `one`: all of them as one message that holds them; `each`: each as it is, where that can be sent again. */
export type ForwardWay = "one" | "each";
type Forwarded = Omit<Draft, "conversationId">;

/** Types whose content can be sent again as it is. */
const SENT_AGAIN: ReadonlySet<string> = new Set(["text", "markdown", "location", "card", "custom"]);

const idsOf = (messages: readonly LocalMessage[]): string[] =>
  messages.map(({ messageId }) => messageId).filter((messageId) => messageId !== null);

/** What is sent to forward messages, which are in the order of their conversation. */
export function forwarded(messages: readonly LocalMessage[], title: string, way: ForwardWay): Forwarded[] {
  if (way === "one") return [{ type: "forward", content: { title, items: idsOf(messages) } }];
  return messages.map((message) =>
    SENT_AGAIN.has(message.type)
      ? { type: message.type as Draft["type"], content: message.content }
      : { type: "forward", content: { title, items: idsOf([message]) } },
  );
}
