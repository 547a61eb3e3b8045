import type { LocalMessage } from "@moleculer-im/client";
import { h, type FunctionalComponent, type VNode } from "vue";
import { messageBody } from "./bodies/MessageBody.ts";
import type { ChatContext } from "./context.ts";
import { previewOf } from "./sentences.ts";
import { clock, shortSpan } from "../ui/time.ts";

/** When a message was sent, how far it has come, and what else is to be known about it, on one small line. */
function messageMeta(message: LocalMessage, chat: ChatContext): VNode {
  const { t } = chat;
  const parts: VNode[] = [];
  if (message.burnAfterMs !== undefined) parts.push(burning(message, chat));
  if (message.pinnedAt !== undefined) parts.push(sign("pinned", t("chat.messages.pinned")));
  if (message.editedAt !== undefined) parts.push(h("span", t("chat.messages.edited")));
  parts.push(h("time", { class: "m-time" }, clock(message.createdAt)));
  if (message.senderId === chat.me) parts.push(sign(message.state, t(`chat.state.${message.state}`)));
  return h("span", { class: "m-meta" }, parts);
}

/** A drawing of the style sheet, with words for those who do not see it. */
const sign = (name: string, title: string): VNode =>
  h("span", { class: `m-sign m-sign-${name}`, role: "img", "aria-label": title, title });

function burning({ burnAfterMs = 0, burnsAt }: LocalMessage, { t, now }: ChatContext): VNode {
  if (burnsAt === undefined) return sign("burn", t("chat.messages.burns", { span: shortSpan(burnAfterMs) }));
  const span = shortSpan(burnsAt - now.value);
  return h("span", { class: "m-burning" }, [sign("burn", t("chat.messages.burnsIn", { span })), span]);
}

/** What a message answers, as a button that leads there; of one on its way only this page knows it. */
function quote(message: LocalMessage, chat: ChatContext): VNode | null {
  const original = message.replyTo ?? (message.senderId === chat.me ? chat.sentQuote(message) : null);
  if (!original) return null;
  const { t } = chat;
  const { withheld, preview, type, senderId } = original;
  const content = type === "text" || type === "markdown" ? { text: preview } : { title: preview };
  const words = withheld ? t("chat.messages.withheld") : previewOf({ type, content, senderId }, chat) || t("chat.messages.gone");
  const name = senderId === chat.me ? t("chat.you") : chat.nameOf(senderId);
  const said = t("chat.said", { name, words });
  return h("button", { type: "button", class: "m-quote", onClick: () => chat.showOriginal(message) }, [h("span", said)]);
}

/** All that stands in the bubble of a message; one component, since there are many of them. */
export const MessageBubble: FunctionalComponent<{ message: LocalMessage; chat: ChatContext }> = ({ message, chat }) => {
  const parts = [messageBody(message, chat), messageMeta(message, chat)];
  const answered = quote(message, chat);
  return h("div", { class: "m-bubble" }, answered ? [answered, ...parts] : parts);
};
MessageBubble.props = ["message", "chat"];
