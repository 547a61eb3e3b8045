/** A stretch of plain text: words, a link that may be followed, or somebody's name. */
export type Segment =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "link"; readonly text: string; readonly href: string }
  | { readonly kind: "mention"; readonly text: string; readonly isMe: boolean };

/** How a mention stands in the text, with its `@`. */
export interface MentionName {
  readonly text: string;
  readonly isMe: boolean;
}

const FOLLOWED = new Set(["http:", "https:", "mailto:"]);
const LINK =
  /(?:https?:\/\/|www\.)[^\s<>"'`\u3000-\u303f\uff00-\uff0f\uff1a-\uff20]+|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}/giu;
const TRAILING = /[.,;:!?*_~'"]$/u;
const PAIRS: readonly (readonly [open: string, close: string])[] = [
  ["(", ")"],
  ["[", "]"],
  ["{", "}"],
];

/** The address when a browser may open it (http, https, mailto); null for any other. */
export function safeHref(address: string): string | null {
  try {
    const url = new URL(address);
    return FOLLOWED.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** Cuts text into words, links and mentions. Joined, the segments are the text again. */
export function segmentsOf(text: string, mentions: readonly MentionName[] = []): Segment[] {
  const segments: Segment[] = [];
  let from = 0;
  for (const found of text.matchAll(LINK)) {
    const link = trimmed(found[0]);
    const href = hrefOf(link);
    if (href === null) continue;
    addWords(segments, text.slice(from, found.index), mentions);
    segments.push({ kind: "link", text: link, href });
    from = found.index + link.length;
  }
  addWords(segments, text.slice(from), mentions);
  return segments;
}

function hrefOf(link: string): string | null {
  if (/^https?:/iu.test(link)) return safeHref(link);
  return safeHref(/^www\./iu.test(link) ? `https://${link}` : `mailto:${link}`);
}

/** What ends a sentence is no part of the link in it, nor is a bracket that was opened before it. */
function trimmed(link: string): string {
  let end = link.length;
  while (end > 0) {
    const rest = link.slice(0, end);
    if (!TRAILING.test(rest) && !closesOutside(rest)) break;
    end--;
  }
  return link.slice(0, end);
}

function closesOutside(link: string): boolean {
  const pair = PAIRS.find(([, close]) => link.endsWith(close));
  if (!pair) return false;
  return link.split(pair[1]).length > link.split(pair[0]).length;
}

function addWords(segments: Segment[], words: string, mentions: readonly MentionName[]): void {
  let from = 0;
  while (mentions.length > 0) {
    const next = nextMention(words, from, mentions);
    if (!next) break;
    if (next.at > from) segments.push({ kind: "text", text: words.slice(from, next.at) });
    segments.push({ kind: "mention", ...next.mention });
    from = next.at + next.mention.text.length;
  }
  if (from < words.length) segments.push({ kind: "text", text: words.slice(from) });
}

/** The first one; of two that begin at one place the longer one. */
function nextMention(words: string, from: number, mentions: readonly MentionName[]) {
  let best: { at: number; mention: MentionName } | null = null;
  for (const mention of mentions) {
    const at = words.indexOf(mention.text, from);
    if (at < 0) continue;
    if (!best || at < best.at || (at === best.at && mention.text.length > best.mention.text.length)) best = { at, mention };
  }
  return best;
}

const FEW_EMOJI_CHARS = 80;
const FEW_EMOJI =
  /^(?:(?:\p{Regional_Indicator}{2}|\p{Extended_Pictographic})(?:\p{Emoji_Modifier}|\ufe0f|\u200d\p{Extended_Pictographic})*\s*){1,6}$/u;

/** Whether a text is nothing but a few emoji, which are shown larger. */
export const isFewEmoji = (text: string): boolean => text.length <= FEW_EMOJI_CHARS && FEW_EMOJI.test(text.trim());

const encoder = new TextEncoder();
export const utf8Bytes = (text: string): number => encoder.encode(text).length;

/** The first line, or a part of it, for where there is little room. */
export function firstWords(text: string, length = 100): string {
  const line = text
    .slice(0, length * 4)
    .replace(/\s+/gu, " ")
    .trim();
  const characters = [...line];
  return characters.length > length ? `${characters.slice(0, length).join("")}…` : line;
}
