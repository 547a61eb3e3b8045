import type { LocalMessage } from "@moleculer-im/client";
import { h, type FunctionalComponent, type VNode } from "vue";
import type { ChatContext } from "./context.ts";
import { clock, shortSpan } from "./times.ts";

/** When a message was sent, how far it has come, and what else is to be known about it, on one small line. */
export const MessageMeta: FunctionalComponent<{ message: LocalMessage; chat: ChatContext }> = ({ message, chat }) => {
  const { t } = chat;
  const isMine = message.senderId === chat.me;
  return h("span", { class: "m-meta" }, [
    message.burnAfterMs === undefined ? null : burning(message, chat),
    message.pinnedAt === undefined ? null : sign("pinned", t("chat.messages.pinned")),
    message.editedAt === undefined ? null : h("span", t("chat.messages.edited")),
    h("time", { class: "m-time" }, clock(message.createdAt)),
    isMine ? sign(message.state, t(`chat.state.${message.state}`)) : null,
  ]);
};
MessageMeta.props = ["message", "chat"];

/** A drawing of the style sheet, with words for those who do not see it. */
const sign = (name: string, title: string): VNode =>
  h("span", { class: `m-sign m-sign-${name}`, role: "img", "aria-label": title, title });

function burning({ burnAfterMs = 0, burnsAt }: LocalMessage, { t, now }: ChatContext): VNode {
  if (burnsAt === undefined) return sign("burn", t("chat.messages.burns", { span: shortSpan(burnAfterMs) }));
  const span = shortSpan(burnsAt - now.value);
  return h("span", { class: "m-burning" }, [sign("burn", t("chat.messages.burnsIn", { span })), span]);
}
