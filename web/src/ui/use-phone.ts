import { readonly, ref, type Ref } from "vue";

const query = window.matchMedia("(max-width: 767px)");
const matches = ref(query.matches);
query.addEventListener("change", (event) => {
  matches.value = event.matches;
});

/** True while the window is so narrow that a list and what it leads to are screens of their own. */
export const isPhone: Readonly<Ref<boolean>> = readonly(matches);
