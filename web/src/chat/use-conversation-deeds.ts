import type { LocalConversation } from "@moleculer-im/client";
import { confirmed } from "../ui/confirmed.ts";
import { t } from "../i18n/index.ts";
import { im } from "../session/im.ts";
import { tell } from "../ui/errors.ts";
import { faceOf } from "./conversations.ts";
import type { MenuItem } from "./PopMenu.vue";
import type { Words } from "./sentences.ts";

interface Menu {
  items(conversation: LocalConversation): MenuItem[];
  /** What goes wrong is told. */
  run(key: string, conversation: LocalConversation): Promise<void>;
}

/** What can be done with a conversation from its row. */
export function conversationDeeds(words: Words, onHidden: (conversationId: string) => void): Menu {
  async function clear(conversation: LocalConversation): Promise<void> {
    const text = t("chat.list.clearText", { name: faceOf(conversation, words).name });
    if (!(await confirmed(t("chat.list.clearTitle"), text, t("chat.list.clear")))) return;
    await im.clearConversation(conversation.conversationId);
  }
  async function hide({ conversationId }: LocalConversation): Promise<void> {
    await im.updateConversation(conversationId, { hidden: true });
    onHidden(conversationId);
  }
  const deeds: Readonly<Record<string, (conversation: LocalConversation) => Promise<void>>> = {
    pin: ({ conversationId, pinned }) => im.updateConversation(conversationId, { pinned: !pinned }),
    mute: ({ conversationId, muted }) => im.updateConversation(conversationId, { muted: !muted }),
    markRead: ({ conversationId }) => im.markRead(conversationId),
    hide,
    clear,
  };
  return {
    items({ pinned, muted, unread }) {
      return [
        { key: "pin", label: t(pinned ? "chat.list.unpin" : "chat.list.pin"), icon: "pin" },
        { key: "mute", label: t(muted ? "chat.list.unmute" : "chat.list.mute"), icon: "bellOff" },
        ...(unread > 0 ? [{ key: "markRead", label: t("chat.list.markRead"), icon: "checks" } as const] : []),
        { key: "hide", label: t("chat.list.hide"), icon: "close" },
        { key: "clear", label: t("chat.list.clear"), icon: "trash", danger: true },
      ];
    },
    async run(key, conversation) {
      try {
        await deeds[key]?.(conversation);
      } catch (error) {
        tell(error);
      }
    },
  };
}
