import type { Result, User } from "@moleculer-im/client";
import { defineStore } from "pinia";
import { shallowReactive } from "vue";
import { im } from "../session/im.ts";

export type ListedUser = Result<"friend.blocked">["items"][number];
/** Whom I have blocked, and who may put me into groups without asking. */
export type PeopleList = "blocked" | "allowed";

const PAGE = 100;
const actions = {
  blocked: { list: "friend.blocked", add: "friend.block", remove: "friend.unblock" },
  allowed: { list: "friend.allowed", add: "friend.allow", remove: "friend.disallow" },
} as const;

/** The two lists of people that the user keeps, whole, as the server had them when they were last asked for. */
export const usePeopleLists = defineStore("people-lists", () => {
  const lists = shallowReactive<Record<PeopleList, readonly ListedUser[] | null>>({ blocked: null, allowed: null });

  /** @throws ImError */
  async function load(list: PeopleList): Promise<void> {
    const items: ListedUser[] = [];
    let cursor: string | null = null;
    do {
      const page: Result<"friend.blocked"> = await im.call(actions[list].list, {
        limit: PAGE,
        ...(cursor !== null && { cursor }),
      });
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    lists[list] = items;
  }

  /** Puts somebody on a list, or takes them off. @throws ImError */
  async function set(list: PeopleList, user: User, isOn: boolean): Promise<void> {
    await im.call(isOn ? actions[list].add : actions[list].remove, { userId: user.userId });
    const known = lists[list];
    if (known === null) return;
    const others = known.filter((entry) => entry.user.userId !== user.userId);
    lists[list] = isOn ? [...others, { user, since: Date.now() }] : others;
  }

  /** Null while the list is not known. */
  function has(list: PeopleList, userId: string): boolean | null {
    return lists[list]?.some(({ user }) => user.userId === userId) ?? null;
  }

  im.on("session", ({ me }) => {
    if (me === null) lists.blocked = lists.allowed = null;
  });

  return { lists, load, set, has };
});
