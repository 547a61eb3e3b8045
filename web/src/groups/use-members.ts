import type { Member } from "@moleculer-im/client";
import { onScopeDispose } from "vue";
import { usePaged, type Paged } from "../ui/paged.ts";
import { useImEvent, useWhenBack } from "../session/use-im-event.ts";
import { im } from "../session/im.ts";
import { useLists } from "../session/lists-store.ts";

const PAGE = 100;
/** A group changes often while many join: each page that is shown is read again this seldom. */
const REREAD_MS_A_PAGE = 1_000;

export type Members = Paged<Member>;

/** The members of a group, page by page, owner and admins first; follows the group. */
export function useMembers(groupId: string): Members {
  const lists = useLists();
  const paged = usePaged<Member>(async (cursor) => {
    const page = await im.call("group.members", { groupId, limit: PAGE, ...(cursor !== undefined && { cursor }) });
    lists.knows(page.items.map(({ user }) => user));
    return page;
  });
  let timer: ReturnType<typeof setTimeout> | null = null;

  function rereadSoon(): void {
    timer ??= setTimeout(
      () => {
        timer = null;
        void paged.reload();
      },
      REREAD_MS_A_PAGE * Math.max(1, paged.items.value.length / PAGE),
    );
  }

  useImEvent("group", (changed) => {
    if (changed.groupId === groupId) rereadSoon();
  });
  useWhenBack(rereadSoon);
  onScopeDispose(() => {
    if (timer !== null) clearTimeout(timer);
  });

  return paged;
}
