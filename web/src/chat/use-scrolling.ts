import type { MessageWindow } from "@moleculer-im/client";
import type { VirtualizerHandle } from "virtua/vue";
import { ref, type Ref, type ShallowRef } from "vue";
import type { Rows } from "./use-rows.ts";

/** So near to the end counts as being there. */
const NEAR_END_PX = 48;
/** So near to an end of what is loaded, more is loaded. */
const LOAD_AHEAD_PX = 1_200;
const PAGE = 50;

export interface Scrolling {
  /** The newest message is in sight, and stays in sight when others come. */
  readonly isAtEnd: Readonly<Ref<boolean>>;
  /** Why the last page could not be loaded. */
  readonly failure: Readonly<Ref<unknown>>;
  /** First and last index in sight. */
  inSight(): readonly [first: number, last: number];
  toEnd(): void;
  /** Back to the newest messages. @throws ImError */
  toLatest(): Promise<void>;
  toIndex(index: number, align: "start" | "center" | "nearest"): void;
  /** To be called after the user, or something else, has scrolled. */
  scrolled(): void;
  /** To be called after rows, or the room for them, have changed. */
  resized(): void;
  /** Loads what is shown first; also again, after it has failed. */
  begin(): void;
  /** Goes on where loading has failed. */
  retry(): void;
}

/** What was read when the chat was opened. */
export interface Opening {
  readonly readSeq: number;
  readonly unread: number;
}

/** Where the list stands, and what follows from it: more is loaded at its ends, and at the end it follows what comes. */
export function useScrolling(
  window: MessageWindow,
  { items, hasOlder, hasNewer, settled }: Rows,
  { readSeq, unread }: Opening,
  list: Readonly<ShallowRef<VirtualizerHandle | null>>,
): Scrolling {
  const isAtEnd = ref(false);
  const failure = ref<unknown>(null);

  const fromEnd = ({ scrollSize, scrollOffset, viewportSize }: VirtualizerHandle): number =>
    scrollSize - scrollOffset - viewportSize;

  function inSight(): readonly [number, number] {
    const handle = list.value;
    if (!handle || items.value.length === 0) return [-1, -1];
    const last = handle.findItemIndex(handle.scrollOffset + handle.viewportSize - 1);
    return [handle.findItemIndex(handle.scrollOffset), Math.min(last, items.value.length - 1)];
  }

  function toEnd(): void {
    isAtEnd.value = !hasNewer.value;
    list.value?.scrollToIndex(items.value.length - 1, { align: "end" });
  }

  async function toLatest(): Promise<void> {
    if (hasNewer.value) {
      await window.loadLatest();
      await settled();
    }
    toEnd();
  }

  function toIndex(index: number, align: "start" | "center" | "nearest"): void {
    isAtEnd.value = false;
    list.value?.scrollToIndex(index, { align, offset: align === "start" ? -NEAR_END_PX : 0 });
  }

  async function load(page: Promise<void>): Promise<void> {
    try {
      await page;
      failure.value = null;
    } catch (error) {
      failure.value = error;
    }
  }

  function loadMore(): void {
    const handle = list.value;
    if (!handle || window.loading !== null || items.value.length === 0) return;
    if (hasOlder.value && handle.scrollOffset < LOAD_AHEAD_PX) void load(window.loadOlder(PAGE));
    else if (hasNewer.value && fromEnd(handle) < LOAD_AHEAD_PX) void load(window.loadNewer(PAGE));
  }

  function begin(): void {
    void load(unread > 0 ? window.loadAround({ seq: readSeq + 1 }) : window.loadLatest());
  }

  function retry(): void {
    failure.value = null;
    if (items.value.length === 0) begin();
    else loadMore();
  }

  function scrolled(): void {
    const handle = list.value;
    if (!handle) return;
    isAtEnd.value = !hasNewer.value && fromEnd(handle) < NEAR_END_PX;
    if (failure.value === null) loadMore();
  }

  function resized(): void {
    if (isAtEnd.value) toEnd();
  }

  return { isAtEnd, failure, inSight, toEnd, toLatest, toIndex, scrolled, resized, begin, retry };
}
