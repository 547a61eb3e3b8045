import type { Friend, Group } from "@moleculer-im/client";
import { collatorOf, filterFriends, fold, rosterSections, type RosterFilter } from "./roster.ts";

/** One line of the list of contacts. */
export type ContactRow =
  | { readonly kind: "entry"; readonly key: string; readonly entry: ContactEntry }
  | { readonly kind: "groups"; readonly key: string; readonly count: number }
  | { readonly kind: "group"; readonly key: string; readonly group: Group }
  | { readonly kind: "initial"; readonly key: string; readonly initial: string }
  | { readonly kind: "friend"; readonly key: string; readonly friend: Friend };

/** Places beside the people. */
export type ContactEntry = "requests" | "blocked" | "allowed";
const entries: readonly ContactEntry[] = ["requests", "blocked", "allowed"];

export interface ContactRowsInput {
  readonly friends: readonly Friend[];
  readonly groups: readonly Group[];
  readonly filter: RosterFilter;
  readonly language: string;
  /** Whether the groups are listed below their heading; what is looked for is listed always. */
  readonly showGroups: boolean;
}

/** All lines in their order. While something is looked for there is only what was found. */
export function contactRows({ friends, groups, filter, language, showGroups }: ContactRowsInput): ContactRow[] {
  const wanted = fold((filter.text ?? "").trim());
  const isSearch = wanted !== "";
  const hasTag = (filter.tag ?? null) !== null;
  const found = hasTag ? [] : groups.filter(({ name }) => fold(name).includes(wanted));
  return [
    ...(isSearch || hasTag ? [] : entries.map((entry) => ({ kind: "entry" as const, key: entry, entry }))),
    ...groupRows(found, language, showGroups || isSearch),
    ...rosterSections(filterFriends(friends, filter), language).flatMap(({ initial, friends: section }): ContactRow[] => [
      { kind: "initial", key: `initial ${initial}`, initial },
      ...section.map((friend) => ({ kind: "friend" as const, key: `friend ${friend.user.userId}`, friend })),
    ]),
  ];
}

function groupRows(groups: readonly Group[], language: string, isOpen: boolean): ContactRow[] {
  if (groups.length === 0) return [];
  const { compare } = collatorOf(language);
  const sorted = isOpen ? [...groups].sort((a, b) => compare(a.name, b.name)) : [];
  return [
    { kind: "groups", key: "groups", count: groups.length },
    ...sorted.map((group) => ({ kind: "group" as const, key: `group ${group.groupId}`, group })),
  ];
}
