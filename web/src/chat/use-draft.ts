import { onScopeDispose } from "vue";
import { im } from "../session/im.ts";
import { draftOf } from "./draft-text.ts";

const KEPT_AFTER_MS = 1_000;
/** Keeps what is being written with its conversation: a while after the last key, and when one leaves. */
export function useDraft(conversationId: string, initial: string): { keep(text: string): void } {
  let kept = initial;
  let latest = initial;
  let timer: ReturnType<typeof setTimeout> | null = null;

  function write(): void {
    timer = null;
    if (latest === kept) return;
    kept = latest;
    // What cannot be kept is still in the field.
    im.updateConversation(conversationId, { draft: latest }).catch(() => undefined);
  }
  function writeNow(): void {
    if (timer !== null) clearTimeout(timer);
    write();
  }
  globalThis.addEventListener("pagehide", writeNow);
  onScopeDispose(() => {
    globalThis.removeEventListener("pagehide", writeNow);
    writeNow();
  });
  return {
    keep(text) {
      latest = draftOf(text);
      if (latest === "") return writeNow();
      timer ??= setTimeout(write, KEPT_AFTER_MS);
    },
  };
}
