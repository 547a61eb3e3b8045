import type { LocalMessage } from "@moleculer-im/client";
import type { Token } from "marked";
import { h, type VNode } from "vue";
import type { ChatContext } from "../context.ts";
import { lex, renderMarkdown, renderText } from "../markdown.ts";
import { textOf } from "../said.ts";
import { isFewEmoji } from "../text.ts";

type Words = Pick<LocalMessage, "content"> & Partial<Pick<LocalMessage, "mentions">>;
type Inside = Pick<ChatContext, "t" | "copy" | "mentionsIn">;

/** Rows come and go while one scrolls; what was read of a text stays as long as its message does. */
const lexed = new WeakMap<LocalMessage["content"], readonly Token[] | null>();

function tokensOf(content: LocalMessage["content"]): readonly Token[] | null {
  const known = lexed.get(content);
  if (known !== undefined) return known;
  const tokens = lex(textOf(content, "text"));
  lexed.set(content, tokens);
  return tokens;
}

export function textBody(message: Words, chat: Inside): VNode {
  const text = textOf(message.content, "text");
  if (isFewEmoji(text)) return h("div", { class: "m-text m-few-emoji" }, text);
  return h("div", { class: "m-text" }, renderText(text, chat.mentionsIn(message)));
}

export function markdownBody(message: Words, chat: Inside): VNode {
  const tokens = tokensOf(message.content);
  if (!tokens) return textBody(message, chat);
  const options = {
    mentions: chat.mentionsIn(message),
    copyLabel: chat.t("chat.body.copyCode"),
    copy: (code: string) => chat.copy(code),
  };
  return h("div", { class: "m-text m-markdown" }, renderMarkdown(tokens, options));
}
