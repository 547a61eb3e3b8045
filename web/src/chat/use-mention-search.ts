import { computed, ref, watch, type ComputedRef, type Ref } from "vue";
import { matching, mentionQuery, type Candidate, type MentionQuery } from "./mentions.ts";

const MOST_SHOWN = 50;

export interface MentionSearch<T extends Candidate> {
  readonly query: ComputedRef<MentionQuery | null>;
  readonly found: ComputedRef<readonly T[]>;
  /** The one that Enter chooses. */
  readonly current: Readonly<Ref<number>>;
  move(by: 1 | -1): void;
  /** Until the next `@`. */
  dismiss(): void;
}

/** Who is being looked for behind an `@` in a text. */
export function useMentionSearch<T extends Candidate>(
  text: Readonly<Ref<string>>,
  caret: Readonly<Ref<number>>,
  candidates: () => readonly T[],
): MentionSearch<T> {
  const current = ref(0);
  const dismissedAt = ref<number | null>(null);
  const query = computed(() => {
    const found = candidates().length > 0 ? mentionQuery(text.value, caret.value) : null;
    return found && found.start !== dismissedAt.value ? found : null;
  });
  const found = computed(() => (query.value ? matching(candidates(), query.value.words, MOST_SHOWN) : []));
  watch(
    () => query.value?.words,
    () => {
      current.value = 0;
    },
  );
  watch(
    () => mentionQuery(text.value, caret.value)?.start,
    (start) => {
      if (start !== dismissedAt.value) dismissedAt.value = null;
    },
  );
  return {
    query,
    found,
    current,
    move(by) {
      const count = found.value.length;
      if (count > 0) current.value = (current.value + by + count) % count;
    },
    dismiss() {
      dismissedAt.value = query.value?.start ?? null;
    },
  };
}
