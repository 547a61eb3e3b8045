import type { LocalConversation } from "@moleculer-im/client";
import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { useImEvent } from "../session/use-im-event.ts";
import { im } from "../session/im.ts";
import { peerIdOf } from "./conversations.ts";

/** A conversation as it is now; null while it is not known. One with a friend that has no message yet is asked for. */
export function useConversation(conversationId: string): {
  readonly conversation: Readonly<ShallowRef<LocalConversation | null>>;
  /** It is not known here, and the server does not give it. */
  readonly isMissing: Readonly<Ref<boolean>>;
} {
  const conversation = shallowRef(im.conversation(conversationId));
  const isMissing = ref(false);
  let isOver = false;

  function refresh(): void {
    conversation.value = im.conversation(conversationId) ?? conversation.value;
    if (conversation.value) isMissing.value = false;
  }
  async function ask(): Promise<void> {
    if (conversation.value || im.connection.state !== "online") return;
    const peerId = peerIdOf(conversationId, im.me?.userId ?? "");
    try {
      const opened = peerId === null ? null : await im.openDirect(peerId);
      if (!isOver && opened?.conversationId === conversationId) conversation.value = opened;
    } catch {
      // There is none, or none for this user.
    }
    isMissing.value = conversation.value === null;
  }

  useImEvent("conversations", ({ changed }) => {
    if (changed.includes(conversationId)) refresh();
  });
  useImEvent("connection", () => void ask());
  onScopeDispose(() => {
    isOver = true;
  });
  void ask();
  return { conversation, isMissing };
}
