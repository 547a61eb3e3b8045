import { nextTick, onMounted, useTemplateRef } from "vue";
import type { VListHandle } from "virtua/vue";

/** Where the list of contacts was left: on a phone it gives way to each page that it leads to. */
let place = 0;

/** For the one list with the template ref `list`. */
export function useScrollPlace(): { list: ReturnType<typeof useTemplateRef<VListHandle>>; remember: (offset: number) => void } {
  const list = useTemplateRef<VListHandle>("list");
  onMounted(async () => {
    const wanted = place;
    await nextTick();
    if (wanted > 0) list.value?.scrollTo(wanted);
  });
  return {
    list,
    remember: (offset) => {
      place = offset;
    },
  };
}
