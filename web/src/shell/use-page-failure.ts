import { ref, type Ref } from "vue";
import type { Router } from "vue-router";

/** Whether the code of a screen could not be loaded, as after an update of the server or without a connection. */
export function usePageFailure(router: Router): { failed: Ref<boolean>; reload: () => void } {
  const failed = ref(false);
  router.onError(() => {
    failed.value = true;
  });
  return { failed, reload: () => location.reload() };
}
