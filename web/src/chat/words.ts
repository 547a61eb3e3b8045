import { localeTag, t } from "../i18n/index.ts";
import { useLists } from "../session/lists-store.ts";
import { useSession } from "../session/session-store.ts";
import type { Words } from "./sentences.ts";
import { remembering } from "./translate.ts";

/** What sentences about messages need, outside of a chat. */
export function useWords(): Words {
  const lists = useLists();
  const session = useSession();
  return {
    t: remembering((key, named = {}) => t(key, named), localeTag),
    get me() {
      return session.me?.userId ?? "";
    },
    nameOf: (userId) => lists.nameOf(userId),
  };
}
