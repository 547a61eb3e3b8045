import { ref, shallowRef, watch, type Ref, type ShallowRef } from "vue";

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** A list that the server gives in pages. */
export interface Paged<T> {
  readonly items: Readonly<ShallowRef<readonly T[]>>;
  /** False before the first page has come. */
  readonly loaded: Readonly<Ref<boolean>>;
  readonly loading: Readonly<Ref<boolean>>;
  readonly hasMore: Readonly<Ref<boolean>>;
  /** Of the newest try; null once one has worked. */
  readonly error: Readonly<ShallowRef<unknown>>;
  /** Reads again from the start, as far as it is shown; what is shown stays until then. */
  reload(): Promise<void>;
  /** Nothing while a page is on its way. */
  loadMore(): Promise<void>;
  /** Reads on to the end as long as `isWanted` says so, behind whatever is being read; ends at an error. */
  loadAll(isWanted: () => boolean): Promise<void>;
  /** Changes what is shown, after an answer that says so. */
  patch(change: (items: readonly T[]) => readonly T[]): void;
}

/** `load` gets the cursor of the page to bring, none for the first one. Errors go to `error`. */
export function usePaged<T>(load: (cursor?: string) => Promise<Page<T>>): Paged<T> {
  const items = shallowRef<readonly T[]>([]);
  const loaded = ref(false);
  const loading = ref(false);
  const hasMore = ref(false);
  const error = shallowRef<unknown>(null);
  let cursor: string | null = null;
  // An answer that a later reload has overtaken is dropped.
  let round = 0;

  async function bring(read: () => Promise<Page<T>>): Promise<void> {
    const mine = ++round;
    loading.value = true;
    try {
      const page = await read();
      if (mine !== round) return;
      items.value = page.items;
      cursor = page.nextCursor;
      hasMore.value = cursor !== null;
      loaded.value = true;
      error.value = null;
    } catch (cause) {
      if (mine === round) error.value = cause;
    } finally {
      if (mine === round) loading.value = false;
    }
  }

  async function fromStart(): Promise<Page<T>> {
    const wanted = items.value.length;
    let { items: found, nextCursor } = await load();
    while (nextCursor !== null && found.length < wanted) {
      const page = await load(nextCursor);
      found = [...found, ...page.items];
      nextCursor = page.nextCursor;
    }
    return { items: found, nextCursor };
  }

  async function next(from: string): Promise<Page<T>> {
    const page = await load(from);
    return { items: [...items.value, ...page.items], nextCursor: page.nextCursor };
  }

  async function loadMore(): Promise<void> {
    if (loading.value || cursor === null) return;
    const from = cursor;
    await bring(() => next(from));
  }

  async function idle(): Promise<void> {
    if (!loading.value) return;
    await new Promise<void>((resolve) => watch(loading, () => resolve(), { once: true, flush: "sync" }));
  }

  async function loadAll(isWanted: () => boolean): Promise<void> {
    await idle();
    while (isWanted() && hasMore.value && error.value === null) {
      await loadMore();
      await idle();
    }
  }

  return {
    items,
    loaded,
    loading,
    hasMore,
    error,
    reload: () => bring(fromStart),
    loadMore,
    loadAll,
    patch: (change) => {
      items.value = change(items.value);
    },
  };
}
