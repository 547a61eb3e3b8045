import type { LocalMessage, MessageWindow } from "@moleculer-im/client";
import { nextTick, onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { changeOf } from "./rows.ts";

export interface Rows {
  /** What is shown; follows the window. */
  readonly items: Readonly<ShallowRef<readonly LocalMessage[]>>;
  /** The last change was at the beginning: what is on the screen stays where it is. */
  readonly shift: Readonly<Ref<boolean>>;
  /** Counts how often another stretch of the conversation took the place of the one before. */
  readonly stretch: Readonly<Ref<number>>;
  readonly hasOlder: Readonly<Ref<boolean>>;
  readonly hasNewer: Readonly<Ref<boolean>>;
  readonly loading: Readonly<Ref<MessageWindow["loading"]>>;
}

/**
 * The messages of a window as a virtual list takes them: it must know whether there are more at the beginning or at the end, so
 * what changed at both is shown in two steps. `changed` is called after each, with whether there are more at the end.
 */
export function useRows(window: MessageWindow, changed: (isLonger: boolean) => void): Rows {
  const items = shallowRef(window.items);
  const shift = ref(false);
  const stretch = ref(0);
  const hasOlder = ref(window.hasOlder);
  const hasNewer = ref(window.hasNewer);
  const loading = ref(window.loading);
  let isFollowing = false;

  function show(next: readonly LocalMessage[], isShift: boolean): void {
    shift.value = isShift;
    items.value = next;
  }

  /** @returns whether there are more at the end */
  async function step(next: readonly LocalMessage[]): Promise<boolean> {
    const change = changeOf(items.value, next);
    if (change.kind === "replaced") {
      stretch.value += 1;
      show(next, false);
      return false;
    }
    if (change.before !== 0) {
      show(next.slice(0, next.length - change.behind), true);
      await nextTick();
    }
    show(next, false);
    return change.behind > 0;
  }

  async function follow(): Promise<void> {
    if (isFollowing) return;
    isFollowing = true;
    try {
      while (items.value !== window.items) {
        const isLonger = await step(window.items);
        await nextTick();
        changed(isLonger);
      }
    } finally {
      isFollowing = false;
    }
  }

  function onChange(): void {
    hasOlder.value = window.hasOlder;
    hasNewer.value = window.hasNewer;
    loading.value = window.loading;
    if (items.value !== window.items) void follow();
  }
  onScopeDispose(window.onChange(onChange));
  return { items, shift, stretch, hasOlder, hasNewer, loading };
}
