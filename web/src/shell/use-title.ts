import { computed, watchEffect } from "vue";
import { useRoute } from "vue-router";
import { t } from "../i18n/index.ts";
import { useLists } from "../session/lists-store.ts";
import { useSession } from "../session/session-store.ts";
import { countText } from "../ui/count-text.ts";

/** Keeps the title of the document, with the number of unread messages, and a dot on the icon while there are any. */
export function useTitle(): void {
  const route = useRoute();
  const lists = useLists();
  const session = useSession();
  const unread = computed(() => (session.isSignedIn ? lists.unreadMessages : 0));
  watchEffect(() => {
    const names = [route.meta.title ? t(route.meta.title) : null, t("shell.app")].filter((name) => name !== null);
    document.title = `${unread.value > 0 ? `(${countText(unread.value)}) ` : ""}${names.join(" · ")}`;
  });
  watchEffect(() => {
    const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (icon) icon.href = unread.value > 0 ? "/favicon-unread.svg" : "/favicon.svg";
  });
}
