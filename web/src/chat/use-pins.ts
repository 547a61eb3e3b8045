import type { LocalMessage, MessageWindow, PinnedMessage } from "@moleculer-im/client";
import { onScopeDispose, shallowRef, watch, type ShallowRef } from "vue";
import { im } from "../session/im.ts";
import { useSession } from "../session/session-store.ts";

/** Changes of pins that come together are looked at once. */
const SETTLES_MS = 500;

const pinnedIn = (items: readonly LocalMessage[]): string =>
  items
    .filter(({ pinnedAt }) => pinnedAt !== undefined)
    .map(({ messageId, editedAt }) => `${messageId}/${editedAt}`)
    .join();

/** The pinned messages of a conversation, the last pinned first, as the server had them when one of them changed last. */
export function usePins(window: MessageWindow): Readonly<ShallowRef<readonly PinnedMessage[]>> {
  const session = useSession();
  const pins = shallowRef<readonly PinnedMessage[]>([]);
  let timer: ReturnType<typeof setTimeout> | null = null;
  let seen: string | null = null;

  async function read(): Promise<void> {
    try {
      pins.value = (await im.call("message.pins", { conversationId: window.conversationId })).items;
    } catch {
      // What was there stays, until they change again or the connection is back.
    }
  }
  function look(): void {
    timer = null;
    const now = pinnedIn(window.items);
    if (now !== seen && seen !== null) void read();
    seen = now;
  }
  function soon(): void {
    timer ??= setTimeout(look, SETTLES_MS);
  }

  watch(
    () => session.isOnline,
    (isOnline) => {
      if (isOnline) void read();
    },
    { immediate: true },
  );
  onScopeDispose(window.onChange(soon));
  onScopeDispose(() => {
    if (timer !== null) clearTimeout(timer);
  });
  return pins;
}
