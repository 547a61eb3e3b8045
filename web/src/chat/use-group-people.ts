import type { Member } from "@moleculer-im/client";
import { computed, watch, type ComputedRef } from "vue";
import { MAX_READERS_GROUP } from "../../../contracts/limits.ts";
import { useMembers } from "../groups/use-members.ts";
import { useSession } from "../session/session-store.ts";

/** The members of a group, as far as they are read: all of them, up to a size above which nobody looks for a face. */
export function useGroupPeople(groupId: string | null): ComputedRef<ReadonlyMap<string, Member>> {
  if (groupId === null) return computed(() => new Map());
  const session = useSession();
  const members = useMembers(groupId);
  const read = async (): Promise<void> => {
    await members.reload();
    await members.loadAll(() => members.items.value.length < MAX_READERS_GROUP);
  };
  watch(
    () => session.isOnline,
    (isOnline) => {
      if (isOnline) void read();
    },
    { immediate: true },
  );
  return computed(() => new Map(members.items.value.map((member) => [member.userId, member])));
}
