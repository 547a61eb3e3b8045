import { readonly, ref, type Ref } from "vue";

const EVERY_MS = 30_000;
const time = ref(Date.now());
setInterval(() => {
  time.value = Date.now();
}, EVERY_MS);

/** Epoch ms, for texts such as "5 minutes ago" that follow the clock; half a minute behind at most. */
export const now: Readonly<Ref<number>> = readonly(time);
