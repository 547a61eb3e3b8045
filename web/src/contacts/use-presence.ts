import { onScopeDispose, watch } from "vue";
import { MAX_USERS_IN_REQUEST } from "../../../contracts/limits.ts";
import { im } from "../session/im.ts";

/** Follows who of these friends is online, as long as the component lives; only so many as one request may name. */
export function usePresence(userIds: () => readonly string[]): void {
  let stop: (() => void) | null = null;
  const key = (): string => userIds().slice(0, MAX_USERS_IN_REQUEST).join(",");
  watch(
    key,
    (ids) => {
      const before = stop;
      stop = ids === "" ? null : im.watchPresence(ids.split(","));
      before?.();
    },
    { immediate: true },
  );
  onScopeDispose(() => stop?.());
}
