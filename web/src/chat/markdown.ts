import { Lexer, type MarkedToken, type Token, type Tokens } from "marked";
import { h, type VNode } from "vue";
import { safeHref, segmentsOf, type MentionName } from "./text.ts";

/** Deeper than this a quote, list or emphasis is shown as it was typed. */
const MAX_DEPTH = 12;
/** A line that opens so many quotes or lists at once is no writing; the lexer would go as deep. */
const TOO_DEEP = /^(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))){13}/mu;
/** Marks in a row, of which the lexer would look for the ends again and again. */
const TOO_MANY_MARKS = /[*_~`[\]!<]{200}/u;

export interface MarkdownOptions {
  readonly mentions: readonly MentionName[];
  /** Name of the button that copies code. */
  readonly copyLabel: string;
  readonly copy: (code: string) => void;
}

type Child = VNode | string;
type Inside = MarkdownOptions & { readonly depth: number; readonly isLink: boolean };

/** What marked makes of a text; null when it is too deeply nested to be worth it. */
export function lex(text: string): Token[] | null {
  if (TOO_DEEP.test(text) || TOO_MANY_MARKS.test(text)) return null;
  try {
    return new Lexer({ gfm: true, breaks: true }).lex(text);
  } catch {
    return null;
  }
}

/**
 * Markdown as elements. Everything typed is text: HTML in it is shown as it was typed, images are links, and a link leads to http,
 * https or mail only.
 */
export function renderMarkdown(tokens: readonly Token[], options: MarkdownOptions): Child[] {
  return blocks(tokens, { ...options, depth: 0, isLink: false });
}

/** Plain text as elements: words, links and mentions. In the words of a link there is no other one. */
export function renderText(text: string, mentions: readonly MentionName[], isLink = false): Child[] {
  return segmentsOf(text, mentions).map((segment) => {
    if (segment.kind === "link") return isLink ? segment.text : link(segment.href, [segment.text]);
    if (segment.kind === "mention") return h("span", { class: segment.isMe ? "mention mention-me" : "mention" }, segment.text);
    return segment.text;
  });
}

const link = (href: string, children: Child[]): VNode => h("a", { href, rel: "noopener noreferrer", target: "_blank" }, children);

function blocks(tokens: readonly Token[], inside: Inside): Child[] {
  const deeper = { ...inside, depth: inside.depth + 1 };
  return tokens.flatMap((token) => (deeper.depth > MAX_DEPTH ? [h("p", token.raw)] : block(token as MarkedToken, deeper)));
}

function block(token: MarkedToken, inside: Inside): Child[] {
  switch (token.type) {
    case "space":
    case "def":
      return [];
    case "hr":
      return [h("hr")];
    case "code":
      return [codeBlock(token, inside)];
    case "heading":
      // No heading of the page: those name its parts.
      return [h("p", { class: `md-heading md-heading-${token.depth}` }, inline(token.tokens, inside))];
    case "blockquote":
      return [h("blockquote", blocks(token.tokens, inside))];
    case "list":
      return [list(token, inside)];
    case "table":
      return [table(token, inside)];
    case "paragraph":
      return [h("p", inline(token.tokens, inside))];
    case "text":
      return token.tokens ? inline(token.tokens, inside) : renderText(token.text, inside.mentions, inside.isLink);
    case "checkbox":
      return [checkbox(token)];
    default:
      return [h("p", token.raw.trimEnd())];
  }
}

const checkbox = ({ checked }: { readonly checked: boolean }): string => (checked ? "☑ " : "☐ ");

function codeBlock({ text, lang }: Tokens.Code, { copy, copyLabel }: Inside): VNode {
  const language = (lang ?? "").split(/\s/u, 1)[0] ?? "";
  return h("div", { class: "md-code" }, [
    h("div", { class: "md-code-head" }, [
      h("span", language),
      h("button", { type: "button", class: "md-copy", onClick: () => copy(text) }, copyLabel),
    ]),
    h("pre", { tabindex: 0 }, [h("code", text)]),
  ]);
}

function list({ ordered, start, items }: Tokens.List, inside: Inside): VNode {
  const children = items.map((item) => h("li", item.task ? { class: "md-task" } : null, blocks(item.tokens, inside)));
  return ordered ? h("ol", { start: typeof start === "number" ? start : 1 }, children) : h("ul", children);
}

function table({ header, rows, align }: Tokens.Table, inside: Inside): VNode {
  const cell = (tag: "th" | "td") => (of: Tokens.TableCell, column: number) =>
    h(tag, align[column] ? { class: `md-${align[column]}` } : null, inline(of.tokens, inside));
  return h("div", { class: "md-table", tabindex: 0 }, [
    h("table", [
      h("thead", [h("tr", header.map(cell("th")))]),
      h(
        "tbody",
        rows.map((row) => h("tr", row.map(cell("td")))),
      ),
    ]),
  ]);
}

function inline(tokens: readonly Token[], inside: Inside): Child[] {
  const deeper = { ...inside, depth: inside.depth + 1 };
  return tokens.flatMap((token) => (deeper.depth > MAX_DEPTH ? [token.raw] : inlineOne(token as MarkedToken, deeper)));
}

function inlineOne(token: MarkedToken, inside: Inside): Child[] {
  switch (token.type) {
    case "strong":
    case "em":
    case "del":
      return [h(token.type, inline(token.tokens, inside))];
    case "codespan":
      return [h("code", token.text)];
    case "br":
      return [h("br")];
    case "escape":
      return [token.text];
    case "checkbox":
      return [checkbox(token)];
    case "link":
      return followed(token.href, inside, inline(token.tokens, { ...inside, isLink: true }));
    case "image":
      return followed(token.href, inside, [token.text || token.href]);
    case "text":
      return token.tokens ? inline(token.tokens, inside) : renderText(token.text, inside.mentions, inside.isLink);
    default:
      return [token.raw];
  }
}

function followed(address: string, { isLink }: Inside, children: Child[]): Child[] {
  const href = isLink ? null : safeHref(address);
  return href === null ? children : [link(href, children)];
}
