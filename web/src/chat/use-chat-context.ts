import type { LocalMessage, Member } from "@moleculer-im/client";
import type { ComputedRef, Ref } from "vue";
import { localeTag } from "../i18n/index.ts";
import { useLists } from "../session/lists-store.ts";
import english from "../i18n/en/chat.ts";
import type { ChatContext, RowActions } from "./context.ts";
import { sentQuotes } from "./quotes.ts";
import type { MentionName } from "./text.ts";
import { useNow } from "../ui/use-now.ts";
import { useWords } from "./words.ts";

const SECOND_MS = 1_000;
/** How `all` is written in a message, in any language of the page. */
const ALL_NAMES = [english.composer.all, "所有人"];

interface Chat {
  readonly kind: ChatContext["kind"];
  readonly members: ComputedRef<ReadonlyMap<string, Member>>;
  readonly actions: RowActions;
}

/** What others know somebody by in this chat: what is written behind an `@`. */
export const publicName = ({ nickname, user }: Member): string => nickname || user.nickname || user.username;

/** What the rows of a chat share, from the lists of the user and the members of the group. */
export function makeChatContext({ kind, members, actions }: Chat): ChatContext {
  const lists = useLists();
  const words = useWords();
  const now: Readonly<Ref<number>> = useNow(SECOND_MS);

  function nameOf(userId: string): string {
    const remark = lists.friendOf(userId)?.remark;
    return remark || members.value.get(userId)?.nickname || words.nameOf(userId);
  }
  function namesOf(userId: string): readonly string[] {
    if (userId === "all") return ALL_NAMES;
    const user = members.value.get(userId)?.user ?? lists.userOf(userId);
    const names = [members.value.get(userId)?.nickname, user?.nickname, user?.username, lists.friendOf(userId)?.remark];
    return [...new Set(names.filter((name): name is string => Boolean(name)))];
  }
  function mentionsIn({ mentions = [] }: Pick<LocalMessage, "mentions">): readonly MentionName[] {
    return mentions.flatMap((userId) =>
      namesOf(userId).map((name) => ({ text: `@${name}`, isMe: userId === words.me || userId === "all" })),
    );
  }

  return {
    ...actions,
    t: words.t,
    me: words.me,
    kind,
    nameOf,
    avatarOf: (userId) => members.value.get(userId)?.user.avatar ?? lists.userOf(userId)?.avatar ?? "",
    sentQuote: ({ key }) => sentQuotes.get(key) ?? null,
    mentionsIn,
    language: localeTag,
    now,
  };
}
