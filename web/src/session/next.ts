import type { LocationQuery } from "vue-router";

/** Where to go once signed in: only an address of this page. */
export function nextOf({ query: { next } }: { readonly query: LocationQuery }): string {
  return typeof next === "string" && /^\/(?![/\\])/.test(next) ? next : "/chats";
}
