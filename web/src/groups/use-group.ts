import type { Group, GroupCard } from "@moleculer-im/client";
import { computed, ref, shallowRef, watch, type ComputedRef, type Ref } from "vue";
import { useWhenBack } from "../session/use-im-event.ts";
import { im } from "../session/im.ts";
import { useLists } from "../session/lists-store.ts";

/** A group as far as the user may see it. */
export interface GroupView {
  /** Null for those who are no members. */
  readonly group: ComputedRef<Group | null>;
  /** Of a group that can be joined by those outside; null for members, and when there is none. */
  readonly card: Readonly<Ref<GroupCard | null>>;
  readonly isLoading: Readonly<Ref<boolean>>;
  /** Why the server showed nothing; null otherwise. */
  readonly error: Readonly<Ref<unknown>>;
  /** Asks the server. */
  load(): Promise<void>;
  /** Takes over how the group is now, as an answer said, until the list has followed. */
  took(group: Group): void;
}

/** Follows a group: from the list of the user's groups, and from the server for one that is not in it. */
export function useGroup(groupId: () => string): GroupView {
  const lists = useLists();
  const answered = shallowRef<Group | null>(null);
  const card = shallowRef<GroupCard | null>(null);
  const isLoading = ref(false);
  const error = shallowRef<unknown>(null);
  const listed = computed(() => lists.groupOf(groupId()));
  let round = 0;

  watch(listed, (now, before) => {
    answered.value = null;
    if (now) card.value = error.value = null;
    // Whoever has left, or was removed, sees what anybody sees.
    else if (before) void load();
  });
  watch(groupId, () => {
    answered.value = card.value = error.value = null;
    if (!listed.value) void load();
  });

  async function load(): Promise<void> {
    const mine = ++round;
    isLoading.value = true;
    error.value = null;
    try {
      const found = await im.call("group.get", { groupId: groupId() });
      if (mine !== round) return;
      answered.value = "myRole" in found ? found : null;
      card.value = "myRole" in found ? null : found;
    } catch (cause) {
      if (mine !== round) return;
      error.value = cause;
      answered.value = card.value = null;
    } finally {
      if (mine === round) isLoading.value = false;
    }
  }

  useWhenBack(() => {
    if (!listed.value) void load();
  });

  return {
    group: computed(() => answered.value ?? listed.value),
    card,
    isLoading,
    error,
    load,
    took: (group) => {
      answered.value = group;
    },
  };
}
