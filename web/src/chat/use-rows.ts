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
  /** Resolves when what is shown is what the window holds. */
  readonly settled: () => Promise<void>;
}

/** `longer`: there are more at the end. `replaced`: this is another stretch. `changed`: anything else. */
export type RowsChange = "longer" | "replaced" | "changed";

/**
 * The messages of a window as a virtual list takes them: it must know whether there are more at the beginning or at the end, so
 * what changed at both is shown in two steps. `changed` is called after each change.
 */
export function useRows(window: MessageWindow, changed: (how: RowsChange) => void): Rows {
  const items = shallowRef(window.items);
  const shift = ref(false);
  const stretch = ref(0);
  const hasOlder = ref(window.hasOlder);
  const hasNewer = ref(window.hasNewer);
  const loading = ref(window.loading);
  let following: Promise<void> | null = null;

  function show(next: readonly LocalMessage[], isShift: boolean): void {
    shift.value = isShift;
    items.value = next;
  }

  async function step(next: readonly LocalMessage[]): Promise<RowsChange> {
    const change = changeOf(items.value, next);
    if (change.kind === "replaced") {
      stretch.value += 1;
      show(next, false);
      return "replaced";
    }
    if (change.before !== 0) {
      show(next.slice(0, next.length - change.behind), true);
      await nextTick();
    }
    show(next, false);
    return change.behind > 0 ? "longer" : "changed";
  }

  async function follow(): Promise<void> {
    while (items.value !== window.items) {
      const how = await step(window.items);
      await nextTick();
      changed(how);
    }
    following = null;
  }

  function onChange(): void {
    hasOlder.value = window.hasOlder;
    hasNewer.value = window.hasNewer;
    loading.value = window.loading;
    if (items.value !== window.items) following ??= follow();
  }
  onScopeDispose(window.onChange(onChange));
  const settled = async (): Promise<void> => {
    await following;
  };
  return { items, shift, stretch, hasOlder, hasNewer, loading, settled };
}
