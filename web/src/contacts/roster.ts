import type { Friend } from "@moleculer-im/client";

/** Friends whose names begin with the same Latin letter; `#` for all other beginnings. */
export interface RosterSection {
  readonly initial: string;
  readonly friends: readonly Friend[];
}

export interface RosterFilter {
  /** Looked for in remark, nickname, user name and tags, without regard to case and accents. */
  readonly text?: string;
  readonly tag?: string | null;
}

/** What a friend is called here: the remark, else the nickname. */
export const friendName = ({ remark, user }: Friend): string => remark || user.nickname;

/** Letters without accents and case, so that "emile" finds "Émile". */
export const fold = (text: string): string => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** A Latin letter, or `#`. */
export function initialOf(name: string): string {
  const first = fold(name.trim()).charAt(0).toUpperCase();
  return /^[A-Z]$/.test(first) ? first : "#";
}

/** Chinese names go by their pinyin. */
export function collatorOf(language: string): Intl.Collator {
  return new Intl.Collator(language === "zh" ? "zh-u-co-pinyin" : language, { numeric: true, sensitivity: "base" });
}

/** The ones that fit the filter, in the order in which they came. */
export function filterFriends(friends: readonly Friend[], { text = "", tag = null }: RosterFilter): Friend[] {
  const wanted = fold(text.trim());
  return friends.filter((friend) => {
    if (tag !== null && !friend.tags.includes(tag)) return false;
    if (wanted === "") return true;
    return [friend.remark, friend.user.nickname, friend.user.username, ...friend.tags].some((word) =>
      fold(word).includes(wanted),
    );
  });
}

/** Sections from A to Z with `#` last, and names within one in the order of the language. */
export function rosterSections(friends: readonly Friend[], language: string): RosterSection[] {
  const collator = collatorOf(language);
  const byInitial = new Map<string, Friend[]>();
  for (const friend of [...friends].sort((a, b) => collator.compare(friendName(a), friendName(b)))) {
    const initial = initialOf(friendName(friend));
    byInitial.set(initial, [...(byInitial.get(initial) ?? []), friend]);
  }
  return [...byInitial]
    .map(([initial, section]) => ({ initial, friends: section }))
    .sort((a, b) => Number(a.initial === "#") - Number(b.initial === "#") || (a.initial < b.initial ? -1 : 1));
}

/** All tags in use, each once. */
export function tagsInUse(friends: readonly Friend[], language: string): string[] {
  return [...new Set(friends.flatMap(({ tags }) => tags))].sort(collatorOf(language).compare);
}
