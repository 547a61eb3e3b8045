/** Somebody who can be mentioned; `all` for everybody. */
export interface Candidate {
  readonly userId: string;
  /** As it is written behind the `@`: what the others know them by. */
  readonly name: string;
}

export interface MentionQuery {
  /** Where the `@` stands. */
  readonly start: number;
  readonly words: string;
}

const LONGEST_NAME = 64;

/** What is being typed behind an `@` that stands right before the caret; null when nobody is being looked for. */
export function mentionQuery(text: string, caret: number): MentionQuery | null {
  const before = text.slice(Math.max(0, caret - LONGEST_NAME - 1), caret);
  const at = before.lastIndexOf("@");
  if (at < 0) return null;
  const words = before.slice(at + 1);
  const isAddress = at > 0 && /[A-Za-z0-9._%+-]/u.test(before[at - 1] ?? "");
  return isAddress || /\s/u.test(words) ? null : { start: caret - words.length - 1, words };
}

/** Those whose name holds the words, the ones that begin with them first; at most `limit`. */
export function matching<T extends Candidate>(candidates: readonly T[], words: string, limit = 50): T[] {
  const wanted = words.toLocaleLowerCase();
  const found = candidates.filter(({ name }) => name.toLocaleLowerCase().includes(wanted));
  const begins = ({ name }: T): number => (name.toLocaleLowerCase().startsWith(wanted) ? 0 : 1);
  return found.sort((a, b) => begins(a) - begins(b)).slice(0, limit);
}

/** The text with a mention in the place of what was typed, and where the caret is then. */
export function withMention(text: string, caret: number, start: number, name: string): { text: string; caret: number } {
  const mention = `@${name} `;
  return { text: text.slice(0, start) + mention + text.slice(caret), caret: start + mention.length };
}

/** Whom a text mentions: of those that were chosen while it was written the ones whose name still stands in it. */
export function mentionedIn(text: string, chosen: readonly Candidate[], limit: number): string[] {
  const ids = chosen.filter(({ name }) => text.includes(`@${name}`)).map(({ userId }) => userId);
  return [...new Set(ids)].slice(0, limit);
}
