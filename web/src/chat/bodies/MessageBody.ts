import type { LocalMessage } from "@moleculer-im/client";
import type { FunctionalComponent, VNode } from "vue";
import type { ChatContext } from "../context.ts";
import { cardBody, fallbackBody, forwardBody, locationBody } from "./other-bodies.ts";
import { markdownBody, textBody } from "./text-body.ts";

/** What of a message its body shows; also of one inside a merged forward. */
export type Said = Pick<LocalMessage, "type" | "content"> & Partial<Pick<LocalMessage, "mentions">>;

/** What a message says, by its type; what this client does not know has a fallback. */
export function messageBody(message: Said, chat: ChatContext): VNode {
  switch (message.type) {
    case "text":
      return textBody(message, chat);
    case "markdown":
      return markdownBody(message, chat);
    case "location":
      return locationBody(message.content, chat);
    case "card":
      return cardBody(message.content, chat);
    case "forward":
      return forwardBody(message.content, chat);
    default:
      return fallbackBody(message, chat);
  }
}

export const MessageBody: FunctionalComponent<{ message: Said; chat: ChatContext }> = ({ message, chat }) =>
  messageBody(message, chat);
MessageBody.props = ["message", "chat"];
