import type { LocalConversation, Member } from "@moleculer-im/client";
import { computed, watch, type ComputedRef } from "vue";
import { usePeopleLists } from "../contacts/people-lists.ts";
import { localeTag, t } from "../i18n/index.ts";
import { useLists } from "../session/lists-store.ts";
import { useSession } from "../session/session-store.ts";
import { fullTime } from "../ui/time.ts";

interface Place {
  readonly conversation: () => LocalConversation | null;
  readonly peerId: string | null;
  readonly members: ComputedRef<ReadonlyMap<string, Member>>;
  readonly now: () => number;
}

/** Why this user cannot write in a conversation, as far as is known here; null when nothing is in the way. */
export function useBarred({ conversation, peerId, members, now }: Place): ComputedRef<string | null> {
  const lists = useLists();
  const session = useSession();
  const people = usePeopleLists();
  watch(
    () => session.isOnline && peerId !== null,
    (isWanted) => {
      // What is not known here the server says when one writes.
      if (isWanted && people.lists.blocked === null) people.load("blocked").catch(() => undefined);
    },
    { immediate: true },
  );

  function inGroup({ group }: LocalConversation): string | null {
    const current = group && (lists.groupOf(group.groupId) ?? group);
    if (!current || current.myRole !== "member") return null;
    if (current.allMuted) return t("chat.composer.allMuted");
    const until = members.value.get(session.me?.userId ?? "")?.mutedUntil ?? null;
    return until !== null && until > now() ? t("chat.composer.muted", { time: fullTime(until, localeTag.value) }) : null;
  }

  return computed(() => {
    const at = conversation();
    if (!at) return null;
    if (!at.active) return t("chat.composer.removed");
    if (at.type === "group") return inGroup(at);
    if (peerId === null) return null;
    if (people.has("blocked", peerId)) return t("chat.composer.blocked");
    return session.isOnline && lists.ready && !lists.friendOf(peerId) ? t("chat.composer.notFriends") : null;
  });
}
