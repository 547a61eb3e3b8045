import { onScopeDispose, readonly, ref, type Ref } from "vue";

/** Epoch ms, moved on every so many ms as long as the component lives. */
export function useNow(everyMs: number): Readonly<Ref<number>> {
  const now = ref(Date.now());
  const timer = setInterval(() => {
    now.value = Date.now();
  }, everyMs);
  onScopeDispose(() => clearInterval(timer));
  return readonly(now);
}
