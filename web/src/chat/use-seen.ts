import { onScopeDispose } from "vue";

/** Told so often at most that something was seen. */
const SEEN_EVERY_MS = 400;

/** Whether somebody is looking at the page. */
export const isLookedAt = (): boolean => document.visibilityState === "visible" && document.hasFocus();

/**
 * Calls `look` when what is on the screen may have changed while somebody looks at the page, or when they come back to it; at most
 * once in a while. @returns to be called when something moved
 */
export function useSeen(look: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const run = (): void => {
    timer = null;
    if (isLookedAt()) look();
  };
  const soon = (): void => {
    timer ??= setTimeout(run, SEEN_EVERY_MS);
  };
  document.addEventListener("visibilitychange", soon);
  globalThis.addEventListener("focus", soon);
  onScopeDispose(() => {
    document.removeEventListener("visibilitychange", soon);
    globalThis.removeEventListener("focus", soon);
    if (timer !== null) clearTimeout(timer);
  });
  return soon;
}
